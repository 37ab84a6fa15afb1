"""A season's filings: every figure stands in the column that its context's id names."""

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from benchmarks.xbrl_season_figures import season_figures
from tdnet_assets.sample_site.companies import issuers
from tdnet_assets.sample_site.package import earnings_archive, revision_archive
from tdnet_assets.tdnet.errors import FilingError
from tdnet_assets.tdnet.reports.earnings_columns import earnings_row
from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.revision_notice import read_revisions, unread_elements
from tdnet_assets.tdnet.reports.stated_figures import figures_of_notice
from tdnet_assets.tdnet.reports.summary_cells import EarningsError, SummaryCells
from tdnet_assets.tdnet.xbrl.archive import read_archive

DAYS = (dt.date(2026, 2, 13), dt.date(2026, 5, 8), dt.date(2026, 11, 10))
COMPANIES = issuers("company")[:15]
SEASON = Path(__file__).resolve().parents[3].parent / "shared" / "fixtures" / "xbrl-2022"
HOSTILE = SEASON.with_name("xbrl-hostile")
needs_season = pytest.mark.skipif(
    not SEASON.is_dir(),
    reason=f"A SEASON OF REAL ARCHIVES NOT TESTED: there are none in {SEASON}",
)
# What the issuers' own documents contradict, looked at one by one.
ISSUERS_ERRORS = {
    ("081220221018545634.zip", "summary_equals_statements"),
    ("091220221014544673.zip", "change_rate_agrees"),
}


def invented():
    for company in COMPANIES:
        for day in DAYS:
            yield (
                f"0812{company.code}.zip",
                read_archive(earnings_archive(company, day, f"{day:%Y%m%d}500001")).facts,
            )
        for title in ("業績予想の修正に関するお知らせ", "配当予想の修正に関するお知らせ"):
            content = revision_archive(company, DAYS[2], f"{DAYS[2]:%Y%m%d}400001", title)
            yield f"0912{company.code}.zip", read_archive(content).facts


@cache
def real(name):
    folder = SEASON if (SEASON / name).is_file() else HOSTILE
    return SummaryCells(read_archive((folder / name).read_bytes()).facts)


def report(name):
    return read_earnings(real(name))


def test_every_invented_figure_is_in_the_column_that_its_context_names():
    season = season_figures(invented())
    assert (season.wrong, season.stray, season.choices, season.rejects) == ([], [], [], {})
    assert season.rows == season.archives == 5 * len(COMPANIES)
    assert season.right > 100 * len(COMPANIES)
    assert dict(season.findings) == {}
    assert set(season.without_column) == {"QuarterlyPeriod"}


_READ_ALL = """
import hashlib, pathlib, sys
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.revision_notice import read_revisions
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.xbrl.archive import read_archive
read = hashlib.sha256()
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.zip")):
    try:
        summary = SummaryCells(read_archive(path.read_bytes()).facts)
        told = read_revisions(summary) or read_earnings(summary)
    except TdnetError as error:
        told = error
    read.update(f"{path.name} {told}".encode())
print(read.hexdigest())
"""


@needs_season
@pytest.mark.slow
def test_what_filings_say_is_the_same_in_every_process():
    def read_with(seed):
        return subprocess.run(
            [sys.executable, "-c", _READ_ALL, str(SEASON)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert len({read_with(seed) for seed in ("1", "2", "3")}) == 1


def test_a_figure_in_another_column_than_its_context_names_is_found():
    (name, facts), *_ = invented()
    moved = [
        fact._replace(context_id=fact.context_id.replace("Current", "Prior", 1))
        if fact.element.startswith(("OperatingIncome", "OperatingIncomeIFRS"))
        and fact.result_forecast == "Result"
        and fact.part == "summary"
        else fact
        for fact in facts
    ]
    season = season_figures([(name, moved)])
    assert any("operating_income_prior is" in line for line in season.wrong)
    assert any("operating_income is" in line for line in season.stray)


@needs_season
def test_no_real_archive_is_lost_and_no_cell_is_wrong():
    archives, unread = [], []
    for path in sorted(SEASON.glob("*.zip")):
        try:
            archives.append((path.name, read_archive(path.read_bytes()).facts))
        except FilingError:
            unread.append(path.name)
    season = season_figures(archives)
    assert (season.wrong, season.stray) == ([], [])
    assert season.right > 4_000
    assert season.rows + len(season.rejects) + len(unread) == len(list(SEASON.glob("*.zip")))
    assert set(season.rejects) == {"081220221007541744.zip", "081220221014544878.zip"}
    assert len(season.choices) == 1


@needs_season
def test_the_checks_find_issuers_own_errors_only():
    archives = [
        (path.name, read_archive(path.read_bytes()).facts)
        for path in sorted(SEASON.glob("0[89]12*.zip"))
        if path.name != "081220221025549150.zip"
    ]
    found = season_figures(archives).findings
    assert {
        (line.split(":")[0], check) for check, lines in found.items() for line in lines
    } == ISSUERS_ERRORS


@needs_season
def test_a_real_archive_of_attachments_only_is_refused():
    with pytest.raises(EarningsError, match="no summary"):
        report("081220221007541744.zip")


@needs_season
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ns_changed.zip", "edsum/2026-07-01' is not known"),
        ("suffix_html.zip", "no summary|…-ixbrl"),
        ("missing_summary.zip", "no summary|not complete"),
    ],
)
def test_a_damaged_archive_is_refused_with_its_reason(name, reason):
    with pytest.raises((EarningsError, FilingError), match=reason):
        report(name)


@needs_season
def test_the_prior_years_dividends_of_a_real_quarter_are_as_printed():
    row = earnings_row(report("081220221011542564.zip"))
    assert row["prior_dividend_fiscal_year_end"] == dt.date(2022, 5, 31)
    assert row["prior_dividend_annual"] == row["prior_dividend_year_end"] == Decimal("7.54")
    assert row["prior_dividend_second_quarter"] == 0


@needs_season
def test_a_real_revenue_forecast_is_not_the_operating_loss_under_another_element():
    row = earnings_row(report("081220221111565112.zip"))
    assert row["this_year_revenue_forecast"] == 1_895_000_000
    assert row["this_year_revenue_element"] == row["revenue_element"] == "NetSales"


@needs_season
def test_a_real_report_with_untagged_figures_keeps_what_is_tagged():
    found = report("current-figure-untagged.zip")
    assert found.untagged == ("revenue", "operating_income", "ordinary_income", "net_income")
    revenue = found.results.revenue
    assert (revenue.value, revenue.change, revenue.prior) == (
        None,
        Decimal("0.121"),
        8_644_000_000,
    )


@needs_season
def test_a_real_notice_keeps_what_the_year_before_brought():
    summary = real("091220221012543134.zip")
    rows = {row.item: row for row in read_revisions(summary)}
    assert rows["ordinary_income"].prior_result == 336_000_000
    assert rows["net_income"].prior_result == 140_000_000
    assert rows["eps"].prior_result == Decimal("34.82")
    assert unread_elements(summary) == ()
    assert {one.item for one in figures_of_notice(rows.values())} == {"revenue", "operating_income"}


@needs_season
def test_a_real_trust_forecasts_two_periods():
    found = report("081220221012542899.zip")
    assert found.next_year.period_end == dt.date(2023, 2, 28)
    assert found.year_after_next.period_end == dt.date(2023, 8, 31)
    assert found.year_after_next.figures.total_distribution_per_unit.value == 2702
    assert found.dividend_payment_date == dt.date(2022, 11, 18)
    assert found.document_type == "FYFinancialStatements_Consolidated_REIT"
