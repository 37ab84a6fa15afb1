"""``tdnet revisions``: revised forecasts of the lake on standard output."""

from datetime import date, datetime

import click

from tdnet_assets import catalog
from tdnet_assets.cli import questions
from tdnet_assets.lookups import whole_code

_SHOWN = (
    "disclosed_at",
    "code",
    "item",
    "consolidation",
    "period",
    "period_end",
    "previous",
    "current",
    "change_rate",
    "result",
    "prior_result",
    "disclosure_id",
)
_ORDER = (
    "disclosed_at",
    "code",
    "disclosure_id",
    "period_end",
    "consolidation",
    "dividend_schedule",
    "element",
)


@click.command()
@questions.options
def revisions(
    *,
    code: str | None,
    first: date | None,
    last: date | None,
    as_of: datetime | None,
    limit: int | None,
    format_: str,
) -> None:
    """Revised forecasts of the lake, one row a figure, oldest first, on standard output.

    Dividends and differences between forecast and result (差異) are among them. No match is an
    empty answer, not an error.
    """
    with questions.answering(format_) as config:
        whole = whole_code(config, code, first, last)
        answer = catalog.scan_forecast_revisions(
            config=config, first=first, last=last, code=whole, as_of=as_of
        )
        notes = [questions.code_note(config, whole, first, last)]
        questions.show(answer, _ORDER, limit, format_, _SHOWN, notes=notes)
