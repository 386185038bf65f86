"""The command line of the agent. A loop over argv: argparse costs 17 ms and 2.4 MiB at every start."""

import sys

OK, FAILED, USAGE, DENIED, CONFIG = 0, 1, 2, 77, 78

HELP = """\
usage: tocsin-agent run [--config FILE] [--listen ADDRESS:PORT] [--sources NAMES] [--sample-hz N] [--once]
       tocsin-agent check [--config FILE] [--listen ADDRESS:PORT] [--sources NAMES] [--sample-hz N]
       tocsin-agent list [--json]
       tocsin-agent --help | --version

The agent of tocsin: metrics of this host, its GPUs and its model servers on one page,
prediction events and log files on their way to the collector.

commands
  run      serve /metrics until SIGTERM; SIGHUP reads the configuration again; with --once print one scrape and end
  check    read the configuration, print every fault, start nothing
  list     the sources and tasks that this agent has

options
  --config FILE           a TOML file; without one, the defaults and the environment
  --listen ADDRESS:PORT   instead of 127.0.0.1:10300; port 0 takes a free one and logs it
  --sources NAMES         only these, as cpu,meminfo,systemd; `list` tells which are on by default
  --sample-hz N           look at host and GPUs N times a second, up to 10, whatever happens;
                          0, the default: at the host 10 times a second while there is pressure
  --once                  one scrape on standard output
  --json                  machine-readable output of `list`

example
  tocsin-agent run --listen 127.0.0.1:10300 &
  curl -s http://127.0.0.1:10300/metrics | grep node_load1

exit status: 0 ok, 1 failed, 2 wrong usage, 77 permission denied, 78 wrong configuration
"""

# What each command takes; True for an option with a value.
OPTIONS = {
    "run": {"--config": True, "--listen": True, "--sources": True, "--sample-hz": True, "--once": False},
    "check": {"--config": True, "--listen": True, "--sources": True, "--sample-hz": True},
    "list": {"--json": False},
}
WORDS = {"--listen": "listen", "--sources": "sources", "--sample-hz": "sample_hz"}
"""Options that stand above the configuration, and what ``settings`` calls them."""


class UsageError(Exception):
    """The command line makes no sense; the message says why."""


def parse(arguments: list[str]) -> tuple[str, dict[str, str]]:
    """The command and its options, a flag with the value "yes". ``--help`` and ``--version`` are commands too.

    Raises UsageError.
    """
    for word in arguments:
        if word in ("--help", "-h", "--version"):
            return {"-h": "--help"}.get(word, word), {}
    if not arguments:
        raise UsageError("a command expected: run, check or list")
    command, *rest = arguments
    if command not in OPTIONS:
        raise UsageError(f"no command {command!r:.80}; there are: {', '.join(OPTIONS)}")
    found: dict[str, str] = {}
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in OPTIONS[command]:
            raise UsageError(f"{command} has no option {name!r:.80}; it has: {', '.join(OPTIONS[command])}")
        if name in found:
            raise UsageError(f"{name} stands twice")
        if not OPTIONS[command][name]:
            if equals:
                raise UsageError(f"{name} takes no value")
            value = "yes"
        elif not equals:
            if not rest:
                raise UsageError(f"{name} needs a value")
            value = rest.pop(0)
        found[name] = value
    return command, found


def main() -> int:
    """Run the command of ``sys.argv``; gives the exit status."""
    try:
        command, options = parse(sys.argv[1:])
    except UsageError as error:
        print(f"tocsin-agent: {error}\ntry: tocsin-agent --help", file=sys.stderr)
        return USAGE
    if command == "--help":
        print(HELP, end="")
        return OK
    if command == "--version":
        from tocsin_agent import __version__

        print(f"tocsin-agent {__version__}")
        return OK
    if command == "list":
        from tocsin_agent.list import list_all

        list_all("--json" in options)
        return OK
    return _with_settings(command, options)


def _with_settings(command: str, options: dict[str, str]) -> int:
    from tocsin_agent import run
    from tocsin_agent.settings import settings
    from tocsin_schema.config import ConfigError

    given = {name: options[word] for word, name in WORDS.items() if word in options}
    file = options.get("--config")
    try:
        values = settings(file, **given)
        if command == "check":
            run.protected(values)
            print(f"ok: would listen on {values['listen']}")
            return OK
        return run.once(values) if "--once" in options else run.run(values, file, **given)
    except ConfigError as error:
        for fault in error.faults:
            print(f"tocsin-agent: {fault}", file=sys.stderr)
        denied = all(fault.endswith(": Permission denied") for fault in error.faults)
        print(
            "try: as a user who may read it" if denied else "try: tocsin-agent check, after that is mended",
            file=sys.stderr,
        )
        return DENIED if denied else CONFIG


if __name__ == "__main__":
    sys.exit(main())
