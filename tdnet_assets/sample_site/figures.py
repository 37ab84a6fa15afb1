"""The books of the invented issuers: figures that agree with each other, year after year.

What belongs here: amounts of a company in a period, as pure functions. What does not: the elements
that they are reported under (``summary.py``, ``statements.py``).
"""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from tdnet_assets.sample_site.companies import Company, chance
from tdnet_assets.sample_site.periods import WHOLE_YEAR, Period

_LARGEST_CHANGE = 1000
_SHARE_OF_YEAR = {1: 0.235, 2: 0.485, 3: 0.735, 4: 1.0}
_FIRST_YEAR = 2020


@dataclass(frozen=True, slots=True)
class Figures:
    """One period's books; amounts in the company's own unit (百万円 or 千円)."""

    net_sales: int
    cost_of_sales: int
    overheads: int
    non_operating_income: int
    non_operating_expenses: int
    extraordinary_loss: int
    taxes: int
    minority_profit: int
    other_comprehensive_income: int
    cash: int
    receivables: int
    inventories: int
    other_current_assets: int
    tangible_assets: int
    intangible_assets: int
    investments: int
    payables: int
    short_loans: int
    other_current_liabilities: int
    long_loans: int
    other_long_liabilities: int
    capital_stock: int
    capital_surplus: int
    treasury_stock: int
    """Negative or zero."""
    valuation_differences: int
    minority_interests: int
    unit_yen: int
    """Yen in one unit of the amounts."""
    shares_issued: int
    treasury_shares: int
    average_shares: int

    @property
    def gross_profit(self) -> int:
        """売上総利益."""
        return self.net_sales - self.cost_of_sales

    @property
    def operating_income(self) -> int:
        """営業利益."""
        return self.gross_profit - self.overheads

    @property
    def ordinary_income(self) -> int:
        """経常利益."""
        return self.operating_income + self.non_operating_income - self.non_operating_expenses

    @property
    def profit_before_tax(self) -> int:
        """税引前利益."""
        return self.ordinary_income - self.extraordinary_loss

    @property
    def profit(self) -> int:
        """純利益, minority interests included."""
        return self.profit_before_tax - self.taxes

    @property
    def owners_profit(self) -> int:
        """親会社株主に帰属する純利益."""
        return self.profit - self.minority_profit

    @property
    def comprehensive_income(self) -> int:
        """包括利益."""
        return self.profit + self.other_comprehensive_income

    @property
    def current_assets(self) -> int:
        """流動資産."""
        return self.cash + self.receivables + self.inventories + self.other_current_assets

    @property
    def fixed_assets(self) -> int:
        """固定資産."""
        return self.tangible_assets + self.intangible_assets + self.investments

    @property
    def total_assets(self) -> int:
        """総資産."""
        return self.current_assets + self.fixed_assets

    @property
    def current_liabilities(self) -> int:
        """流動負債."""
        return self.payables + self.short_loans + self.other_current_liabilities

    @property
    def long_liabilities(self) -> int:
        """固定負債."""
        return self.long_loans + self.other_long_liabilities

    @property
    def liabilities(self) -> int:
        """負債."""
        return self.current_liabilities + self.long_liabilities

    @property
    def net_assets(self) -> int:
        """純資産."""
        return self.total_assets - self.liabilities

    @property
    def owners_equity(self) -> int:
        """自己資本."""
        return self.net_assets - self.minority_interests

    @property
    def shareholders_equity(self) -> int:
        """株主資本."""
        return self.owners_equity - self.valuation_differences

    @property
    def retained_earnings(self) -> int:
        """利益剰余金."""
        return (
            self.shareholders_equity
            - self.capital_stock
            - self.capital_surplus
            - self.treasury_stock
        )

    @property
    def equity_ratio(self) -> Decimal:
        """自己資本比率 in per cent."""
        return percentage(self.owners_equity, self.total_assets)

    @property
    def earnings_per_share(self) -> Decimal:
        """1株当たり純利益 in yen."""
        return _per_share(self.owners_profit, self.unit_yen, self.average_shares)

    @property
    def net_assets_per_share(self) -> Decimal:
        """1株当たり純資産 in yen."""
        outstanding = self.shares_issued - self.treasury_shares
        return _per_share(self.owners_equity, self.unit_yen, outstanding)


