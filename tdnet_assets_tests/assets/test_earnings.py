"""The day's reports as rows, linked to the reports they replace and held against own forecasts."""

import io
import zipfile
from datetime import date, timedelta

import dagster as dg
import pytest

from tdnet_assets import catalog
from tdnet_assets.sample_site.companies import company_of
from tdnet_assets.sample_site.figures import figures
from tdnet_assets.sample_site.periods import reported_period
from tdnet_assets.tables.earnings import EARNINGS_TABLE
from tdnet_assets.tdnet.reports.earnings_report import read_earnings
from tdnet_assets.tdnet.reports.summary_cells import SummaryCells
from tdnet_assets.tdnet.xbrl.archive import read_archive

DAY = date(2026, 5, 14)
LATER = date(2026, 5, 29)
MUCH_LATER = date(2026, 7, 10)


def _reports(site, day):
    """The day's rows with a 決算短信 as XBRL, and its reading."""
    found = {}
    for row in site.rows(day):
        if row.xbrl_name:
            report = read_earnings(SummaryCells(read_archive(site.document(row.xbrl_name)).facts))
            if report is not None:
                found[row.disclosure_id] = (row, report)
    return found


def _row(pipeline, day, number):
    (row,) = pipeline.table("earnings", day).filter(disclosure_id=number).to_dicts()
    return row


def _linked(pipeline, number):
    """What a report replaces, what has replaced it, and whether it is current."""
    found = catalog.scan_earnings(config=pipeline.config).filter(disclosure_id=number).collect()
    return found.select("replaces", "replaced_by", "is_current").row(0)


def _published(site, day, code, is_wanted):
    """Publish the company's disclosures until one with an archive is as wanted; give that one."""
    while True:
        (row,) = site.publish(day, code=code)
        if row.xbrl_name and is_wanted(row):
            return row


def _publish_archive(site, day, code, content):
    """A new disclosure of the company with just this archive; gives its id."""
    site.set_day(day, 0)
    row = _published(site, day, code, lambda one: one.xbrl_name.startswith("0812"))
    site.faults.send_instead(rf"{row.disclosure_id}\.zip$", content)
    return row.disclosure_id


