"""`tocsin up`: agent, collector and page in one, on the embedded defaults; with `--demo`, a real model too."""

import os
import signal
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial

import click

from tocsin_collector.children import ChildFailed, Children
from tocsin_schema.ports import AGENT_LISTEN, COLLECTOR_LISTEN

READY_WITHIN_S = 60.0
TRAFFIC = "traffic"
OWN_KEY = "the agent of tocsin up"


@click.command("up")
@click.option("--demo", is_flag=True, help="Serve a real model on real flights of 2013 and watch it until it alarms.")
@click.option("--days-per-second", "pace", type=click.FloatRange(0.01, 10), help="The demo's pace. [default: 0.34]")
@click.option("--data", help="Folder of journal, logs and alarms; with --demo a new one each time.")
def command(demo: bool, pace: float | None, data: str | None) -> None:
    """Start agent, collector and page on this machine; Ctrl-C ends all of them.

    \b
    Example:
      tocsin up
      tocsin up --demo
    """
    if pace and not demo:
        raise click.UsageError("--days-per-second is the pace of the demo: tocsin up --demo --days-per-second 1")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if demo:
            with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as folder:
                _run(data or folder, partial(_demo, pace))
        else:
            _run(data or _default_data(), _plain)
    except KeyboardInterrupt:
        click.echo("\nended")
    except ChildFailed as error:
        click.echo(f"tocsin up: {error}", err=True)
        raise SystemExit(1) from None


class Addresses:
    """Where everything listens in this run: the default ports, or free ones when those are taken."""

    def __init__(self) -> None:
        self.collector = _free(COLLECTOR_LISTEN)
        self.agent = _free(AGENT_LISTEN)
        self.webhook = _free("127.0.0.1:0")
        self.server = _free("127.0.0.1:0")


def _run(folder: str, start: Callable[[Children, Addresses, str], tuple[str, ...]]) -> None:
    os.makedirs(folder, exist_ok=True)
    with Children(os.path.join(folder, "messages")) as children:
        may_end = start(children, Addresses(), folder)
        while TRAFFIC not in children.check(*may_end):
            time.sleep(0.5)
        click.echo("the replay has ended; the page stays until Ctrl-C")
        while children.check(*may_end):
            time.sleep(0.5)


def _plain(children: Children, at: Addresses, folder: str) -> tuple[str, ...]:
    _core(children, at, folder, collector={}, agent={})
    click.echo(f"page      http://{at.collector}/\ndata      {folder}\nmessages  {folder}/messages\nCtrl-C ends both")
    return ()


def _demo(pace: float | None, children: Children, at: Addresses, folder: str) -> tuple[str, ...]:
    click.echo("tocsin demo: flights out of New York in 2013, from 8 November on")
    children.start("webhook", "tocsin_demo.webhook", "--listen", at.webhook, show=True)
    targets = os.path.join(folder, "targets")
    _write(targets, f"json://{at.webhook}/\n")
    app_log = os.path.join(folder, "server.log")
    serving = {"TOCSIN_ENDPOINT": f"http://{at.agent}", "TOCSIN_RUNTIME_DIR": os.path.join(folder, "runtime")}
    os.makedirs(serving["TOCSIN_RUNTIME_DIR"], exist_ok=True)
    # All start at once; whoever is needed first is waited for first.
    children.start("server", "tocsin_demo.server", "--listen", at.server, "--log", app_log, environ=serving)
    children.start("reference", "tocsin_demo.reference", "--output", os.path.join(folder, "reference.csv"))
    settings: dict[str, str | float] = {"alerting.targets_file": targets, **demo_settings()}
    _core(children, at, folder, collector=settings, agent=_demo_agent(app_log, serving))
    click.echo(f"\n  page      http://{at.collector}/\n  alarms    are printed here, as a webhook receives them")
    if children.wait("reference", READY_WITHIN_S):
        children.check()
    _put_reference(at, os.path.join(folder, "reference.csv"), _token_file(folder))
    _wait(children, f"http://{at.server}/health", "reference")
    speed = ["--days-per-second", str(pace)] if pace else []
    children.start(TRAFFIC, "tocsin_demo.traffic", "--server", f"http://{at.server}", *speed, environ=serving)
    click.echo(f"  model     http://{at.collector}/models/demo/flights/1\n  messages  {folder}/messages")
    click.echo("  Ctrl-C ends everything\n")
    return ("reference", TRAFFIC)


