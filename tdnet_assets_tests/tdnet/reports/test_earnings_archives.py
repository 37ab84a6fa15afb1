import datetime as dt
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from tdnet_assets.sample_site.companies import issuers
from tdnet_assets.sample_site.figures import (
    cash_flows,
    dividends,
    figures,
    forecast,
    parent_amounts,
)
from tdnet_assets.sample_site.package import earnings_archive, revision_archive
from tdnet_assets.sample_site.periods import forecast_year, reported_period
from tdnet_assets.tdnet.reports.accounting_checks import check_earnings, check_revisions
from tdnet_assets.tdnet.reports.earnings_report import filled_shares, read_earnings
from tdnet_assets.tdnet.reports.revision_notice import Range, read_revisions, unread_elements
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.xbrl.archive import read_archive

DAYS = (dt.date(2026, 2, 13), dt.date(2026, 5, 8), dt.date(2026, 11, 10))
COMPANIES = issuers("company")[:40]
CAPTURES = Path(__file__).resolve().parents[3].parent / "shared" / "fixtures" / "xbrl"
needs_captures = pytest.mark.skipif(
    not CAPTURES.is_dir(),
    reason=f"REAL ARCHIVES NOT TESTED: there are no real archives in {CAPTURES}",
)


@cache
def reports():
    """Facts, row, company and period of invented reports of all seasons."""
    found = []
    for day in DAYS:
        for company in COMPANIES:
            period = reported_period(company.fiscal_month, day)
            facts = read_archive(earnings_archive(company, day, f"{day:%Y%m%d}500001")).facts
            found.append((facts, read_earnings(SummaryCells(facts)), company, period))
    return found


@cache
def notices(title):
    day = DAYS[2]
    return [
        (
            read_archive(revision_archive(company, day, f"{day:%Y%m%d}{number:06}", title)).facts,
            company,
        )
        for number, company in enumerate(COMPANIES)
    ]


@cache
def real(name):
    return read_archive((CAPTURES / name).read_bytes()).facts


@pytest.mark.slow
def test_every_invented_report_has_the_figures_that_went_into_it():
    for _, row, company, period in reports():
        books, before = figures(company, period), figures(company, period.moved(-1))
        unit = books.unit_yen
        results = row.results
        assert row.code == company.code
        assert row.standard == {"jp": "jp", "if": "ifrs"}[company.standard]
        assert row.is_consolidated == company.consolidated
        assert row.period == ("FY" if period.quarter == 4 else f"Q{period.quarter}")
        assert (row.period_start, row.period_end) == (period.start, period.end)
        assert row.fiscal_year_end == period.fiscal_year_end
        assert results.revenue.value == books.net_sales * unit
        assert results.revenue.prior == before.net_sales * unit
        assert results.operating_income.value == books.operating_income * unit
        assert results.net_income.value == books.owners_profit * unit
        assert results.eps.value == books.earnings_per_share
        assert results.total_assets.value == books.total_assets * unit
        assert results.equity.value == books.owners_equity * unit
        last = figures(company, period.moved(-1, quarter=4))
        assert results.total_assets.prior == last.total_assets * unit
        if period.quarter == 4:
            flows = cash_flows(company, period)
            assert results.investing_cash_flow.value == flows.investing * unit


def test_every_invented_report_has_its_forecasts_and_dividends():
    for _, row, company, period in reports():
        is_annual = period.quarter == 4
        year = period.moved(1 if is_annual else 0, quarter=4)
        plan, unit = forecast(company, year), figures(company, period).unit_yen
        stated = row.next_year if is_annual else row.this_year
        assert (stated.period_start, stated.period_end) == (year.start, year.end)
        assert stated.figures.revenue.value == plan.net_sales * unit
        assert stated.figures.net_income.value == plan.owners_profit * unit
        assert stated.figures.eps.value == plan.earnings_per_share
        planned = row.next_dividends if is_annual else row.dividends
        assert planned.annual.forecast == dividends(company, year.end.year).annual
        assert (
            row.prior_dividends.annual.result
            == dividends(company, year.end.year - 1 - is_annual).annual
        )
        assert row.other_forecasts == ()


def test_every_invented_group_has_its_parents_figures_once_a_year():
    parents = 0
    for _, row, company, period in reports():
        if period.quarter < 4 or not company.consolidated:
            assert row.parent is None or row.parent.revenue.value is None
            continue
        unit = figures(company, period).unit_yen
        now, before = (parent_amounts(company, one) for one in (period, period.moved(-1)))
        assert row.parent.revenue.value == now["NetSales"] * unit
        assert row.parent.net_income.prior == before["NetIncome"] * unit
        assert row.parent.total_assets.value == now["TotalAssets"] * unit
        assert row.results.revenue.value == figures(company, period).net_sales * unit
        parents += 1
    assert parents > len(DAYS)


def test_the_dividends_of_the_year_before_are_that_years_whatever_is_stated_of_special_ones():
    special = 0
    for facts, row, _, period in reports():
        assert row.prior_dividends.period_end == period.moved(-1, quarter=4).end
        special += any(fact.element == "ExtraDividend" for fact in facts)
    assert 0 < special < len(reports())


def test_the_accountant_finds_nothing_wrong_with_invented_reports():
    names = Counter()
    for facts, row, _, _ in reports():
        found = check_earnings(SummaryCells(facts), facts, row)
        assert [finding for finding in found if not finding.passed] == []
        names.update(finding.name for finding in found)
    assert names["summary_equals_statements"] > 10 * len(reports())
    assert min(names[name] for name in ("assets_balance", "change_rate_agrees")) > len(reports())
    assert {"jp", "ifrs"} == {
        share.standard for share in filled_shares(r for _, r, _, _ in reports())
    }


