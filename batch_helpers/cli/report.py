"""`batch-helpers report`: a run, read from its events, as text, HTML, CSV, JSON or a picture."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.pricing import rate_options
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.cost import Rate
    from batch_helpers.events import RunRecord

_KINDS = (".html", ".csv", ".json", ".svg", ".png")

_EPILOG = """
EVENTS is a file that monitor(events=...) has written. Money is shown only with --priced-as, and always with the
region, the day and the source of its prices.
"""


@click.command("report", epilog=_EPILOG)
@click.argument("events", type=click.Path())
@click.option("-o", "--output", "outputs", multiple=True, type=click.Path(dir_okay=False), metavar="FILE",
              help=f"Write to FILE; its ending says what: {', '.join(_KINDS)}. May be given again.")  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a row for each job.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with everything.")
@click.option("--dark", is_flag=True, help="Draw pictures on a dark ground.")
@ending
@rate_options
def command(
    events: str,
    outputs: tuple[str, ...],
    as_csv: bool,
    as_json: bool,
    dark: bool,
    rates: Mapping[str, Rate],
) -> int:
    """Tell of the run that EVENTS were written of."""
    from batch_helpers.events import read_events

    for path in outputs:
        _check_kind(path)
    record = read_events(events)
    for path in outputs:
        _write(path, _made(os.path.splitext(path)[1].lower(), record, rates, dark=dark))
    if as_csv or as_json or not outputs:
        kind = ".csv" if as_csv else ".json" if as_json else ""
        click.echo(_text(_made(kind, record, rates, dark=dark)).rstrip("\n"))
    return DONE


def _check_kind(path: str) -> None:
    if os.path.splitext(path)[1].lower() not in _KINDS:
        raise InvalidInput(f"-o {path}: what is it to be? Its name must end in one of {', '.join(_KINDS)}")


def _made(kind: str, record: RunRecord, rates: Mapping[str, Rate], *, dark: bool) -> str | bytes:
    from batch_helpers.cost import costs

    if kind in (".svg", ".png"):
        from batch_helpers.timeline import png, timeline_svg

        svg = timeline_svg(record, theme="dark" if dark else "light")
        return png(svg) if kind == ".png" else svg
    from batch_helpers.html import report_html
    from batch_helpers.html.exports import as_csv, as_json
    from batch_helpers.html.summary import summary_text

    if kind == ".csv":
        return as_csv(record, rates)
    found = costs(record, rates)
    if kind == ".json":
        return as_json(record, found, rates)
    return report_html(record, found) if kind == ".html" else summary_text(record, found)


def _text(made: str | bytes) -> str:
    return made if isinstance(made, str) else made.decode()


def _write(path: str, made: str | bytes) -> None:
    data = made.encode() if isinstance(made, str) else made
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as exc:
        raise InvalidInput(f"-o {path}: it cannot be written: {exc.strerror}") from exc
    click.echo(f"wrote {path} ({len(data) / 1e6:.1f} MB)", err=True)
