"""A company's results by period, what it forecast of them, and how the forecasts moved.

What belongs here: turning the rows of ``report_figures`` into what a page and a chart show. What
does not: which forecast a result is held against (``tables/report_figures.py``), and how it looks
(``svg_charts.py``, the templates).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import polars as pl

from tdnet_assets.tables.report_figures import FORECAST_KINDS, REPORT, surprises

OF_A_SHARE: Final = frozenset(("eps", "distribution_per_unit"))
FULL_YEAR: Final = "FY"
_MONTHS: Final = {3: "Q1", 6: "Q2", 9: "Q3", 12: FULL_YEAR}
# Of each line the first that the company states; banks, for one, have no operating income.
_LINES: Final = (
    ("revenue",),
    ("operating_income", "ordinary_income", "profit_before_tax"),
    ("net_income",),
    ("eps", "distribution_per_unit"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of a period.

    Attributes:
        value: in yen, or yen per share.
        prior: of the same period of the year before, as the same report states it.
        prior_rate: the change against it as a fraction; None where a ratio means nothing.
        prior_turn: how the two lie about zero then.
        expected: the company's own last forecast of just this period.
        surprise_rate: the result against it, likewise.
        surprise_turn: likewise.
        reached: the share of the year's forecast; None for a whole year or without one.
    """

    value: Decimal
    prior: Decimal | None = None
    prior_rate: float | None = None
    prior_turn: str | None = None
    expected: Decimal | None = None
    surprise_rate: float | None = None
    surprise_turn: str | None = None
    reached: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """The results up to a day, of the newest report of them."""

    label: str
    end: date
    year_end: date
    published_at: datetime
    disclosure_id: str
    results: Mapping[str, Result]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a company expected of a year at a moment; ``value`` None: no figure any more.

    A range has its middle as ``value``, and both ends.
    """

    published_at: datetime
    disclosure_id: str
    value: Decimal | None
    lower: Decimal | None = None
    upper: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """A forecast that became another one."""

    item: str
    year_end: date
    published_at: datetime
    disclosure_id: str
    before: Decimal | None
    after: Decimal | None

    @property
    def rate(self) -> float | None:
        """The change as a fraction; None where a ratio means nothing."""
        if self.before is None or self.after is None or self.before <= 0:
            return None
        return float(self.after / self.before - 1)


@dataclass(frozen=True, slots=True)
class Year:
    """A fiscal year in one item: its result, or how far it is, and its forecasts, oldest first."""

    end: date
    result: Decimal | None
    so_far: Decimal | None
    so_far_label: str
    forecasts: Sequence[Forecast]

    @property
    def first(self) -> Decimal | None:
        """The first forecast of the year that was a figure."""
        return next((one.value for one in self.forecasts if one.value is not None), None)

    @property
    def last(self) -> Decimal | None:
        """The last forecast, if it is a figure."""
        return self.forecasts[-1].value if self.forecasts else None


@dataclass(frozen=True, slots=True)
class CompanyResults:
    """All of it: items in their order, periods and revisions newest first, years oldest first."""

    items: Sequence[str] = ()
    standard: str = ""
    consolidation: str = ""
    periods: Sequence[Period] = ()
    years: Mapping[str, Sequence[Year]] = field(default_factory=dict)
    revisions: Sequence[Revision] = ()


def company_results(figures: pl.DataFrame) -> CompanyResults:
    """What the rows of one company say, in the scope of its newest report.

    Args:
        figures: rows of ``report_figures`` of the company, all that there are.
    """
    reports = figures.filter(pl.col("kind") == REPORT).sort("published_at", "disclosure_id")
    if reports.is_empty():
        return CompanyResults()
    newest = reports.row(-1, named=True)
    own = figures.filter(pl.col("consolidation").eq_missing(newest["consolidation"]))
    has = set(own.filter(pl.col("kind") == "result")["item"])
    items = [next((name for name in line if name in has), None) for line in _LINES]
    known = [item for item in items if item]
    forecasts = _forecasts(own, known)
    periods = _periods(own, reports, known, forecasts)
    return CompanyResults(
        items=known,
        standard=newest["standard"],
        consolidation=newest["consolidation"] or "",
        periods=periods,
        years={item: _years(item, periods, forecasts) for item in known},
        revisions=_revisions(forecasts),
    )


_Forecasts = Mapping[tuple[str, date], Sequence[Forecast]]


def _forecasts(figures: pl.DataFrame, items: Sequence[str]) -> _Forecasts:
    """The forecasts of whole years by item and the year's end, in the order of publication."""
    months = (pl.col("period_end") - pl.col("period_start")).dt.total_days() / 30.4
    rows = figures.filter(
        pl.col("kind").is_in(FORECAST_KINDS),
        pl.col("item").is_in(list(items)),
        # A trust's year is half of one.
        months.is_between(5, 13) | pl.col("period_start").is_null(),
        # A correction of an older report states what was expected then.
        ~pl.col("is_correction") | pl.col("reported_to").is_null(),
    )
    longest = rows.group_by("item", "period_end").agg(pl.col("period_start").min().alias("start"))
    rows = rows.join(longest, on=["item", "period_end"]).filter(
        pl.col("period_start").eq_missing(pl.col("start"))
    )
    found: dict[tuple[str, date], dict[str, dict[str, Any]]] = {}
    for row in rows.sort("published_at", "disclosure_id").iter_rows(named=True):
        stated = found.setdefault((row["item"], row["period_end"]), {})
        one = stated.setdefault(row["disclosure_id"], {"published_at": row["published_at"]})
        one[row["kind"]] = row["value"]
    return {
        about: [_forecast(number, one) for number, one in found[about].items()]
        for about in sorted(found, key=lambda about: (items.index(about[0]), about[1]))
    }


