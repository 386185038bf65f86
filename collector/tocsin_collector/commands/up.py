"""`tocsin up`: agent, collector and page in one, on the embedded defaults; with `--demo`, a real model too."""

import contextlib
import os
import re
import signal
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial

import click

from tocsin_collector.children import ChildFailed, Children
from tocsin_collector.doors.inside import Inside, inside
from tocsin_collector.listen import ListenError, address
from tocsin_schema.config import ConfigError, Key
from tocsin_schema.ports import AGENT_LISTEN, COLLECTOR_LISTEN
from tocsin_schema.settings.agent import AGENT
from tocsin_schema.settings.collector import COLLECTOR

_Values = Mapping[str, object]
READY_WITHIN_S = 60.0
TRAFFIC = "traffic"
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OWN_KEY = "the agent of tocsin up"
_REFERENCE = "/v1/references/demo/flights?version=1"
_LOOPBACK = re.compile(r"(127\.[\d.]+|localhost|\[::1\]):")
_WHOM_TO_BELIEVE = (
    "--listen needs a name of the certificate of web.yml, TOCSIN_CA_FILE its authority, "
    "TOCSIN_CERT_FILE a client's certificate and key where one is asked for"
)


@click.command("up")
@click.option("--demo", is_flag=True, help="Serve a real model on real flights of 2013 and watch it until it alarms.")
@click.option("--days-per-second", "pace", type=click.FloatRange(0.01, 10), help="The demo's pace. [default: 0.34]")
@click.option("--data", help="Folder of journal, logs and alarms; with --demo a new one each time.")
@click.option("--web-config", metavar="FILE", default="", help="A web.yml: TLS, client certificates, passwords.")
@click.option("--listen", metavar="ADDR:PORT", help="Of page and collector. [default: 127.0.0.1:10301, or a free port]")
def command(demo: bool, pace: float | None, data: str | None, web_config: str, listen: str | None) -> None:
    """Start agent, collector and page on this machine; Ctrl-C ends all of them.

    \b
    Example:
      tocsin up
      tocsin up --demo
      tocsin up --web-config web.yml --listen collector.example.org:10301
    """
    if pace and not demo:
        raise click.UsageError("--days-per-second is the pace of the demo: tocsin up --demo --days-per-second 1")
    if listen:
        try:
            address(listen)
        except ListenError as error:
            raise click.UsageError(f"--{error}") from None
    if listen and not web_config and not _LOOPBACK.match(listen):
        raise click.UsageError(f"--listen {listen}: whoever reaches it could do everything; protect it by --web-config")
    for number in _ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    try:
        if demo:
            with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as folder:
                _run(data or folder, Addresses(listen, web_config), partial(_demo, pace))
        else:
            _run(data or _default_data(), Addresses(listen, web_config), _plain)
    except KeyboardInterrupt:
        click.echo("ended")
    except ConfigError as error:
        click.echo("\n".join(error.faults), err=True)
        raise SystemExit(78) from None
    except OSError as error:
        click.echo(f"tocsin up: {error.filename}: {error.strerror}; --data names another folder", err=True)
        raise SystemExit(1) from None
    except ChildFailed as error:
        click.echo(f"tocsin up: {error}", err=True)
        raise SystemExit(1) from None


class Addresses:
    """Where everything listens in this run: the default ports, or free ones when those are taken. Raises ConfigError.

    Only the collector, with the page, has the ``web.yml``: agent and demo stay on the loopback address.
    """

    def __init__(self, listen: str | None, web_config: str) -> None:
        self.collector = listen or _free(COLLECTOR_LISTEN)
        self.inside = inside(self.collector, web_config)
        self.agent = _free(AGENT_LISTEN)
        self.webhook = _free("127.0.0.1:0")
        self.server = _free("127.0.0.1:0")


def _run(folder: str, at: Addresses, start: Callable[[Children, Addresses, str], tuple[str, ...]]) -> None:
    os.makedirs(folder, exist_ok=True)
    with Children(os.path.join(folder, "messages")) as children:
        may_end = start(children, at, folder)
        while TRAFFIC not in children.check(*may_end):
            time.sleep(0.5)
        click.echo("the replay has ended; the page stays until Ctrl-C")
        while children.check(*may_end):
            time.sleep(0.5)


