"""Facts made by hand, as the reader of archives would make them from a summary or a statement."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from tdnet_assets.tdnet.xbrl.facts import ATTACHMENT, SUMMARY, Fact

COMPANY = "http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/ed/t/2014-01-12"
TRUST = "http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/re/t/2014-01-12"
STATEMENTS = "http://disclosure.edinet-fsa.go.jp/taxonomy/jppfs/2024-11-01/jppfs_cor"

MILLIONS = -6


def day(text):
    return dt.date.fromisoformat(text)


@dataclass
class Filing:
    """Facts of one archive, one call each."""

    namespace: str = COMPANY
    scope: str | None = "Consolidated"
    facts: list[Fact] = field(default_factory=list)

    def add(self, element, **changes):
        fact = Fact(
            document="tse-acedjpsm-99990-ixbrl.htm",
            part=SUMMARY,
            order=len(self.facts) + 1,
            element=element,
            namespace=self.namespace,
            context_id="any",
            period_type="instant",
            period_start=None,
            period_end=day("2026-03-31"),
            period_label="any",
            consolidation=None,
            result_forecast=None,
            previous_current=None,
            dividend_schedule=None,
            members=(),
            unit=None,
            decimals=None,
            scale=None,
            value=None,
            text=None,
            is_nil=False,
        )
        self.facts.append(fact._replace(**changes))
        return self

    def text(self, **texts):
        for element, text in texts.items():
            self.add(element, text=text)
        return self

    def number(self, element, value, start, end, kind="Result", *, decimals=MILLIONS, **axes):
        """A number in the filing's scope; None is nil. Without a start it is at an instant."""
        axes = {"consolidation": self.scope, **axes}
        return self.add(
            element,
            value=None if value is None else Decimal(str(value)),
            is_nil=value is None,
            decimals=None if value is None else decimals,
            unit="JPY",
            period_type="duration" if start else "instant",
            period_start=day(start) if start else None,
            period_end=day(end),
            result_forecast=kind,
            **axes,
        )

    def dividend(self, value, year, schedule, kind="Result", **axes):
        start, end = year
        return self.number(
            "DividendPerShare",
            value,
            start,
            end,
            kind,
            **{
                "decimals": 2,
                "consolidation": "NonConsolidated",
                "dividend_schedule": schedule,
                **axes,
            },
        )

    def line(self, element, value, start, end, *, decimals=MILLIONS, consolidation=None):
        """A line of the attached statements."""
        return self.number(
            element,
            value,
            start,
            end,
            None,
            decimals=decimals,
            consolidation=consolidation,
            part=ATTACHMENT,
            namespace=STATEMENTS,
        )


LAST_YEAR, THIS_YEAR, NEXT_YEAR = (
    ("2024-04-01", "2025-03-31"),
    ("2025-04-01", "2026-03-31"),
    ("2026-04-01", "2027-03-31"),
)


def cover(
    filing, *, name="2026年３月期 決算短信〔日本基準〕（連結）", fiscal_year_end="2026-03-31"
):
    return filing.text(
        DocumentName=name,
        SecuritiesCode="141A0",
        CompanyName="見本工業株式会社",
        FiscalYearEnd=fiscal_year_end,
        FilingDate="2026-05-08",
    )


def annual_report(**options):
    """An annual report of a group under Japanese standards, with a parent's figures beside it."""
    filing = cover(Filing(**options))
    for element, now, before, rate in (
        ("NetSales", 110_000_000, 100_000_000, "0.1"),
        ("OperatingIncome", 12_000_000, 10_000_000, "0.2"),
        ("OrdinaryIncome", 11_000_000, -1_000_000, None),
        ("ProfitAttributableToOwnersOfParent", 7_000_000, -2_000_000, None),
    ):
        filing.number(element, now, *THIS_YEAR).number(element, before, *LAST_YEAR)
        filing.number(f"ChangeIn{element}", rate, *THIS_YEAR, decimals=3)
        filing.number(f"ChangeIn{element}", None, *LAST_YEAR, decimals=3)
    filing.number("NetIncomePerShare", "70.00", *THIS_YEAR, decimals=2)
    filing.number("DilutedNetIncomePerShare", None, *THIS_YEAR, decimals=2)
    for element, now, before, decimals in (
        ("TotalAssets", 200_000_000, 190_000_000, MILLIONS),
        ("NetAssets", 90_000_000, 85_000_000, MILLIONS),
        ("OwnersEquity", 80_000_000, 76_000_000, MILLIONS),
        ("CapitalAdequacyRatio", "0.400", "0.400", 3),
        ("NetAssetsPerShare", "800.00", "760.00", 2),
        ("CashAndEquivalentsEndOfPeriod", 30_000_000, 28_000_000, MILLIONS),
    ):
        filing.number(element, now, None, THIS_YEAR[1], decimals=decimals)
        filing.number(element, before, None, LAST_YEAR[1], decimals=decimals)
    for element, now in (("Operating", 9_000_000), ("Investing", -4_000_000), ("Financing", 0)):
        filing.number(f"CashFlowsFrom{element}Activities", now, *THIS_YEAR)
    # The parent alone: never the row's figures.
    filing.number("NetSales", 55_000_000, *THIS_YEAR, consolidation="NonConsolidated")
    filing.number(
        "NumberOfTreasuryStockAtTheEndOfFiscalYear",
        1000,
        None,
        THIS_YEAR[1],
        decimals=0,
        consolidation="NonConsolidated",
    )
    for schedule, paid, planned in (
        ("FirstQuarter", None, None),
        ("SecondQuarter", "10.00", "12.00"),
        ("ThirdQuarter", None, None),
        ("YearEnd", "15.50", "16.00"),
        ("Annual", "25.50", "28.00"),
    ):
        filing.dividend(paid, THIS_YEAR, schedule)
        filing.dividend(planned, NEXT_YEAR, schedule, "Forecast")
        filing.dividend(None, NEXT_YEAR, schedule, "Lower")
        filing.dividend(None, NEXT_YEAR, schedule, "Upper")
    annual = {"dividend_schedule": "Annual", "decimals": 3}
    filing.number("PayoutRatio", "0.364", *THIS_YEAR, **annual)
    filing.number("PayoutRatio", "0.300", *NEXT_YEAR, "Forecast", **annual)
    half = ("2026-04-01", "2026-09-30")
    for element, of_half, of_year, rate in (
        ("NetSales", 60_000_000, 121_000_000, "0.100"),
        ("OperatingIncome", 5_000_000, 15_000_000, "0.250"),
    ):
        filing.number(element, of_half, *half, "Forecast")
        filing.number(element, of_year, *NEXT_YEAR, "Forecast")
        filing.number(f"ChangeIn{element}", rate, *NEXT_YEAR, "Forecast", decimals=3)
    filing.number("OrdinaryIncome", None, *NEXT_YEAR, "Forecast")
    filing.number("OrdinaryIncome", 13_000_000, *NEXT_YEAR, "Lower")
    filing.number("OrdinaryIncome", 16_000_000, *NEXT_YEAR, "Upper")
    return filing
