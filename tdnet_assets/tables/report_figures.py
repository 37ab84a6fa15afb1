"""The table ``report_figures``, and the surprises that are computed from it when it is read.

What belongs here: the narrow table of main figures and own forecasts, and which forecast a result
is held against. What does not: which figures a filing states (``tdnet/reports/stated_figures.py``),
and how one figure is held against another where a ratio means nothing
(``tdnet/reports/surprises.py``, whose rules are repeated here column by column).
"""

from datetime import timedelta
from typing import Final

import polars as pl

from tdnet_assets.tables.financial_facts import VALUE
from tdnet_assets.tables.table import Column, Table, yearly_copy_of

REPORT: Final = "report"
"""The kind of the one row that every report has, whatever figures it states: it has no value."""
# A forecast of a half year, as trusts make, is at most that old when its result comes.
FORECAST_AGE: Final = timedelta(days=230)
FORECAST_KINDS: Final = ("forecast", "forecast_lower", "forecast_upper")

_FACT = (("financial_facts", "value"),)
_CONTEXT = (("financial_facts", "context_id"),)

REPORT_FIGURES_TABLE = Table(
    "report_figures",
    (
        Column(
            "disclosure_id", pl.String, "14-digit 開示番号", (("disclosures", "disclosure_id"),)
        ),
        Column("code", pl.String, "5-character securities code", (("disclosures", "code"),)),
        Column(
            "published_at",
            pl.Datetime("ms", "Asia/Tokyo"),
            "time, as in the list",
            (("disclosures", "disclosed_at"),),
        ),
        Column("is_correction", pl.Boolean, "title says 訂正", (("disclosures", "is_correction"),)),
        Column("standard", pl.String, "jp, ifrs, us, reit or etf, by the elements", _FACT),
        Column("consolidation", pl.String, "Consolidated or NonConsolidated", _CONTEXT),
        Column("period_start", pl.Date, "first day of the figure's own period", _CONTEXT),
        Column("period_end", pl.Date, "its last day", _CONTEXT),
        Column(
            "item",
            pl.String,
            "e.g. operating_income (営業利益); of kind report Q1, Q2, Q3 or FY",
            _CONTEXT,
        ),
        Column(
            "kind",
            pl.String,
            "result, prior (前期), forecast, forecast_lower or forecast_upper; report in the one "
            "row of each 決算短信 itself, without a value",
            _CONTEXT,
        ),
        Column(
            "value", VALUE, "yen, or yen per share; a forecast without one takes it back", _FACT
        ),
        Column(
            "reported_to",
            pl.Date,
            "last day of the report that states it; null for a notice of a revision",
            _CONTEXT,
        ),
    ),
    description="One row per main figure or own forecast of the day's reports and revisions.",
    keys=("disclosure_id", "consolidation", "period_start", "period_end", "item", "kind"),
    order=("published_at", "code", "disclosure_id"),
)

REPORT_FIGURES_COPY = yearly_copy_of(
    REPORT_FIGURES_TABLE,
    "report_figures_history",
    # By kind first: a day's look-backs want the one row of each report, and the forecasts.
    order=(
        "kind",
        "code",
        "published_at",
        "disclosure_id",
        "item",
        "period_end",
        "period_start",
        "consolidation",
    ),
    # A day asks for some sixty companies: fewer rows would make the footer longer than they are.
    rows_a_group=4096,
)

_PERIOD = ["code", "consolidation", "period_start", "period_end", "item"]