@dataclass(frozen=True, slots=True)
class CashFlows:
    """A year's cash flows; the three add up to the change of cash in the balance sheets."""

    operating: int
    investing: int
    financing: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast of a whole year or of its first half, in the company's own unit."""

    net_sales: int
    operating_income: int
    ordinary_income: int
    owners_profit: int
    earnings_per_share: Decimal

    def raised(self, percent: int) -> "Forecast":
        """The forecast with every figure so many per cent higher."""
        return Forecast(
            self.net_sales * (100 + percent) // 100,
            self.operating_income * (100 + percent) // 100,
            self.ordinary_income * (100 + percent) // 100,
            self.owners_profit * (100 + percent) // 100,
            (self.earnings_per_share * (100 + percent) / 100).quantize(
                Decimal("0.01"), ROUND_HALF_UP
            ),
        )


@dataclass(frozen=True, slots=True)
class Dividends:
    """Dividends per share of a year, in yen."""

    second_quarter: Decimal
    year_end: Decimal

    @property
    def annual(self) -> Decimal:
        """The year's sum."""
        return self.second_quarter + self.year_end


@lru_cache(maxsize=4096)
def figures(company: Company, period: Period) -> Figures:
    """What the company's books say for the period and at its end."""
    traits = chance("traits", company.code)
    margin, cost_ratio = traits.uniform(-0.02, 0.16), traits.uniform(0.45, 0.75)
    asset_ratio, debt_ratio = traits.uniform(0.7, 1.6), traits.uniform(0.3, 0.72)
    has_minority = company.consolidated and traits.random() < 0.4  # noqa: PLR2004 - a share
    year = period.fiscal_year_end.year
    draw = chance("books", company.code, year, period.quarter)
    yearly = _yearly_sales(company, year)
    shift = 1.0 if period.quarter == WHOLE_YEAR else draw.uniform(0.97, 1.03)
    sales = round(yearly * _SHARE_OF_YEAR[period.quarter] * shift)
    cost = round(sales * (cost_ratio + draw.uniform(-0.01, 0.01)))
    operating = round(sales * (margin + draw.uniform(-0.02, 0.02)))
    income, expenses = round(sales * draw.uniform(1e-3, 6e-3)), round(sales * draw.uniform(0, 4e-3))
    loss = round(sales * draw.uniform(0, 5e-3)) if draw.random() < 0.3 else 0  # noqa: PLR2004
    before_tax = operating + income - expenses - loss
    taxes = round(before_tax * 0.306) if before_tax > 0 else round(sales * 1e-3)
    before = _yearly_sales(company, year - 1)
    size = before + (yearly - before) * period.quarter / WHOLE_YEAR
    assets = size * asset_ratio
    debts = assets * (debt_ratio + draw.uniform(-0.02, 0.02))
    unit = 1_000 if company.thousands else 1_000_000
    issued = traits.choice((20_000, 48_000, 105_000, 360_000, 1_200_000)) * 100
    treasury = round(issued * traits.uniform(0, 0.05) / 100) * 100
    return Figures(
        net_sales=sales,
        cost_of_sales=cost,
        overheads=sales - cost - operating,
        non_operating_income=income,
        non_operating_expenses=expenses,
        extraordinary_loss=loss,
        taxes=taxes,
        minority_profit=round((before_tax - taxes) * 0.03) if has_minority else 0,
        other_comprehensive_income=round(sales * draw.uniform(-0.01, 0.012)),
        cash=round(assets * draw.uniform(0.14, 0.2)),
        receivables=round(assets * draw.uniform(0.16, 0.22)),
        inventories=round(assets * draw.uniform(0.08, 0.12)),
        other_current_assets=round(assets * draw.uniform(0.01, 0.03)),
        tangible_assets=round(assets * draw.uniform(0.24, 0.3)),
        intangible_assets=round(assets * draw.uniform(0.02, 0.05)),
        investments=round(assets * draw.uniform(0.08, 0.12)),
        payables=round(debts * draw.uniform(0.25, 0.32)),
        short_loans=round(debts * draw.uniform(0.1, 0.16)),
        other_current_liabilities=round(debts * draw.uniform(0.12, 0.16)),
        long_loans=round(debts * draw.uniform(0.22, 0.3)),
        other_long_liabilities=round(debts * draw.uniform(0.06, 0.1)),
        capital_stock=round(_base_sales(company) * 0.06),
        capital_surplus=round(_base_sales(company) * 0.05),
        treasury_stock=-round(_base_sales(company) * 0.004) if treasury else 0,
        valuation_differences=round(size * draw.uniform(-0.005, 0.02)),
        minority_interests=round(size * 0.012) if has_minority else 0,
        unit_yen=unit,
        shares_issued=issued,
        treasury_shares=treasury,
        average_shares=issued - treasury,
    )


