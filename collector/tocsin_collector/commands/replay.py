"""`tocsin replay`: what would have alarmed, from files, without a server."""

import re
import sys

import click

_UNITS_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}


class Duration(click.ParamType[float]):
    """A length of time such as 1h; seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)", str(value))
        if found is None or not float(found[1]):
            self.fail(f"{value!r}: a number and a unit are needed, such as 15min, 1h or 1d", param, ctx)
        return float(found[1]) * _UNITS_S[found[2]]


@click.command("replay")
@click.option("--reference", required=True, type=click.Path(), help="CSV, Parquet or Arrow file of when all was well.")
@click.option("--current", required=True, type=click.Path(), help="The rows to judge, in such a file.")
@click.option("--time", required=True, help="The column with the time of each row.")
@click.option("--window", "window_s", type=Duration(), default="1h", show_default=True, help="How long a window is.")
@click.option("--label", default="", help="The column with what was right.")
@click.option("--prediction", default="", help="The column with what the model said.")
@click.option(
    "--false-alarms-per-month",
    "rate",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="The chance of any in 30 days.",
)
@click.option("--time-zone", "zone", default="UTC", show_default=True, help="Whose hours and weekdays seasons follow.")
@click.option("--holiday", "holidays", multiple=True, help="A date, as 2026-12-25, that is as a Sunday; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One line a window.")
def command(
    reference: str,
    current: str,
    time: str,
    window_s: float,
    label: str,
    prediction: str,
    rate: float,
    zone: str,
    holidays: tuple[str, ...],
    as_json: bool,
) -> None:
    """Back-test drift alarms: learn from REFERENCE, and say what would have alarmed in CURRENT, when, at which cost.

    Every column that both files have is a feature. Parquet and Arrow files need the extra `arrow`.

    \b
    Example:
      tocsin replay --reference september.parquet --current october.parquet --time time
      tocsin replay --reference train.csv --current live.csv --time ts --label paid --prediction score --json
    """
    if bool(label) != bool(prediction):
        raise click.UsageError("--label and --prediction belong together")
    from tocsin_collector.monitor.calendar import holiday_fault, zone_fault

    for fault in filter(None, (zone_fault(zone), *map(holiday_fault, holidays))):
        raise click.UsageError(fault)
    from tocsin_collector.replay import Question, replay
    from tocsin_collector.replay.lines import json_lines, text_lines
    from tocsin_collector.tables import TableError, open_table

    try:
        asked = Question(time, window_s, rate, label, prediction, zone, holidays)
        found = replay(open_table(reference), open_table(current), asked)
    except TableError as error:
        click.echo(f"tocsin replay: {error}", err=True)
        sys.exit(1)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    if as_json and found.insufficient:
        click.echo(f"insufficient_reference: {found.insufficient}", err=True)
    for line in json_lines(found) if as_json else text_lines(found):
        click.echo(line)
