"""``tdnet earnings``: reports of results of the lake on standard output."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple

import click
import polars as pl

from tdnet_assets import catalog
from tdnet_assets.cli import questions
from tdnet_assets.lookups import whole_code

_ORDER = ("disclosed_at", "code", "disclosure_id")
_SHOWN = (
    "disclosed_at",
    "code",
    "company_name",
    "document_type",
    "period_end",
    "revenue",
    "revenue_change",
    "operating_income",
    "operating_income_change",
    "net_income",
    "eps",
    "is_current",
    "disclosure_id",
)


class _Form(NamedTuple):
    """How reports are answered: who answers, in which order, and what a table shows of it."""

    scan: Callable[..., pl.LazyFrame]
    order: Sequence[str]
    shown: Sequence[str]


_FORMS = {
    "summary": _Form(
        catalog.scan_earnings_summary,
        _ORDER,
        (*_SHOWN[:-2], "forecast_operating_income", "forecast_net_income", *_SHOWN[-2:]),
    ),
    "all": _Form(catalog.scan_earnings, _ORDER, _SHOWN),
    "long": _Form(
        catalog.scan_earnings_figures,
        ("disclosure_id", "period", "item", "kind"),
        ("disclosure_id", "code", "item", "period", "period_end", "kind", "value", "element"),
    ),
    "surprises": _Form(
        catalog.scan_surprises,
        ("published_at", "code", "disclosure_id", "consolidation", "period_end", "item"),
        (
            "published_at",
            "code",
            "item",
            "period_end",
            "value",
            "expected",
            "surprise",
            "surprise_rate",
            "surprise_turn",
            "prior",
            "prior_rate",
            "disclosure_id",
        ),
    ),
}


@click.command()
@questions.options
@click.option("--all", "form", flag_value="all", help="Every column, some 500.")
@click.option("--long", "form", flag_value="long", help="One row a number, to be pivoted.")
@click.option(
    "--surprises",
    "form",
    flag_value="surprises",
    help="Results against the company's last own forecasts, and against the year before.",
)
def earnings(
    *,
    code: str | None,
    first: date | None,
    last: date | None,
    as_of: datetime | None,
    limit: int | None,
    format_: str,
    form: str | None,
) -> None:
    """Reports of results (決算短信) of the lake, oldest first, on standard output.

    Some forty columns unless another form is asked for. Whether a report is current is known from
    later days too, also those that are not asked for. No match is an empty answer, not an error.
    """
    with questions.answering(format_) as config:
        whole = whole_code(config, code, first, last)
        asked = _FORMS[form or "summary"]
        answer = asked.scan(config=config, first=first, last=last, code=whole, as_of=as_of)
        notes = [questions.code_note(config, whole, first, last)]
        questions.show(answer, asked.order, limit, format_, asked.shown, notes=notes)