def _metadata(pipeline, result, asset):
    (event,) = [
        event
        for event in pipeline.logged(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
        if event.asset_key == dg.AssetKey(asset)
    ]
    return event.materialization.metadata


@pytest.fixture
def report(site):
    """One report of the day: its disclosure id, code and archive."""
    site.set_day(DAY, 30)
    found = _reports(site, DAY)
    once = [
        row for row, _ in found.values() if sum(r.code == row.code for r, _ in found.values()) == 1
    ]
    row = min(once, key=lambda row: row.disclosure_id)
    return row.disclosure_id, row.code, site.document(row.xbrl_name)


def test_every_report_is_a_row_with_the_companys_exact_figures(site, pipeline):
    site.set_day(DAY, 60)

    result = pipeline.materialize(DAY)

    assert result.success
    table = pipeline.table("earnings", DAY)
    assert table.schema == EARNINGS_TABLE.schema
    reports = _reports(site, DAY)
    assert set(table["disclosure_id"]) == reports.keys()
    assert len(reports) > 10
    for number, (listed, report) in reports.items():
        row = _row(pipeline, DAY, number)
        company = company_of(listed.code)
        now = figures(company, reported_period(company.fiscal_month, DAY))
        assert (row["code"], row["title"]) == (listed.code, listed.title)
        assert row["standard"] == {"jp": "jp", "if": "ifrs"}[company.standard]
        assert row["revenue"] == report.results.revenue.value
        assert row["revenue"] == now.net_sales * now.unit_yen
        assert row["net_income"] == now.owners_profit * now.unit_yen
    assert _metadata(pipeline, result, "earnings")["dagster/partition_row_count"].value == len(
        reports
    )


@pytest.mark.slow
def test_accountants_checks_pass_on_sound_reports_for_each_day(site, pipeline):
    site.set_day(DAY, 40)

    result = pipeline.materialize(DAY)

    for name in (
        "summary_equals_statements",
        "change_rate_agrees",
        "assets_balance",
        "forecasts_kept",
        "dividends_add_up",
        "change_amount_agrees",
        "reports_understood",
        "revisions_understood",
        "nothing_dropped",
    ):
        assert pipeline.checks(result, name) == {str(DAY): True}, name


@pytest.mark.slow
def test_a_correction_weeks_later_replaces_the_report_on_both_sides(site, pipeline, report):
    first, code, archive = report
    pipeline.materialize(DAY)
    assert _linked(pipeline, first) == (None, None, True)
    before = pipeline.objects()
    second = _publish_archive(site, LATER, code, archive)

    pipeline.materialize(LATER)

    assert _linked(pipeline, first) == (None, second, False)
    assert _linked(pipeline, second) == (first, None, True)
    assert _row(pipeline, LATER, second)["replaces"] == first
    (link,) = pipeline.table("report_links", LATER).to_dicts()
    assert (link["disclosure_id"], link["other_id"], link["other_date"]) == (second, first, DAY)
    assert before.items() <= pipeline.objects().items()


@pytest.mark.slow
def test_links_are_the_same_in_whatever_order_the_days_are_made(site, pipeline, report):
    first, code, archive = report
    second = _publish_archive(site, LATER, code, archive)
    third = _publish_archive(site, MUCH_LATER, code, archive)

    def make(day):
        """The keys of other days' objects that were written when this day was made."""
        before = pipeline.objects()
        pipeline.materialize(day)
        changed = {key for key, _ in pipeline.objects().items() - before.items()}
        return {key for key in changed if "/date=" in key and f"/date={day}/" not in key}

    assert [make(day) for day in (MUCH_LATER, DAY, LATER)] == [set(), set(), set()]

    links = [(None, second, False), (first, third, False), (second, None, True)]
    assert [_linked(pipeline, number) for number in (first, second, third)] == links
    # A day that is made again sees the later days too, in its own file, and then nothing more.
    assert [make(day) for day in (DAY, LATER, MUCH_LATER)] == [set(), set(), set()]
    before = pipeline.objects()
    assert [_linked(pipeline, number) for number in (first, second, third)] == links
    for day in (DAY, LATER, MUCH_LATER):
        pipeline.materialize(day)
    assert pipeline.objects() == before


@pytest.mark.slow
def test_another_companys_report_of_the_same_period_replaces_nothing(site, pipeline, report):
    first, code, archive = report
    other = next(row.code for row, _ in _reports(site, DAY).values() if row.code != code)
    pipeline.materialize(DAY)
    second = _publish_archive(site, LATER, other, archive)

    pipeline.materialize(LATER)

    assert _linked(pipeline, first) == _linked(pipeline, second) == (None, None, True)
    assert _row(pipeline, LATER, second)["replaces"] is None


@pytest.mark.slow
def test_a_report_that_contradicts_itself_is_a_reject_and_the_others_are_rows(
    site, pipeline, report
):
    number, _, archive = report
    site.faults.send_instead(rf"{number}\.zip$", _without_code(archive))

    result = pipeline.materialize(DAY)

    assert not result.success
    (reject,) = pipeline.table("earnings_rejects", DAY).to_dicts()
    assert reject["disclosure_id"] == number
    assert "SecuritiesCode" in reject["reason"]
    assert set(pipeline.table("earnings", DAY)["disclosure_id"]) == (
        _reports(site, DAY).keys() - {number}
    )
    assert pipeline.checks(result, "reports_understood") == {str(DAY): False}
    assert f"first {number}: the summary states no SecuritiesCode" in pipeline.failure(result)
    assert "financial_facts" in pipeline.materialized(result)
    assert "earnings" not in pipeline.materialized(result)


@pytest.mark.slow
def test_no_stored_archive_disappears_whatever_is_in_it(site, pipeline):
    """Only attachments, a new taxonomy, a summary under another name, bytes that are no zip."""
    site.set_day(DAY, 60)
    alone, new, renamed, cut = sorted(_reports(site, DAY))[:4]
    for number, change in (
        (alone, _without_summary),
        (new, _with_new_taxonomy),
        (renamed, _as_html),
    ):
        (row,) = (row for row in site.rows(DAY) if row.disclosure_id == number)
        site.faults.send_instead(rf"0812{number}\.zip$", change(site.document(row.xbrl_name)))
    (notice, *_) = (row for row in site.rows(DAY) if (row.xbrl_name or "").startswith("0912"))
    archive = _with_new_taxonomy(site.document(notice.xbrl_name))
    site.faults.send_instead(rf"0912{notice.disclosure_id}\.zip$", archive)
    (row,) = (row for row in site.rows(DAY) if row.disclosure_id == cut)
    site.faults.send_instead(rf"0812{cut}\.zip$", _without_inline(site.document(row.xbrl_name)))

    result = pipeline.materialize(DAY)

    assert not result.success
    reasons = {
        row["disclosure_id"]: row["reason"]
        for row in pipeline.table("earnings_rejects", DAY).to_dicts()
    }
    assert set(reasons) == {alone, new, renamed}
    assert "no summary" in reasons[alone]
    assert "taxonomy" in reasons[new]
    assert "edsum/2026-07-01' is not known" in reasons[new]
    assert "no summary" in reasons[renamed]
    assert pipeline.table("unread_filings", DAY)["disclosure_id"].to_list() == [cut]
    (reject,) = pipeline.table("forecast_revision_rejects", DAY).to_dicts()
    assert reject["disclosure_id"] == notice.disclosure_id
    assert "is not known" in reject["reason"]
    every = {row.disclosure_id for row in site.rows(DAY) if (row.xbrl_name or "")[:4] == "0812"}
    assert set(pipeline.table("earnings", DAY)["disclosure_id"]) == every - {*reasons, cut}
    assert pipeline.checks(result, "reports_understood") == {str(DAY): False}
    assert pipeline.checks(result, "revisions_understood") == {str(DAY): False}


@pytest.mark.slow
def test_an_archive_without_facts_fails_the_check_and_is_no_reject(site, pipeline):
    site.set_day(DAY, 30)
    (number, *_) = sorted(_reports(site, DAY))
    (row,) = (row for row in site.rows(DAY) if row.disclosure_id == number)
    content = _without_inline(site.document(row.xbrl_name))
    site.faults.send_instead(rf"0812{number}\.zip$", content)

    result = pipeline.materialize(DAY)

    assert pipeline.table("unread_filings", DAY)["disclosure_id"].to_list() == [number]
    assert pipeline.checks(result, "reports_understood") == {str(DAY): False}
    assert "earnings" not in pipeline.materialized(result)
    assert f"tables/earnings_rejects/date={DAY}/" not in " ".join(pipeline.objects())
    assert set(pipeline.table("earnings", DAY)["disclosure_id"]) == (
        _reports(site, DAY).keys() - {number}
    )


@pytest.mark.slow
def test_a_report_under_a_notices_name_is_a_reject(site, pipeline, report):
    _, _, archive = report
    site.set_day(DAY, 60)
    (notice, *_) = (row for row in site.rows(DAY) if (row.xbrl_name or "").startswith("0912"))
    site.faults.send_instead(rf"0912{notice.disclosure_id}\.zip$", archive)

    result = pipeline.materialize(DAY)

    (reject,) = pipeline.table("forecast_revision_rejects", DAY).to_dicts()
    assert reject["disclosure_id"] == notice.disclosure_id
    assert "listed as revision" in reject["reason"]
    assert pipeline.checks(result, "revisions_understood") == {str(DAY): False}


@pytest.mark.slow
def test_figures_that_do_not_agree_warn_and_the_day_stands(site, pipeline, report):
    number, _, archive = report
    site.faults.send_instead(rf"{number}\.zip$", _with_other_assets(archive))

    result = pipeline.materialize(DAY)

    assert result.success
    checks = ("summary_equals_statements", "equity_ratio_agrees", "net_assets_within_assets")
    assert {str(DAY): False} in [pipeline.checks(result, name) for name in checks]
    assert number in set(pipeline.table("earnings", DAY)["disclosure_id"])


@pytest.mark.slow
def test_a_result_is_held_against_the_companys_own_last_forecast(site, pipeline):
    site.set_day(DAY, 40)
    annual = {
        number: (row, found)
        for number, (row, found) in _reports(site, DAY).items()
        if found.period == "FY"
    }
    row, _ = min(annual.values(), key=lambda pair: pair[0].disclosure_id)
    # The third quarter's report, three months before, forecasts the year that is over now.
    earlier = DAY - timedelta(days=94)
    site.set_day(earlier, 0)
    forecast = _published(
        site, earlier, row.code, lambda one: one.disclosure_id in _reports(site, earlier)
    )
    stated = _reports(site, earlier)[forecast.disclosure_id][1]
    assert stated.this_year is not None

    pipeline.materialize(earlier)
    result = pipeline.materialize(DAY)

    shown = _metadata(pipeline, result, "report_figures")["biggest_surprises"].records
    (line,) = [record.data for record in shown if record.data["code"] == row.code]
    assert line["item"] == "operating_income"
    forecast_income = stated.this_year.figures.operating_income.value
    assert line["forecast"].replace(",", "") == str(int(forecast_income))
    assert line["result"].replace(",", "") == str(
        int(_row(pipeline, DAY, row.disclosure_id)["operating_income"])
    )
    assert line["surprise"]


def _rewritten(archive, change, renamed=lambda name: name):
    """The archive with its inline documents changed; a document without a name is left out."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if renamed(name):
                changed = change(content) if name.endswith("-ixbrl.htm") else content
                new.writestr(renamed(name), changed)
    return packed.getvalue()


def _without_summary(archive):
    return _rewritten(archive, bytes, lambda name: None if "/Summary/" in name else name)


def _with_new_taxonomy(archive):
    return _rewritten(
        archive, lambda text: text.replace(b"tdnet/ed/t/2014-01-12", b"tdnet/edsum/2026-07-01")
    )


def _as_html(archive):
    def renamed(name):
        is_summary = "/Summary/" in name and name.endswith(".htm")
        return name.removesuffix(".htm") + ".html" if is_summary else name

    return _rewritten(archive, bytes, renamed)


def _without_inline(archive):
    return _rewritten(archive, bytes, lambda name: None if "-ixbrl" in name else name)


def _without_code(archive):
    return _rewritten(archive, lambda text: text.replace(b":SecuritiesCode", b":SecuritiesCodes"))


def _with_other_assets(archive):
    return _rewritten(
        archive,
        lambda text: text.replace(b':TotalAssets"', b':TotalAssetsOfOthers"').replace(
            b':NetAssets"', b':TotalAssets"'
        ),
    )
