"""Real archives of a season, and damaged ones made from them, where the folders are."""

import time
from pathlib import Path

import pytest

from tdnet_assets.tdnet.errors import FilingError
from tdnet_assets.tdnet.xbrl.archive import read_archive
from tdnet_assets_tests.tdnet.xbrl.filings import CAPTURES

SEASON = CAPTURES.with_name("xbrl-2022")
HOSTILE = CAPTURES.with_name("xbrl-hostile")


def archives(folder: Path):
    """The archives of a folder; where it is absent, one test that says so and is skipped."""
    found = sorted(folder.glob("*.zip"))
    reason = f"REAL ARCHIVES NOT TESTED: there are none in {folder}"
    return found or [pytest.param(folder, marks=pytest.mark.skip(reason=reason))]


def real(path: Path):
    if not path.is_file():
        pytest.skip(f"REAL ARCHIVES NOT TESTED: {path} is not there")
    return path.read_bytes()


@pytest.mark.parametrize("path", archives(SEASON), ids=lambda path: path.name)
def test_every_cell_of_a_real_archive_is_read(path):
    filing = read_archive(path.read_bytes())
    assert filing.is_whole
    assert len(filing.facts) > 30


def test_of_a_real_archive_only_what_its_manifest_lists_is_read():
    filing = read_archive(real(SEASON / "081220221025549150.zip"))
    assert [one.kind for one in filing.unread] == ["unlisted"] * 3
    assert {"2022-06-30" in one.document for one in filing.unread} == {True}
    assert len({fact.document for fact in filing.facts}) == 5


@pytest.mark.parametrize(
    ("name", "element", "text"),
    [
        ("dash_2015_1.zip", "tse-ed-t:NumberOfTreasuryStockAtTheEndOfFiscalYear", "―"),
        ("dash_ff0d_1.zip", "tse-ed-t:NumberOfTreasuryStockAtTheEndOfFiscalYear", "－"),
        ("dash_3000_6.zip", "tse-ed-t:NumberOfTreasuryStockAtTheEndOfFiscalYear", "\u30001,842"),
        ("dash_ff11_5.zip", "tse-ed-t:NumberOfTreasuryStockAtTheEndOfFiscalYear", "１，８４２"),
        ("attachment_one_bad_number.zip", "jppfs_cor:CashAndDeposits", "―"),
    ],
)
def test_one_bad_cell_of_a_real_archive_costs_that_cell(name, element, text):
    filing = read_archive(real(HOSTILE / name))
    assert len(filing.facts) == 464
    (unread,) = filing.unread
    assert (unread.kind, unread.element, unread.text) == ("fact", element, text)


def test_dates_without_a_format_cost_those_dates():
    filing = read_archive(real(HOSTILE / "filing_date_no_format.zip"))
    assert [one.element for one in filing.unread] == [
        "tse-ed-t:FilingDate",
        "tse-ed-t:DateOfGeneralShareholdersMeetingAsPlanned",
        "tse-ed-t:AnnualSecuritiesReportFilingDateAsPlanned",
    ]
    assert len(filing.facts) == 462


def test_comments_before_a_document_type_cost_milliseconds():
    content = real(HOSTILE / "comments_before_doctype.zip")
    started = time.process_time()
    with pytest.raises(FilingError, match="has a document type"):
        read_archive(content)
    assert time.process_time() - started < 0.1


def test_a_fan_out_of_continuations_stays_small():
    filing = read_archive(real(HOSTILE / "continuation_fanout.zip"))
    assert sum(len(fact.text or "") for fact in filing.facts) < 100_000
    assert {"1,500 elements are continued" in one.reason for one in filing.unread} == {True}