def surprises(figures: pl.LazyFrame) -> pl.LazyFrame:
    """Every result against the company's last own forecast of it, and against the year before.

    Args:
        figures: rows of ``report_figures``: those of the results that are asked for, and all of
            the time before in which they may have been forecast.

    Returns:
        One row per result of a report or of a notice of a difference: ``disclosure_id``, ``code``,
        ``published_at``, ``standard``, ``consolidation``, ``period_start``, ``period_end``,
        ``item``, ``value``; ``forecast``, ``forecast_lower`` and ``forecast_upper`` as published
        last before the minute of the result (of another disclosure of that minute nobody knew),
        with ``forecast_id`` and ``forecast_at``; ``expected``, the forecast or the nearer end of a
        range that is missed; ``surprise``, ``surprise_rate``, ``surprise_turn`` against it; and
        ``prior``, ``prior_change``, ``prior_rate``, ``prior_turn`` against the year before, as the
        same disclosure states it. Amounts are exact, rates floating fractions, null where the base
        is not positive; turns are ``to_profit``, ``to_loss``, ``larger_loss`` or ``smaller_loss``.
        Where a forecast was taken back, ``forecast_id`` says by whom and the rest is null.
    """
    value = pl.col("value")
    results = figures.filter(pl.col("kind") == "result").select(
        "disclosure_id", "published_at", "standard", *_PERIOD, "value"
    )
    prior = figures.filter(pl.col("kind") == "prior").select(
        "disclosure_id", "consolidation", "item", value.alias("prior")
    )
    expected = (
        pl.when(pl.col("forecast").is_not_null())
        .then(pl.col("forecast"))
        .when(value < pl.col("forecast_lower"))
        .then(pl.col("forecast_lower"))
        .when(value > pl.col("forecast_upper"))
        .then(pl.col("forecast_upper"))
        .when(pl.any_horizontal(pl.col("forecast_lower", "forecast_upper").is_not_null()))
        .then(value)
    )
    return (
        results.join(
            _last_forecasts(results, figures),
            on=["disclosure_id", *_PERIOD],
            how="left",
            nulls_equal=True,
        )
        .join(prior, on=["disclosure_id", "consolidation", "item"], how="left", nulls_equal=True)
        .with_columns(expected=expected)
        .with_columns(**_difference("expected", "surprise", "surprise"))
        .with_columns(**_difference("prior", "prior_change", "prior"))
        .select(
            "disclosure_id",
            "code",
            "published_at",
            "standard",
            "consolidation",
            "period_start",
            "period_end",
            "item",
            "value",
            *FORECAST_KINDS,
            "forecast_id",
            "forecast_at",
            "expected",
            "surprise",
            "surprise_rate",
            "surprise_turn",
            "prior",
            "prior_change",
            "prior_rate",
            "prior_turn",
        )
        .sort("published_at", "code", "disclosure_id", "item")
    )


def _last_forecasts(results: pl.LazyFrame, figures: pl.LazyFrame) -> pl.LazyFrame:
    """For each result the forecast of its period that stood when it was published."""
    stated = (
        figures.filter(pl.col("kind").is_in(FORECAST_KINDS))
        .group_by("disclosure_id", "published_at", "is_correction", "reported_to", *_PERIOD)
        .agg(
            *(
                pl.col("value").filter(pl.col("kind") == kind).first().alias(kind)
                for kind in FORECAST_KINDS
            )
        )
        .with_columns(stands_since=_stands_since())
        .rename({"disclosure_id": "forecast_id", "published_at": "forecast_at"})
        .drop("is_correction", "reported_to")
    )
    return (
        results.select("disclosure_id", "published_at", *_PERIOD)
        .join(stated, on=_PERIOD, nulls_equal=True)
        .filter(pl.col("forecast_at") < pl.col("published_at"))
        .sort("stands_since", "forecast_at", "forecast_id")
        .group_by("disclosure_id", *_PERIOD, maintain_order=True)
        .last()
        .drop("published_at", "stands_since")
    )


def _stands_since() -> pl.Expr:
    """When a forecast was made: that of a corrected report when the report was."""
    first = (
        pl.col("published_at").filter(~pl.col("is_correction")).max().over(*_PERIOD, "reported_to")
    )
    is_of_report = pl.col("is_correction") & pl.col("reported_to").is_not_null()
    return (
        pl.when(is_of_report & (first < pl.col("published_at")))
        .then(first)
        .otherwise(pl.col("published_at"))
    )


def _difference(base: str, amount: str, stem: str) -> dict[str, pl.Expr]:
    """The value against a base: its amount, its rate where that means something, its turn."""
    now, before = pl.col("value"), pl.col(base)
    rate = (now - before).cast(pl.Float64) / before.cast(pl.Float64)
    return {
        amount: now - before,
        f"{stem}_rate": pl.when(before > 0).then(rate),
        f"{stem}_turn": pl.when((before < 0) & (now >= 0))
        .then(pl.lit("to_profit"))
        .when((now < 0) & (before >= 0))
        .then(pl.lit("to_loss"))
        .when((before < 0) & (now < before))
        .then(pl.lit("larger_loss"))
        .when((before < 0) & (now > before))
        .then(pl.lit("smaller_loss")),
    }