def test_every_invented_forecast_revision_is_read_whole():
    ranges = 0
    for facts, company in notices("業績予想の修正に関するお知らせ"):
        rows = read_revisions(SummaryCells(facts))
        assert unread_elements(SummaryCells(facts)) == ()
        assert [
            finding for finding in check_revisions(SummaryCells(facts)) if not finding.passed
        ] == []
        year = forecast_year(company.fiscal_month, DAYS[2])
        unit = figures(company, year).unit_yen
        (revenue,) = (r for r in rows if (r.item, r.period) == ("revenue", "full_year"))
        assert revenue.previous.value == forecast(company, year).net_sales * unit
        assert revenue.current.is_stated
        assert revenue.prior_result == figures(company, year.moved(-1)).net_sales * unit
        ranges += revenue.current.value is None
    assert 0 < ranges < len(COMPANIES)


def test_every_invented_dividend_revision_is_read_whole():
    for facts, company in notices("配当予想の修正に関するお知らせ"):
        rows = {row.dividend_schedule: row for row in read_revisions(SummaryCells(facts))}
        assert unread_elements(SummaryCells(facts)) == ()
        assert set(rows) == {"SecondQuarter", "YearEnd", "Annual"}
        year = forecast_year(company.fiscal_month, DAYS[2]).end.year
        assert rows["Annual"].previous.value == dividends(company, year).annual
        assert rows["Annual"].prior_result == dividends(company, year - 1).annual
        assert {row.kind for row in rows.values()} == {"dividend"}


@needs_captures
def test_a_real_quarterly_report_is_read_as_printed():
    row = read_earnings(SummaryCells(real("edjp.zip")))
    assert (row.code, row.standard, row.period) == ("47760", "jp", "Q1")
    assert (row.period_end, row.fiscal_year_end) == (dt.date(2024, 3, 31), dt.date(2024, 12, 31))
    assert row.filing_date == dt.date(2024, 5, 14)
    million = 10**6
    results = row.results
    printed = {
        "revenue": (6907, "0.140", 6059, "0.169"),
        "operating_income": (1310, "0.058", 1238, "2.952"),
        "ordinary_income": (1431, "0.138", 1257, "1.888"),
        "net_income": (1018, "0.123", 907, "3.613"),
        "comprehensive_income": (1083, "-0.067", 1161, None),
    }
    for name, (value, change, prior, prior_change) in printed.items():
        figure = getattr(results, name)
        assert (figure.value, figure.change) == (value * million, Decimal(change))
        assert figure.prior == prior * million
        assert figure.prior_change == (None if prior_change is None else Decimal(prior_change))
    assert (results.eps.value, results.diluted_eps.value) == (Decimal("21.39"), None)
    assert (results.equity.value, results.equity.prior) == (11671 * million, 11253 * million)
    assert results.equity_ratio.value == Decimal("0.599")
    assert results.shares_issued.value == 52_757_800
    assert results.average_shares.prior == 47_541_004
    year = row.this_year.figures
    assert (year.revenue.value, year.revenue.change) == (28730 * million, Decimal("0.130"))
    assert (year.net_income.value, year.eps.value) == (2028 * million, Decimal("42.57"))
    assert row.prior_dividends.annual.result == 14
    assert (row.dividends.second_quarter.forecast, row.dividends.annual.forecast) == (0, 15)
    assert row.dividends.first_quarter.forecast is None


@needs_captures
def test_the_accountant_finds_nothing_wrong_with_a_real_report():
    facts = real("edjp.zip")
    found = check_earnings(SummaryCells(facts), facts, read_earnings(SummaryCells(facts)))
    assert [finding for finding in found if not finding.passed] == []
    assert Counter(finding.name for finding in found) == {
        "summary_equals_statements": 14,
        "assets_balance": 4,
        "net_assets_within_assets": 2,
        "equity_ratio_agrees": 2,
        "change_rate_agrees": 5,
        "forecasts_kept": 1,
        "dividends_add_up": 2,
    }


@needs_captures
def test_a_real_notice_of_a_difference_is_read_as_printed():
    facts = real("rvfc.zip")
    rows = {row.item: row for row in read_revisions(SummaryCells(facts))}
    million = 10**6
    printed = {
        "revenue": (18000, 17986, -14, "-0.001", 17390),
        "operating_income": (240, 274, 34, "0.143", 187),
        "ordinary_income": (240, 289, 49, "0.207", 232),
        "net_income": (150, 207, 57, "0.381", 53),
    }
    for item, (before, now, change, rate, last) in printed.items():
        row = rows.pop(item)
        assert (row.previous, row.current) == tuple(
            Range(Decimal(amount * million), None, None) for amount in (before, now)
        )
        assert (row.change.value, row.change_rate.value) == (change * million, Decimal(rate))
        assert (row.prior_result, row.result) == (last * million, None)
        assert (row.is_difference, row.consolidation) == (True, "NonConsolidated")
    eps = rows.pop("eps")
    assert (eps.previous.value, eps.current.value) == (Decimal("71.67"), Decimal("98.98"))
    assert (eps.prior_result, rows) == (Decimal("25.72"), {})
    assert unread_elements(SummaryCells(facts)) == ()
    assert read_earnings(SummaryCells(facts)) is None
    assert [finding.passed for finding in check_revisions(SummaryCells(facts))] == [True] * 8
