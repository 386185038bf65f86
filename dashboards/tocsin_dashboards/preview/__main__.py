"""``python -m tocsin_dashboards.preview --prometheus URL --board NAME --output FILE.html``: a board without Grafana.

Example:
  python -m tocsin_dashboards.preview --prometheus http://localhost:9090 --board model --var model=flights \
--range 1h --output model.html
"""

import argparse
import re
import sys
import time
from typing import Any

from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_dashboards.preview import marks
from tocsin_dashboards.preview.ask import Prometheus, Span
from tocsin_dashboards.preview.page import about, opened, page

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def main(arguments: list[str]) -> int:
    """Write the page. 1 when no query of the board could be run, 2 when the call is wrong."""
    chosen = _parser().parse_args(arguments)
    board = build(found()[chosen.board])
    if chosen.open:
        board = opened(board)
    names = [item["name"] for item in board["templating"]["list"]]
    if unknown := sorted(set(chosen.var) - set(names)):
        print(f"the board {chosen.board} has no variable {unknown[0]}; it has {', '.join(names[1:])}", file=sys.stderr)
        return 2
    variables: dict[str, str] = {**dict.fromkeys(names, ".+"), **chosen.var}
    now = time.time() if chosen.until is None else chosen.until
    span = Span(now - chosen.range, now, chosen.scrape_interval)
    prometheus = Prometheus(chosen.prometheus)
    shown = [panel for panel in board["panels"] if panel["type"] != "row"]
    answers = {panel["id"]: prometheus.panel(panel, span, variables) for panel in shown}
    failed = [error for answer in answers.values() for error in answer.errors]
    if failed and not any(answer.series for answer in answers.values()):
        print(f"no query could be run: {failed[0]}", file=sys.stderr)
        return 1
    events = marks.found(prometheus, board, span, variables)
    html = page(board, answers, span, events, chosen.width, about(chosen.prometheus, span, variables))
    with open(chosen.output, "w", encoding="utf-8") as file:
        file.write(html)
    empty = sum(not answer.series for answer in answers.values())
    print(f"wrote {chosen.output}: {len(shown)} panels, {empty} without data, {len(failed)} queries refused")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tocsin_dashboards.preview",
        description="Draw a board from a Prometheus as one page of HTML, without Grafana.",
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--prometheus", required=True, metavar="URL", help="address of the Prometheus")
    parser.add_argument("--board", required=True, choices=sorted(found()), help="which board")
    parser.add_argument("--output", required=True, metavar="FILE", help="the page to write")
    parser.add_argument("--var", action=_Variable, default={}, metavar="NAME=VALUE", help="a variable; else all values")
    parser.add_argument("--range", type=_seconds, default=3_600, metavar="1h", help="how far back [default: 1h]")
    parser.add_argument("--until", type=float, metavar="SECONDS", help="end, since the Unix epoch [default: now]")
    parser.add_argument(
        "--scrape-interval", type=_seconds, default=15, metavar="15s", help="of this Prometheus [default: 15s]"
    )
    parser.add_argument("--open", action="store_true", help="open the collapsed rows")
    parser.add_argument("--width", type=int, default=1400, metavar="PIXELS", help="[default: 1400]")
    return parser


class _Variable(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, _: str | None = None) -> None:
        name, equals, value = str(values).partition("=")
        if not equals:
            parser.error(f"--var {values}: write NAME=VALUE")
        namespace.var = {**namespace.var, name: value}


def _seconds(text: str) -> float:
    told = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if told is None or float(told[1]) <= 0:
        raise argparse.ArgumentTypeError(f"{text} is no length of time: 90s, 15m, 1h or 7d")
    return float(told[1]) * _UNITS[told[2]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