def _plain(children: Children, at: Addresses, folder: str) -> tuple[str, ...]:
    _core(children, at, folder, collector={}, agent={})
    click.echo(f"page      {at.inside.url}/\nagent     http://{at.agent}  takes events, shows /metrics")
    click.echo(f"data      {folder}/collector\nmessages  {folder}/messages\nCtrl-C ends both")
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
    settings: _Values = {"alerting.targets_file": targets, **demo_settings()}
    _core(children, at, folder, collector=settings, agent=_demo_agent(app_log, serving))
    click.echo(f"\n  page      {at.inside.url}/\n  agent     http://{at.agent}")
    click.echo("  alarms    are printed here, as a webhook receives them")
    if children.wait("reference", READY_WITHIN_S):
        children.check()
    _put_reference(at, os.path.join(folder, "reference.csv"), _token_file(folder))
    _wait(children, Inside(f"http://{at.server}"), "/health", "reference")
    speed = ["--days-per-second", str(pace)] if pace else []
    children.start(TRAFFIC, "tocsin_demo.traffic", "--server", f"http://{at.server}", *speed, environ=serving)
    click.echo(f"  model     {at.inside.url}/models/demo/flights/1\n  messages  {folder}/messages")
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


def _demo_agent(app_log: str, serving: dict[str, str]) -> _Values:
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
    collector: _Values,
    agent: _Values,
) -> None:
    """Agent and collector, once they answer."""
    data = os.path.join(folder, "collector")
    here = at.inside
    agents = {
        "listen": at.collector,
        "data_dir": data,
        "agents": [f"http://{at.agent}"],
        "web_config_file": here.web_config_file,
    }
    own = {
        "listen": at.agent,
        "state_dir": os.path.join(folder, "agent"),
        "collector": here.url,
        "collector_ca_file": here.ca_file,
        "collector_cert_file": here.cert_file,
        "collector_token_file": _own_key(data, _token_file(folder), needed=here.has_users),
    }
    start = partial(_configured, children, folder)
    start("collector", "tocsin_collector", "collector", COLLECTOR, {**agents, **collector})
    start("agent", "tocsin_agent", "run", AGENT, {**own, **agent})
    _wait(children, Inside(f"http://{at.agent}"), "/-/healthy", "reference")
    _wait(children, here, "/-/healthy", "reference")


def _configured(
    children: Children, folder: str, name: str, module: str, command: str, table: tuple[Key, ...], values: _Values
) -> None:
    """Start one with a configuration file that one can look at afterwards. It holds whatever the environment says,
    which may be meant for another agent or collector: the two have to find each other."""
    file = os.path.join(folder, f"{name}.toml")
    _write(file, _toml(values))
    passed_over = [key.env for key in table if key.path in values and key.env in os.environ]
    if passed_over:
        click.echo(f"tocsin up passes over {', '.join(passed_over)}: it says so itself in {file}", err=True)
    children.start(name, module, command, "--config", file, environ=dict.fromkeys(passed_over))


def _token_file(folder: str) -> str:
    return os.path.join(folder, "up.token")


def _own_key(data: str, token_file: str, *, needed: bool) -> str:
    """Where the collector has keys, one for this run's agent, in place of the run's before; "" where it has none and
    nobody asks for one."""
    from tocsin_collector.doors.caller import LABELS, LOGS, PREDICTIONS, REFERENCES
    from tocsin_collector.doors.keys import KeysError, load, make, path_of, revoke

    path = path_of(data)
    try:
        for key in load(path).values() if not needed or os.path.exists(path) else ():
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


def _toml(values: _Values) -> str:
    # A dotted key is TOML's own way to name a key of a table.
    from tocsin_schema.config import toml

    return "".join(f"{path} = {toml(value)}\n" for path, value in values.items())


def _put_reference(at: Addresses, path: str, token_file: str) -> None:
    shown = {}
    if os.path.exists(token_file):
        with open(token_file, encoding="utf-8") as token:
            shown = {"authorization": f"Bearer {token.read().strip()}"}
    with open(path, "rb") as file:
        headers = {"content-type": "text/csv"} | shown
        at.inside.open(_REFERENCE, 60, data=file.read(), method="PUT", headers=headers).close()


def _wait(children: Children, server: Inside, path: str, *may_end: str) -> None:
    """Until a server answers; raises ChildFailed when a child ends before or the time is over."""
    limit = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < limit:
        children.check(*may_end)
        try:
            server.open(path, 2).close()
            return
        except ssl.SSLError as error:
            said = getattr(error, "verify_message", "") or error.reason or error
            raise ChildFailed(f"{server.url}: {said}; {_WHOM_TO_BELIEVE}") from None
        except OSError:
            time.sleep(0.05)
    raise ChildFailed(f"{server.url}{path} has not answered within {READY_WITHIN_S:g} s")


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
    """End in order, once: whoever is impatient meanwhile would leave the demo's folder behind."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # of a terminal that has gone
        os.write(1, b"\nending\n")  # a print may be what was interrupted
    raise KeyboardInterrupt
