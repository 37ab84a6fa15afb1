"""What a 決算短信 says, as one row: the shape that the reader makes and all else reads.

What belongs here: results, forecasts and dividends with their periods. What does not: reading them
(``earnings_report.py``), and the row as flat columns (``earnings_columns.py``).

Amounts are exact decimals in yen, per-share figures in yen, ratios fractions: 0.252 is 25.2 %.
A figure that the report leaves empty (nil, printed as a dash) is None and never zero.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tdnet_assets.tdnet.reports.earnings_items import Standard
from tdnet_assets.tdnet.reports.summary_cells import CONSOLIDATED
from tdnet_assets.tdnet.xbrl.facts import Member

FORECAST_PERIODS = ("this_half", "this_year", "next_half", "next_year", "year_after_next")
# Only trusts forecast the last of them, and they have no parent.
PARENT_FORECAST_PERIODS = FORECAST_PERIODS[:-1]

# As J-Quants names the same documents, so that rows can be held against each other.
_STANDARD_CODES: dict[Standard, str] = {
    "jp": "JP",
    "ifrs": "IFRS",
    "us": "US",
    "reit": "REIT",
    "etf": "ETF",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A result and the one that it is compared with, with the change rates as stated."""

    value: Decimal | None
    change: Decimal | None
    prior: Decimal | None
    prior_change: Decimal | None
    element: str | None
    """The element that states it; None where no element of the item is in the summary."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast: one figure, or the ends of a range, each with its change rate as stated."""

    value: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    change: Decimal | None
    change_lower: Decimal | None
    change_upper: Decimal | None
    element: str | None


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a report; the names are those of the table in ``earnings_items.py``.

    Positions are at the period's end, and compared with the last fiscal year's end. A trust's units
    stand where a company's shares do.
    """

    revenue: Figure
    operating_income: Figure
    ordinary_income: Figure
    profit_before_tax: Figure
    profit: Figure
    net_income: Figure
    comprehensive_income: Figure
    eps: Figure
    diluted_eps: Figure
    distribution_per_unit: Figure
    excess_distribution_per_unit: Figure
    total_distribution_per_unit: Figure
    total_assets: Figure
    net_assets: Figure
    equity: Figure
    equity_ratio: Figure
    net_assets_per_share: Figure
    cash_end: Figure
    operating_cash_flow: Figure
    investing_cash_flow: Figure
    financing_cash_flow: Figure
    return_on_equity: Figure
    return_on_assets: Figure
    operating_margin: Figure
    equity_method_income: Figure
    shares_issued: Figure
    treasury_shares: Figure
    average_shares: Figure


@dataclass(frozen=True, slots=True)
class ParentResults:
    """The results of the parent alone (個別業績), which a group's report mostly states beside."""

    revenue: Figure
    operating_income: Figure
    ordinary_income: Figure
    net_income: Figure
    eps: Figure
    diluted_eps: Figure
    total_assets: Figure
    net_assets: Figure
    equity: Figure
    equity_ratio: Figure
    net_assets_per_share: Figure
    return_on_equity: Figure


@dataclass(frozen=True, slots=True)
class ForecastFigures:
    """The forecasts of one period."""

    revenue: Forecast
    operating_income: Forecast
    ordinary_income: Forecast
    profit_before_tax: Forecast
    profit: Forecast
    net_income: Forecast
    comprehensive_income: Forecast
    eps: Forecast
    diluted_eps: Forecast
    distribution_per_unit: Forecast
    excess_distribution_per_unit: Forecast
    total_distribution_per_unit: Forecast


@dataclass(frozen=True, slots=True)
class ParentForecasts:
    """The forecasts of the parent alone for one period; the ends of a range have no column."""

    revenue: Forecast
    operating_income: Forecast
    ordinary_income: Forecast
    net_income: Forecast
    eps: Forecast


@dataclass(frozen=True, slots=True)
class ForecastPeriod:
    """A period that is forecast, and its forecasts.

    ``standard`` is that of the elements used: a company that is about to change its standard
    forecasts in the next one's. ``parent`` is None where the report is the company's own.
    """

    period_start: date | None
    period_end: date
    standard: Standard
    figures: ForecastFigures
    parent: ParentForecasts | None


@dataclass(frozen=True, slots=True)
class Dividend:
    """A dividend: what was paid or resolved, or else what is forecast as one figure or a range."""

    result: Decimal | None
    forecast: Decimal | None
    lower: Decimal | None
    upper: Decimal | None


@dataclass(frozen=True, slots=True)
class DividendYear:
    """The dividends of one fiscal year, in yen per share, and what they amount to.

    Attributes:
        period_end: the last day of that fiscal year.
        annual: their sum as stated; empty in the year of a share split.
        commemorative: part of the sum that marks an event (記念配当).
        extra: part of the sum that is special (特別配当).
        total_dividends: yen paid in all.
        payout_ratio: share of the profit that is paid.
        dividend_on_equity: dividends by net assets.
    """

    period_end: date
    first_quarter: Dividend
    second_quarter: Dividend
    third_quarter: Dividend
    year_end: Dividend
    annual: Dividend
    commemorative: Dividend
    extra: Dividend
    total_dividends: Dividend
    payout_ratio: Dividend
    dividend_on_equity: Dividend