def _forecast(disclosure_id: str, stated: Mapping[str, Any]) -> Forecast:
    lower, upper = stated.get("forecast_lower"), stated.get("forecast_upper")
    value = stated.get("forecast")
    if value is None and lower is not None and upper is not None:
        value = (lower + upper) / 2
    return Forecast(stated["published_at"], disclosure_id, value, lower, upper)


def _periods(
    figures: pl.DataFrame, reports: pl.DataFrame, items: Sequence[str], forecasts: _Forecasts
) -> list[Period]:
    labels = dict(reports.select("disclosure_id", "item").iter_rows())
    held = surprises(figures.filter(pl.col("item").is_in([*items])).lazy())
    rows = held.sort("published_at", "disclosure_id").collect()
    by_period: dict[tuple[str, date], dict[str, Mapping[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        label = labels.get(row["disclosure_id"]) or _label(row["period_start"], row["period_end"])
        if label:
            # Of several reports of one period the last one stands.
            by_period.setdefault((label, row["period_end"]), {})[row["item"]] = row
    ends = sorted(end for label, end in by_period if label == FULL_YEAR)
    ends += sorted({end for _, end in forecasts} - set(ends))
    found = []
    for (label, end), stated in by_period.items():
        newest = max(stated.values(), key=lambda row: row["published_at"])
        year_end = min((one for one in ends if one >= end), default=end)
        found.append(
            Period(
                label,
                end,
                year_end,
                newest["published_at"],
                newest["disclosure_id"],
                {
                    item: _result(row, label, forecasts.get((item, year_end), ()))
                    for item, row in stated.items()
                },
            )
        )
    return sorted(found, key=lambda period: (period.end, period.label), reverse=True)


def _label(start: date | None, end: date) -> str:
    """Which part of a year a period is, where no report says so."""
    if start is None:
        return ""
    return _MONTHS.get((end.year - start.year) * 12 + end.month - start.month + 1, "")


def _result(row: Mapping[str, Any], label: str, forecasts: Iterable[Forecast]) -> Result:
    value = row["value"]
    before = [one.value for one in forecasts if one.published_at <= row["published_at"]]
    year = before[-1] if before else None
    reached = value / year if label != FULL_YEAR and year and year > 0 else None
    return Result(
        value=value,
        prior=row["prior"],
        prior_rate=row["prior_rate"],
        prior_turn=row["prior_turn"],
        expected=row["expected"],
        surprise_rate=row["surprise_rate"],
        surprise_turn=row["surprise_turn"],
        reached=reached,
    )


def _years(item: str, periods: Sequence[Period], forecasts: _Forecasts) -> list[Year]:
    ends = {one.end for one in periods if one.label == FULL_YEAR and item in one.results}
    ends |= {end for name, end in forecasts if name == item}
    found = []
    for end in sorted(ends):
        own = [one for one in periods if one.year_end == end and item in one.results]
        whole = next((one for one in own if one.label == FULL_YEAR and one.end == end), None)
        part = next((one for one in own if one.label != FULL_YEAR), None)
        until = whole.published_at if whole else None
        stated = [
            one
            for one in forecasts.get((item, end), ())
            if until is None or one.published_at < until
        ]
        found.append(
            Year(
                end=end,
                result=whole.results[item].value if whole else None,
                so_far=part.results[item].value if part and not whole else None,
                so_far_label=part.label if part and not whole else "",
                forecasts=stated,
            )
        )
    return found


def _revisions(forecasts: _Forecasts) -> list[Revision]:
    found = []
    for (item, end), stated in forecasts.items():
        for before, after in pairwise(stated):
            if before.value != after.value:
                found.append(
                    Revision(
                        item,
                        end,
                        after.published_at,
                        after.disclosure_id,
                        before.value,
                        after.value,
                    )
                )
    # Of one moment in the order of the items, which is that of ``forecasts``.
    return sorted(found, key=lambda one: one.published_at, reverse=True)