def cash_flows(company: Company, period: Period) -> CashFlows:
    """The cash flows of a whole year."""
    draw = chance("cash flows", company.code, period.fiscal_year_end.year)
    now, before = figures(company, period), figures(company, period.moved(-1))
    operating = now.profit + round(now.net_sales * draw.uniform(0.01, 0.06))
    investing = -round(now.net_sales * draw.uniform(0.01, 0.07))
    return CashFlows(operating, investing, now.cash - before.cash - operating - investing)


def parent_amounts(company: Company, period: Period) -> dict[str, int]:
    """The parent's share of its group, by element of the summary, in the group's unit."""
    group = figures(company, period)
    amounts = {
        "NetSales": group.net_sales,
        "OperatingIncome": group.operating_income,
        "OrdinaryIncome": group.ordinary_income,
        "NetIncome": group.owners_profit,
        "TotalAssets": group.total_assets,
        "NetAssets": group.owners_equity,
    }
    return {element: amount * 6 // 10 for element, amount in amounts.items()}


def forecast(company: Company, period: Period, *, edition: str = "") -> Forecast:
    """The company's forecast for the period.

    Args:
        company: who forecasts.
        period: the year, or a part of it from its beginning.
        edition: empty for the first forecast; each other text gives a revised one.
    """
    past = figures(company, period.moved(-1))
    draw = chance("forecast", company.code, period.fiscal_year_end.year, period.quarter, edition)
    sales = _round_amount(past.net_sales * draw.uniform(0.92, 1.18))
    margin = max(past.operating_income / max(past.net_sales, 1), 0.01) * draw.uniform(0.75, 1.35)
    operating = _round_amount(sales * margin)
    ordinary = _round_amount(operating * draw.uniform(0.96, 1.06))
    profit = _round_amount(ordinary * draw.uniform(0.62, 0.72))
    return Forecast(
        sales,
        operating,
        ordinary,
        profit,
        _per_share(profit, past.unit_yen, past.average_shares),
    )


def dividends(company: Company, fiscal_year: int, *, edition: str = "") -> Dividends:
    """The dividends of the fiscal year that ends in that year, paid or forecast."""
    draw = chance("dividends", company.code, fiscal_year, edition)
    step = Decimal("0.50")
    if chance("pays dividends", company.code).random() < 0.2:  # noqa: PLR2004 - a share
        return Dividends(Decimal("0.00"), Decimal("0.00"))
    half = step * draw.randint(6, 60)
    return Dividends(half, half + step * draw.randint(0, 8))


def change_rate(now: int, before: int) -> Decimal | None:
    """The change in per cent with one decimal; None where reports print a dash.

    That is: after or into a loss, and from 1,000 per cent on.
    """
    if before <= 0 or now < 0:
        return None
    rate = percentage(now - before, before)
    return rate if abs(rate) < _LARGEST_CHANGE else None


def percentage(part: int, whole: int) -> Decimal:
    """The share in per cent, rounded half up to one decimal."""
    share = Decimal(part) * 100 / Decimal(whole)
    return share.quantize(Decimal("0.1"), ROUND_HALF_UP)


def payout_ratio(paid: Decimal, earned: Decimal) -> Decimal | None:
    """Dividends over earnings per share in per cent; None after a loss or without dividends."""
    if earned <= 0 or paid == 0:
        return None
    return (paid * 100 / earned).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _per_share(amount: int, unit_yen: int, shares: int) -> Decimal:
    return (Decimal(amount) * unit_yen / shares).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _round_amount(amount: float) -> int:
    # Forecasts are round numbers: three digits that count.
    step = int(10 ** max(len(str(abs(round(amount)))) - 3, 0))
    return round(amount / step) * step


def _base_sales(company: Company) -> float:
    draw = chance("size", company.code)
    if company.thousands:
        return math.exp(draw.uniform(math.log(300_000), math.log(9_000_000)))
    return math.exp(draw.uniform(math.log(3_000), math.log(600_000)))


def _yearly_sales(company: Company, year: int) -> float:
    noise = chance("sales", company.code, year).uniform(0.9, 1.14)
    return _base_sales(company) * 1.03 ** (year - _FIRST_YEAR) * noise