@dataclass(frozen=True, slots=True)
class OtherForecast:
    """A forecast that has no column: of a quarter, of a later year, a range of the parent's."""

    element: str
    statistic: str
    """``Forecast``, ``Lower`` or ``Upper``."""
    period_start: date | None
    period_end: date
    consolidation: str | None
    dividend_schedule: str | None
    members: tuple[Member, ...]
    value: Decimal


@dataclass(frozen=True, slots=True)
class Changes:
    """What a report says of itself with yes or no; None where the form does not ask.

    Attributes:
        subsidiaries_changed: 期中における重要な子会社の異動.
        consolidation_scope_changed: 期中における連結範囲の重要な変更, of newer forms.
        policies_changed_by_standards: 会計基準等の改正に伴う会計方針の変更.
        policies_changed_otherwise: other changes of accounting policies.
        estimates_changed: 会計上の見積りの変更.
        restated: 修正再表示.
        forecasts_revised: 業績予想の修正の有無, against those published last.
        dividend_forecasts_revised: 配当予想の修正の有無.
    """

    subsidiaries_changed: bool | None
    consolidation_scope_changed: bool | None
    policies_changed_by_standards: bool | None
    policies_changed_otherwise: bool | None
    estimates_changed: bool | None
    restated: bool | None
    forecasts_revised: bool | None
    dividend_forecasts_revised: bool | None


class ReportIdentity(NamedTuple):
    """What a report and its corrections have in common; two reports with one identity are such."""

    code: str
    standard: Standard
    consolidation: str | None
    fiscal_year_end: date
    period: str
    period_end: date


@dataclass(frozen=True, slots=True)
class Earnings:
    """One 決算短信.

    Attributes:
        document_name: title on the form, e.g. ``第１四半期決算短信〔日本基準〕(連結)``.
        standard: ``jp``, ``ifrs``, ``us``, ``reit`` or ``etf``.
        consolidation: ``Consolidated`` or ``NonConsolidated``; None where the form has no such
            axis.
        code: securities code as stated, mostly 5 characters.
        company_name: the company's or the trust's name.
        fiscal_year_end: last day of the fiscal year that the report belongs to.
        period: ``Q1``, ``Q2`` (interim too), ``Q3`` or ``FY``.
        period_start: first day of the fiscal year.
        period_end: last day of the period.
        prior_start: first day of the period that the results are compared with.
        prior_end: its last day.
        filing_date: day of filing as stated on the form, not the day of disclosure.
        dividend_payment_date: day from which dividends are paid, as planned.
        changes: what the report says of itself with yes or no.
        results: figures of the period and of the one before.
        untagged: names of the results whose change or earlier figure the summary tags, but not
            the figure itself: they are printed, and cannot be read.
        parent: results of the parent alone; None where the report is the company's own.
        this_half: forecasts of this fiscal year's first half; None where there are none.
        this_year: forecasts of this fiscal year, stated by interim reports.
        next_half: forecasts of the next fiscal year's first half.
        next_year: forecasts of the next fiscal year, stated by annual reports.
        year_after_next: forecasts of the one behind it; a trust mostly forecasts two periods.
        prior_dividends: the last fiscal year's dividends.
        dividends: this fiscal year's, paid and forecast.
        next_dividends: the next fiscal year's.
        other_forecasts: every other forecast that the summary states.
    """

    document_name: str | None
    standard: Standard
    consolidation: str | None
    code: str
    company_name: str | None
    fiscal_year_end: date
    period: str
    period_start: date | None
    period_end: date
    prior_start: date | None
    prior_end: date | None
    filing_date: date | None
    dividend_payment_date: date | None
    changes: Changes
    results: Results
    untagged: tuple[str, ...]
    parent: ParentResults | None
    this_half: ForecastPeriod | None
    this_year: ForecastPeriod | None
    next_half: ForecastPeriod | None
    next_year: ForecastPeriod | None
    year_after_next: ForecastPeriod | None
    prior_dividends: DividendYear | None
    dividends: DividendYear | None
    next_dividends: DividendYear | None
    other_forecasts: tuple[OtherForecast, ...]

    @property
    def is_consolidated(self) -> bool:
        """Whether the results are a group's."""
        return self.consolidation == CONSOLIDATED

    @property
    def document_type(self) -> str:
        """Period, scope and standard in one word, e.g. ``1QFinancialStatements_Consolidated_JP``.

        The words are those of J-Quants, which calls every trust consolidated.
        """
        period = "FY" if self.period == "FY" else f"{self.period[1:]}Q"
        scope = CONSOLIDATED if self.standard == "reit" else self.consolidation
        words = (f"{period}FinancialStatements", scope, _STANDARD_CODES[self.standard])
        return "_".join(word for word in words if word)

    @property
    def forecast_periods(self) -> dict[str, ForecastPeriod]:
        """The periods that are forecast, by the names of their attributes."""
        periods = {name: getattr(self, name) for name in FORECAST_PERIODS}
        return {name: period for name, period in periods.items() if period is not None}

    @property
    def identity(self) -> ReportIdentity:
        """What a correction of this report would state too."""
        return ReportIdentity(
            code=self.code,
            standard=self.standard,
            consolidation=self.consolidation,
            fiscal_year_end=self.fiscal_year_end,
            period=self.period,
            period_end=self.period_end,
        )
