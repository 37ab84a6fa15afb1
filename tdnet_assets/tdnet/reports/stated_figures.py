"""The main figures and own forecasts of a report or a notice, one narrow row each.

What belongs here: which figures of a 決算短信 and of a revision are kept to be held against others.
What does not: finding the forecast that a result is held against (``tables/report_figures.py``),
and reading the filings (``earnings_report.py``, ``revision_notice.py``).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from tdnet_assets.tdnet.reports.earnings_items import (
    FORECAST_ITEMS,
    Standard,
    standard_of_element,
)
from tdnet_assets.tdnet.reports.report_contents import Earnings, Figure, Forecast, ForecastPeriod
from tdnet_assets.tdnet.reports.revision_notice import ForecastRevision, Range

ReportFigureKind = Literal[
    "report", "result", "prior", "forecast", "forecast_lower", "forecast_upper"
]

_ITEMS = {item.name: item for item in FORECAST_ITEMS}


class ReportFigure(NamedTuple):
    """One figure of a filing; the fields are columns of the table ``report_figures``.

    Attributes:
        standard: of the elements that state it.
        consolidation: ``Consolidated``, ``NonConsolidated``, or None without that axis.
        period_start: first day of the figure's own period; of ``prior``, of the earlier one.
        period_end: its last day.
        item: the item's name in ``earnings_items.py``; of a ``report`` its period, ``Q1`` to
            ``FY``.
        kind: a result, the one it is compared with, a forecast or an end of its range; or the
            report itself, which has no value, and is there whatever figures it states.
        value: in yen, or yen per share. A ``forecast`` without one says that there is none any
            more, or not yet: it takes an earlier one back.
        reported_to: last day of the report that states it, None for a notice. A correction of an
            older report states older forecasts again.
    """

    standard: Standard
    consolidation: str | None
    period_start: date | None
    period_end: date
    item: str
    kind: ReportFigureKind
    value: Decimal | None
    reported_to: date | None


def figures_of_report(earnings: Earnings) -> tuple[ReportFigure, ...]:
    """The results of a report with those of the year before, and its forecasts."""
    return (*_results(earnings), *_forecasts(earnings))


def figure_of_itself(earnings: Earnings) -> ReportFigure:
    """What says that there is this report, of this period."""
    return ReportFigure(
        standard=earnings.standard,
        consolidation=earnings.consolidation,
        period_start=earnings.period_start,
        period_end=earnings.period_end,
        item=earnings.period,
        kind="report",
        value=None,
        reported_to=earnings.period_end,
    )


def figures_of_notice(revisions: Iterable[ForecastRevision]) -> tuple[ReportFigure, ...]:
    """The new forecasts of a notice, or the results that it holds against the old ones.

    Dividends are left out, and what is neither forecast nor withdrawn. Of two elements of one item
    the one that the table of items prefers stands for it.
    """
    of_items = [one for one in revisions if one.item in _ITEMS and one.dividend_schedule is None]
    leading: dict[object, ForecastRevision] = {}
    for revision in sorted(of_items, key=_rank):
        leading.setdefault(_about(revision), revision)
    return tuple(
        figure for one in of_items if leading[_about(one)] is one for figure in _of_revision(one)
    )


def _about(revision: ForecastRevision) -> object:
    return revision.item, revision.consolidation, revision.period_start, revision.period_end


def _rank(revision: ForecastRevision) -> int:
    names = _ITEMS[revision.item].elements(_standard(revision))
    return names.index(revision.element) if revision.element in names else len(names)


def _results(earnings: Earnings) -> Iterator[ReportFigure]:
    for item in FORECAST_ITEMS:
        figure: Figure = getattr(earnings.results, item.name)
        spans: dict[ReportFigureKind, tuple[date | None, date | None, Decimal | None]] = {
            "result": (earnings.period_start, earnings.period_end, figure.value),
            "prior": (earnings.prior_start, earnings.prior_end, figure.prior),
        }
        for kind, (start, end, value) in spans.items():
            if value is not None and end is not None:
                yield ReportFigure(
                    standard=earnings.standard,
                    consolidation=earnings.consolidation,
                    period_start=start,
                    period_end=end,
                    item=item.name,
                    kind=kind,
                    value=value,
                    reported_to=earnings.period_end,
                )


def _forecasts(earnings: Earnings) -> Iterator[ReportFigure]:
    for period in earnings.forecast_periods.values():
        for item in FORECAST_ITEMS:
            forecast: Forecast = getattr(period.figures, item.name)
            # Without an element the form did not ask for it; empty, the company has none.
            if forecast.element is not None:
                stated = Range(forecast.value, forecast.lower, forecast.upper)
                yield from _of_forecast(earnings, period, item.name, stated)


def _of_forecast(
    earnings: Earnings, period: ForecastPeriod, item: str, stated: Range
) -> Iterator[ReportFigure]:
    for kind, value in _ends(stated):
        yield ReportFigure(
            standard=period.standard,
            consolidation=earnings.consolidation,
            period_start=period.period_start,
            period_end=period.period_end,
            item=item,
            kind=kind,
            value=value,
            reported_to=earnings.period_end,
        )


def _of_revision(revision: ForecastRevision) -> Iterator[ReportFigure]:
    figures: list[tuple[ReportFigureKind, Decimal | None]] = []
    if revision.is_difference:
        # What such a notice states as its new forecast is the result itself.
        stated = revision.current.value if revision.result is None else revision.result
        figures = [("result", stated)] if stated is not None else []
    else:
        if revision.current.is_stated or revision.previous.is_stated:
            figures = list(_ends(revision.current))
        if revision.result is not None:
            figures = [("result", revision.result)]
    for kind, value in figures:
        yield ReportFigure(
            standard=_standard(revision),
            consolidation=revision.consolidation,
            period_start=revision.period_start,
            period_end=revision.period_end,
            item=revision.item,
            kind=kind,
            value=value,
            reported_to=None,
        )


def _ends(stated: Range) -> Iterator[tuple[ReportFigureKind, Decimal | None]]:
    """The figure or the ends of a range; a lone empty figure where there is no forecast."""
    if stated.lower is not None:
        yield "forecast_lower", stated.lower
    if stated.upper is not None:
        yield "forecast_upper", stated.upper
    if stated.value is not None or not stated.is_stated:
        yield "forecast", stated.value


def _standard(revision: ForecastRevision) -> Standard:
    return "reit" if revision.kind == "reit" else standard_of_element(revision.element)
