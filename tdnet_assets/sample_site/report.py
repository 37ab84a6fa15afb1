"""What the parts of one 決算短信 share: its periods, its books and its way to state a fact.

What belongs here: names of elements, members and contexts that depend on the company and the
period. What does not: the parts themselves (``cover.py``, ``summary.py``,
``statements.py``).
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from tdnet_assets.sample_site.companies import Company
from tdnet_assets.sample_site.figures import Figures, figures
from tdnet_assets.sample_site.ixbrl import InlineDocument, Span, Unit, Vendor
from tdnet_assets.sample_site.periods import WHOLE_YEAR, Period

NON_CONSOLIDATED = "NonConsolidatedMember"
RESULT, FORECAST, LOWER, UPPER = "ResultMember", "ForecastMember", "LowerMember", "UpperMember"

_SERVICE_TRADES = ("運輸", "倉庫", "百貨店", "ガス", "不動産")


@dataclass(frozen=True, slots=True)
class ResultElements:
    """The local names under which a company reports its results."""

    revenue: str
    operating: str
    ordinary: str
    """Ordinary income, or profit before tax under IFRS."""
    profit: str
    per_share: str
    comprehensive: str
    comprehensive_change: str

    def change_of(self, element: str) -> str:
        """The element of that element's change rate."""
        if element == self.comprehensive:
            return self.comprehensive_change
        return f"ChangeIn{element}"


def result_elements(company: Company) -> ResultElements:
    """The names of the company's accounting standard and line of business."""
    if company.standard == "if":
        return ResultElements(
            revenue=("SalesIFRS", "RevenueIFRS", "NetSalesIFRS")[company.spelling % 3],
            operating="OperatingIncomeIFRS",
            ordinary="ProfitBeforeTaxIFRS",
            profit="ProfitAttributableToOwnersOfParentIFRS",
            per_share="BasicEarningsPerShareIFRS",
            comprehensive="TotalComprehensiveIncomeIFRS",
            comprehensive_change="ChangesInTotalComprehensiveIncomeIFRS",
        )
    serves = any(trade in company.name for trade in _SERVICE_TRADES)
    return ResultElements(
        revenue="OperatingRevenues" if serves else "NetSales",
        operating="OperatingIncome",
        ordinary="OrdinaryIncome",
        profit="ProfitAttributableToOwnersOfParent" if company.consolidated else "NetIncome",
        per_share="NetIncomePerShare",
        comprehensive="ComprehensiveIncome",
        comprehensive_change="ChangeInComprehensiveIncome",
    )


def ordinary_or_pretax(company: Company, books: Figures) -> int:
    """The amount under :attr:`ResultElements.ordinary`."""
    return books.profit_before_tax if company.standard == "if" else books.ordinary_income


def scope_member(company: Company) -> str:
    """The member of the consolidation axis for the company's results."""
    return "ConsolidatedMember" if company.consolidated else NON_CONSOLIDATED


def vendor_of(company: Company) -> Vendor:
    """The software that the company's reports are made with: one of two."""
    one = int(company.code[2]) % 2 == 0
    return Vendor(
        byte_order_mark=not one,
        crlf=not one,
        closes_nil_itself=not one,
        full_width_dates=one,
    )


def duration(which: str, period: Period) -> Span:
    """The span of a period, e.g. CurrentAccumulatedQ1Duration."""
    return Span(f"{which}{_label(period)}Duration", period.end, period.start)


def instant(which: str, period: Period) -> Span:
    """The last day of a period, e.g. PriorYearInstant."""
    return Span(f"{which}{_label(period)}Instant", period.end)


def named(element: str) -> str:
    """The qualified name of an element of the summary's taxonomy."""
    return f"tse-ed-t:{element}"


class Report:
    """One 決算短信: whose it is, what it covers, and the document it is written into."""

    def __init__(
        self, document: InlineDocument, company: Company, period: Period, filed_on: dt.date
    ) -> None:
        self.document, self.company, self.period, self.filed_on = (
            document,
            company,
            period,
            filed_on,
        )
        self.is_annual = period.quarter == WHOLE_YEAR
        self.scope = scope_member(company)
        self.elements = result_elements(company)
        self.year = period.moved(0, quarter=WHOLE_YEAR)
        self.now = figures(company, period)
        self.before = figures(company, period.moved(-1))
        self.last_year_end = figures(company, self.year.moved(-1))
        self.current = duration("Current", period)
        self.prior = duration("Prior", period.moved(-1))
        self.at_end = instant("Current", period)
        self.at_last_year_end = instant("Prior", self.year.moved(-1))

    def fact(
        self,
        element: str,
        value: Decimal | int | None,
        unit: Unit,
        span: Span,
        member: str = RESULT,
    ) -> str:
        """A number of the company's own scope; a result unless the member says otherwise."""
        return self.document.number(named(element), value, unit, span, self.scope, member)

    def ranged(
        self, element: str, value: Decimal | int | None, unit: Unit, span: Span
    ) -> list[str]:
        """A forecast given as one figure: the ends of the range stay empty."""
        return [
            self.fact(element, value if member == FORECAST else None, unit, span, member)
            for member in (FORECAST, LOWER, UPPER)
        ]


def _label(period: Period) -> str:
    return "Year" if period.quarter == WHOLE_YEAR else f"AccumulatedQ{period.quarter}"
