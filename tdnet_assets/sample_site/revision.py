"""Revisions of forecasts and dividends as inline XBRL.

What belongs here: the facts of the two kinds of flat archives, rvfc and rvdf. What does not: the
figures (``figures.py``) and the archive (``package.py``).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from tdnet_assets.sample_site.companies import Company, chance
from tdnet_assets.sample_site.cover import DISCLAIMER, hide_classification, people
from tdnet_assets.sample_site.figures import (
    Dividends,
    Forecast,
    change_rate,
    dividends,
    figures,
    forecast,
)
from tdnet_assets.sample_site.ixbrl import InlineDocument, Span, Unit, paragraph, table
from tdnet_assets.sample_site.periods import Period, forecast_year
from tdnet_assets.sample_site.report import (
    FORECAST,
    LOWER,
    NON_CONSOLIDATED,
    RESULT,
    UPPER,
    duration,
    instant,
    named,
    ordinary_or_pretax,
    result_elements,
    scope_member,
)

RevisionKind = Literal["rvfc", "rvdf"]

_PREVIOUS, _CURRENT = "PreviousMember", "CurrentMember"
_HALF = 2
_RANGE_SHARE, _HALF_YEAR_SHARE, _RANGE_PERCENT = 0.12, 0.4, 10


def revision_kind(title: str) -> RevisionKind:
    """Which archive a revision with that title has: of forecasts or of dividends only."""
    return "rvdf" if "配当" in title and "業績" not in title else "rvfc"


class Revision:
    """One revision, written into a document."""

    def __init__(
        self,
        document: InlineDocument,
        company: Company,
        *,
        filed_on: dt.date,
        disclosure_id: str,
        title: str,
    ) -> None:
        self._document, self._company, self._title = document, company, title
        self._filed_on, self._disclosure_id = filed_on, disclosure_id
        self._year = forecast_year(company.fiscal_month, filed_on)
        self._at = instant("Current", self._year)
        self._scope = scope_member(company)
        self._draw = chance("revision", disclosure_id)

    def body(self) -> str:
        """The markup; hidden facts go into the document."""
        hide_classification(self._document, self._company, self._year, self._at)
        if revision_kind(self._title) == "rvdf":
            return self._cover("ReportingDateOfDividendForecastCorrection") + self._dividends()
        markup = self._cover("ReportingDateOfFinancialForecastCorrection")
        half = self._year.moved(0, quarter=_HALF)
        if half.end > self._filed_on and self._draw.random() < _HALF_YEAR_SHARE:
            markup += self._forecasts(half)
        markup += self._forecasts(self._year)
        where = duration("Current", self._year)
        reason = "　直近の受注動向を踏まえ、予想を修正いたします。" + DISCLAIMER
        return (
            markup
            + paragraph(self._document.text(named("NoteToFinancialForecast"), None, where))
            + paragraph(self._document.text(named("ReasonForForecastCorrection"), reason, where))
        )

    def _cover(self, date_element: str) -> str:
        document, at = self._document, self._at
        rows = [
            ["上場会社名", document.text(named("CompanyName"), self._company.name, at)],
            ["コード番号", document.code_with_hidden_digit(named("SecuritiesCode"), at)],
            *people(document, self._company, at),
        ]
        notice = "下記のとおり、予想を修正いたしましたのでお知らせいたします。"
        return (
            paragraph(document.flag(named("FASFMemberMark"), True, "◯", at))
            + paragraph(document.date(named(date_element), self._filed_on, at))
            + table(rows)
            + paragraph(document.text(named("DocumentName"), self._title, at))
            + paragraph(document.text(named("NoticeOfForecastCorrection"), notice, at))
        )

    def _forecasts(self, period: Period) -> str:
        """Old and new forecast, their difference, and what the year before brought."""
        company, names = self._company, result_elements(self._company)
        elements = (names.revenue, names.operating, names.ordinary, names.profit)
        per_share = (names.per_share,)
        span, before = duration("Current", period), duration("Prior", period.moved(-1))
        old = forecast(company, period)
        new = self._new_forecasts(period)
        past = figures(company, period.moved(-1))
        results = [
            past.net_sales,
            past.operating_income,
            ordinary_or_pretax(company, past),
            past.owners_profit,
        ]
        amounts = {member: _amounts(plan) for member, plan in new.items()}
        changes = {
            member: [now - then for now, then in zip(values, _amounts(old), strict=True)]
            for member, values in amounts.items()
        }
        rates = {
            member: [
                change_rate(now, then) for now, then in zip(values, _amounts(old), strict=True)
            ]
            for member, values in amounts.items()
        }
        changes_of = tuple(f"AmountChange{element}" for element in elements)
        rates_of = tuple(names.change_of(element) for element in elements)
        was = {FORECAST: _amounts(old)}
        was_per_share = {FORECAST: [old.earnings_per_share]}
        per_shares = {member: [plan.earnings_per_share] for member, plan in new.items()}
        number = self._document.number
        where = (before, self._scope, _CURRENT, RESULT)
        rows = [
            [
                "前回発表予想(A)",
                *self._cells(elements, was, "money", span, _PREVIOUS),
                *self._cells(per_share, was_per_share, "per_share", span, _PREVIOUS),
            ],
            [
                "今回修正予想(B)",
                *self._cells(elements, amounts, "money", span, _CURRENT),
                *self._cells(per_share, per_shares, "per_share", span, _CURRENT),
            ],
            ["増減額(B-A)", *self._cells(changes_of, changes, "money", span, _CURRENT)],
            ["増減率(%)", *self._cells(rates_of, rates, "percent", span, _CURRENT)],
            [
                "(ご参考)前期実績",
                *(
                    number(named(element), amount, "money", *where)
                    for element, amount in zip(elements, results, strict=True)
                ),
                number(named(names.per_share), past.earnings_per_share, "per_share", *where),
            ],
        ]
        preamble = self._document.text(
            named("PreambleToForecasts"), None, span, self._scope, _CURRENT, FORECAST
        )
        return paragraph(preamble) + table(rows)

    def _new_forecasts(self, period: Period) -> dict[str, Forecast]:
        """The new forecast, or the two ends of its range, by member."""
        new = forecast(self._company, period, edition=self._disclosure_id)
        if self._draw.random() >= _RANGE_SHARE:
            return {FORECAST: new}
        return {LOWER: new, UPPER: new.raised(_RANGE_PERCENT)}

    def _cells(
        self,
        elements: tuple[str, ...],
        values: Mapping[str, Sequence[Decimal | int | None]],
        unit: Unit,
        span: Span,
        edition: str,
    ) -> list[str]:
        """One cell an element, with its figure and its range; what is not given is nil."""
        return [
            "".join(
                self._document.number(
                    named(element),
                    values[member][position] if member in values else None,
                    unit,
                    span,
                    self._scope,
                    edition,
                    member,
                )
                for member in (FORECAST, LOWER, UPPER)
            )
            for position, element in enumerate(elements)
        ]

    def _dividends(self) -> str:
        year = self._year.fiscal_year_end.year
        old = dividends(self._company, year)
        new = dividends(self._company, year, edition=self._disclosure_id)
        span, before = duration("Current", self._year), duration("Prior", self._year.moved(-1))
        rows = [
            self._dividend_row("前回予想", old, span, _PREVIOUS, FORECAST),
            self._dividend_row("今回修正予想", new, span, _CURRENT, FORECAST),
            self._dividend_row(
                "前期実績", dividends(self._company, year - 1), before, _CURRENT, RESULT
            ),
        ]
        previous = named("PreviousReportingDateOfDividendForecast")
        told_on = self._filed_on - dt.timedelta(days=80)
        reason = "　業績と財政状態を勘案し、配当予想を修正いたします。" + DISCLAIMER
        return (
            paragraph(self._document.text(previous, f"{told_on:%Y年%m月%d日}", self._at))
            + table(rows)
            + paragraph(
                self._document.text(named("ReasonForDividendForecastCorrection"), reason, span)
            )
        )

    def _dividend_row(
        self, label: str, year: Dividends, span: Span, edition: str, member: str
    ) -> list[str]:
        schedule = {
            "FirstQuarterMember": None,
            "SecondQuarterMember": year.second_quarter,
            "ThirdQuarterMember": None,
            "YearEndMember": year.year_end,
            "AnnualMember": year.annual,
        }
        return [
            label,
            *(
                self._document.number(
                    named("DividendPerShare"),
                    amount,
                    "per_share",
                    span,
                    when,
                    NON_CONSOLIDATED,
                    edition,
                    member,
                )
                for when, amount in schedule.items()
            ),
        ]


def _amounts(plan: Forecast) -> list[int]:
    return [plan.net_sales, plan.operating_income, plan.ordinary_income, plan.owners_profit]