def demo_settings() -> dict[str, float]:
    """The collector's windows in the demo: days of New York, closed an hour after midnight, labels a day later."""
    day_s = 86_400.0
    return {
        "windows.length_s": day_s,
        "windows.utc_offset_s": -5 * 3_600.0,
        "windows.lateness_s": 3_600.0,
        "windows.label_wait_s": day_s,
    }


def _demo_agent(app_log: str, serving: dict[str, str]) -> dict[str, str | list[str]]:
    return {
        "runtime_dir": serving["TOCSIN_RUNTIME_DIR"],
        "logs.files": [app_log],
        "logs.dataset": "flights",
        "logs.service": "flights",
    }


def _core(
    children: Children,
    at: Addresses,
    folder: str,
    collector: Mapping[str, str | float],
    agent: Mapping[str, str | list[str]],
) -> None:
    """Agent and collector, each with a configuration file that one can look at afterwards."""
    data = os.path.join(folder, "collector")
    agents = {"listen": at.collector, "data_dir": data, "agents": [f"http://{at.agent}"]}
    own = {"listen": at.agent, "collector": f"http://{at.collector}", "state_dir": os.path.join(folder, "agent")}
    own["collector_token_file"] = _own_key(data, _token_file(folder))
    for name, values in (("collector", {**agents, **collector}), ("agent", {**own, **agent})):
        _write(os.path.join(folder, f"{name}.toml"), _toml(values))
    # On the loopback address, without TLS, whatever the environment says of another collector.
    plain = {"TOCSIN_WEB_CONFIG_FILE": ""}
    file = os.path.join(folder, "collector.toml")
    children.start("collector", "tocsin_collector", "collector", "--config", file, environ=plain)
    children.start("agent", "tocsin_agent", "run", "--config", os.path.join(folder, "agent.toml"))
    _wait(children, f"http://{at.agent}/-/healthy", "reference")
    _wait(children, f"http://{at.collector}/-/healthy", "reference")


def _token_file(folder: str) -> str:
    return os.path.join(folder, "up.token")


def _own_key(data: str, token_file: str) -> str:
    """Where the collector has keys, one for this run's agent, in place of the run's before; "" where it has none."""
    from tocsin_collector.doors.caller import LABELS, LOGS, PREDICTIONS, REFERENCES
    from tocsin_collector.doors.keys import KeysError, load, make, path_of, revoke

    path = path_of(data)
    try:
        for key in load(path).values():
            if key.note == OWN_KEY:
                revoke(path, key.id, time.time())
        _, token = make(path, (PREDICTIONS, LABELS, LOGS, REFERENCES), None, OWN_KEY, time.time())
    except FileNotFoundError:
        return ""
    except KeysError as error:
        raise ChildFailed(str(error)) from None
    with open(os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(token + "\n")
    return token_file


def _toml(values: Mapping[str, object]) -> str:
    # A dotted key is TOML's own way to name a key of a table.
    from tocsin_schema.config import toml

    return "".join(f"{path} = {toml(value)}\n" for path, value in values.items())


def _put_reference(at: Addresses, path: str, token_file: str) -> None:
    shown = {}
    if os.path.exists(token_file):
        with open(token_file, encoding="utf-8") as token:
            shown = {"authorization": f"Bearer {token.read().strip()}"}
    with open(path, "rb") as file:
        request = urllib.request.Request(
            f"http://{at.collector}/v1/references/demo/flights?version=1",
            data=file.read(),
            method="PUT",
            headers={"content-type": "text/csv"} | shown,
        )
    with urllib.request.urlopen(request, timeout=60):  # noqa: S310
        pass


def _wait(children: Children, address: str, *may_end: str) -> None:
    """Until an address answers; raises ChildFailed when a child ends before or the time is over."""
    limit = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < limit:
        children.check(*may_end)
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.05)
    raise ChildFailed(f"{address} has not answered within {READY_WITHIN_S:g} s")


def _free(wanted: str) -> str:
    """``wanted`` when nothing listens there, else a free port of the same address."""
    host, _, port = wanted.rpartition(":")
    for candidate in (int(port), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return f"{host}:{probe.getsockname()[1]}"
    raise ChildFailed(f"no free port on {host}")


def _default_data() -> str:
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(home, "tocsin")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
