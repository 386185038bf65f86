"""`tocsin report`: a span of a model's rows against its reference, as a file."""

import os

import click

from tocsin_collector.access import access, asked


@click.command("report")
@click.argument("project")
@click.argument("model")
@click.option("--version", default="", help="The model's version.")
@click.option("--from", "start", required=True, help="Start of the span of event time, RFC 3339.")
@click.option("--to", "end", required=True, help="Its end, excluded.")
@click.option("--output", default="report.html", show_default=True, help="The file to write; .json for the figures.")
@click.option("--reference", default="", help="With --own: a reference by its name, or last-week.")
@click.option("--own", is_flag=True, help="In tocsin's words: one still page, needs no Evidently.")
@access
def command(
    project: str,
    model: str,
    version: str,
    start: str,
    end: str,
    output: str,
    reference: str,
    own: bool,
    url: str,
    **files: str | None,
) -> None:
    """Compare a span of PROJECT's MODEL with its reference, in Evidently's words or with --own in tocsin's.

    For Evidently's the collector needs the extra `reports`, in this or another environment (setting `reports.python`).

    \b
    Example:
      tocsin report demo flights --version 1 --from 2013-12-05T00:00:00-05:00 --to 2013-12-06T00:00:00-05:00
      tocsin report demo flights --version 1 --from 2013-12-05T00:00:00-05:00 --to 2013-12-06T00:00:00-05:00 --own
    """
    if reference and not own:
        raise click.UsageError("--reference belongs to --own")
    if not os.access(os.path.dirname(output) or ".", os.W_OK) or os.path.isdir(output):  # before minutes of work
        raise click.UsageError(f"--output {output}: a file in a folder that is there and can be written is needed")
    from tocsin_collector.page.address import segment

    query = {"version": version, "from": start, "to": end, "by": "tocsin" if own else "evidently"}
    query["reference"] = reference
    query["format"] = "json" if output.endswith(".json") else "html"
    address = f"/v1/reports/{segment(project)}/{segment(model)}"
    answer = asked("GET", url, address, timeout_s=600, files=files, params=query)
    with open(output, "wb") as file:
        file.write(answer.content)
    click.echo(f"wrote {output}, {len(answer.content)} bytes")
