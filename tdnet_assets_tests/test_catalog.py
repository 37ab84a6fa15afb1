"""What the lake answers, with and without the yearly copies, now and as of a moment."""

import random
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tdnet_assets import catalog
from tdnet_assets.catalog import QueryError
from tdnet_assets.resources.lake import layout, parquet_scans
from tdnet_assets.resources.lake.store import LakeError, LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables.disclosure_history import HISTORY_TABLE
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE, REJECTS_TABLE
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.earnings import EARNINGS_TABLE, EARNINGS_VIEW
from tdnet_assets.tables.financial_facts import FACTS_TABLE
from tdnet_assets.tables.forecast_revisions import REVISIONS_TABLE
from tdnet_assets.tables.report_figures import REPORT_FIGURES_COPY, REPORT_FIGURES_TABLE
from tdnet_assets.tables.report_links import REPORT_LINKS_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import variables
from tdnet_assets_tests.lake_days import CODES, disclosure, put_day, write_day

DAY = date(2026, 6, 10)
ORDER = ("disclosed_at", "code", "disclosure_id", "title", "history")


def _days(count, first=DAY):
    return [first + timedelta(days=offset) for offset in range(count)]


@pytest.fixture
def large_copies(monkeypatch):
    """As where copies are so large that their rows are not read with the footer."""
    monkeypatch.setattr(parquet_scans, "END_BYTES", 64)


@pytest.fixture
def lake(platform):
    return LakeResource(config=platform)


@pytest.fixture
def disclosures(platform):
    """The disclosures that are found, in the order of the daily tables."""

    def found(**asked):
        rows = catalog.scan_disclosures(config=platform, **asked)
        return rows.sort(ORDER, nulls_last=True).collect()

    return found


def _fact(disclosure_id, code, value="1.5", **changes):
    row = dict.fromkeys(FACTS_TABLE.schema)
    row |= {"disclosure_id": disclosure_id, "code": code, "element": "NetSales", "order": 1}
    return {**row, "members": [], "is_nil": False, "value": Decimal(value), **changes}


def _filing(day, number, **listed):
    """A disclosure with an archive."""
    return disclosure(
        day, number, xbrl_url="081220260610000000.zip", xbrl_kind="earnings", **listed
    )


def _files(rows):
    """The files that a lazy frame would open, by the end of their keys."""
    return set(re.findall(r"/tables/([^,\]]+)", rows.explain()))


@pytest.mark.slow
def test_three_lines_in_a_notebook_are_enough(platform, lake):
    write_day(lake, DAY, 7)
    notebook = (
        "from tdnet_assets import catalog\n"
        "rows = catalog.scan_disclosures()\n"
        "print(rows.collect().height)"
    )

    done = subprocess.run(
        [sys.executable, "-c", notebook],
        env=variables(platform),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("7\n", 0), done.stderr


def test_an_empty_lake_answers_with_the_columns_and_no_rows(platform):
    for scan, table in (
        (catalog.scan_disclosures, DISCLOSURES_TABLE),
        (catalog.scan_facts, FACTS_TABLE),
        (catalog.scan_documents, DOCUMENTS_TABLE),
        (catalog.scan_earnings, EARNINGS_VIEW),
        (catalog.scan_forecast_revisions, REVISIONS_TABLE),
    ):
        rows = scan(config=platform)
        assert rows.collect().height == 0
        assert rows.collect_schema() == pl.Schema({"date": pl.Date, **table.schema})
    as_of = datetime(2026, 6, 10, 12, tzinfo=TOKYO)
    for scan in (catalog.scan_facts, catalog.scan_earnings, catalog.scan_forecast_revisions):
        assert scan(config=platform, code="72030", as_of=as_of).collect().height == 0
    assert catalog.scan_rejects(config=platform).collect().height == 0


def test_both_ends_of_the_days_are_included_and_only_their_files_are_opened(
    platform, lake, disclosures
):
    for day in _days(5):
        write_day(lake, day, 3)

    found = disclosures(first=DAY + timedelta(days=1), last=DAY + timedelta(days=3))

    assert found["date"].unique().sort().to_list() == _days(5)[1:4]
    rows = catalog.scan_disclosures(config=platform, first=DAY, last=DAY)
    assert _files(rows) == {f"disclosures/date={DAY}/data.parquet"}
    later = catalog.scan_disclosures(config=platform).filter(pl.col("date") == DAY)
    assert _files(later) == {f"disclosures/date={DAY}/data.parquet"}
    assert disclosures(first=date(2027, 1, 1)).height == 0


def test_rows_that_could_not_be_read_are_those_of_the_days_that_are_asked_for(platform, lake):
    unread = {
        "position": 1,
        "reason": "no title",
        "html": "<tr></tr>",
        "capture": "20260610T030000",
    }
    for page, day in enumerate(_days(4), start=1):
        lake.write_table("rejects", day, REJECTS_TABLE.frame([{"page": page, **unread}]), {})

    def found(**asked):
        rows = catalog.scan_rejects(config=platform, **asked).collect()
        return dict(rows.select("date", "page").sort("date").iter_rows())

    first, second, third, fourth = _days(4)
    assert found(first=second, last=third) == {second: 2, third: 3}
    assert found(first=third) == {third: 3, fourth: 4}
    assert found(last=first) == {first: 1}
    with pytest.raises(QueryError, match="is before the first"):
        catalog.scan_rejects(config=platform, first=second, last=first)


def test_a_row_of_half_past_eight_belongs_to_its_day_in_tokyo(platform, lake, disclosures):
    early = datetime(2026, 6, 10, 8, 30, tzinfo=TOKYO)
    put_day(lake, DAY, [disclosure(DAY, 1, disclosed_at=early, code="72030")])
    put_day(lake, DAY - timedelta(days=1), [])

    for asked in ({}, {"code": "72030"}, {"as_of": datetime(2026, 6, 10, 23, tzinfo=TOKYO)}):
        (row,) = disclosures(first=DAY, last=DAY, **asked).to_dicts()
        assert (row["disclosed_at"], row["date"]) == (early, DAY)
        assert disclosures(last=DAY - timedelta(days=1), **asked).height == 0
    yearly_copy(lake).bring_up_to_date(2026)
    (row,) = yearly_copy(lake).read(2026).frame.to_dicts()
    assert (row["disclosed_at"], row["date"]) == (early, DAY)


@pytest.mark.parametrize("code", ["141A0", "585A4", "72030"])
@pytest.mark.parametrize("copied", [False, True])
def test_a_company_is_found_by_its_whole_code(lake, disclosures, code, copied):
    frames = [write_day(lake, day, 30) for day in _days(6)]
    if copied:
        yearly_copy(lake).bring_up_to_date(2026)

    found = disclosures(code=code)

    expected = pl.concat(frames).filter(pl.col("code") == code)
    assert expected.height > 0
    assert_frame_equal(found, expected.sort(ORDER, nulls_last=True))


@pytest.mark.usefixtures("large_copies")
def test_a_company_s_history_is_read_from_the_copy_and_the_newest_days_from_their_files(
    platform, lake
):
    for day in _days(8):
        write_day(lake, day, 5)
    yearly_copy(lake).bring_up_to_date(2026)
    write_day(lake, DAY + timedelta(days=8), 5)
    write_day(lake, DAY + timedelta(days=2), 6, seed=1)

    rows = catalog.scan_disclosures(config=platform, code="72030")

    assert _files(rows) == {
        "disclosure_history/year=2026/data.parquet",
        "disclosures/date=2026-06-12/data.parquet",
        "disclosures/date=2026-06-18/data.parquet",
    }
    few = catalog.scan_disclosures(config=platform, code="72030", last=DAY + timedelta(days=3))
    assert not any("history" in key for key in _files(few))


@pytest.mark.slow
def test_however_old_the_copies_are_the_answer_is_that_of_the_daily_files(lake, disclosures):
    chance = random.Random(20260610)  # noqa: S311 - sample data
    days = _days(6, date(2025, 12, 26)) + _days(12, date(2026, 1, 1))
    current = {}
    for step in range(14):
        for day in chance.sample(days, 3):
            if day in current and chance.random() < 0.15:
                lake.store.delete(layout.table_key("disclosures", day))
                del current[day]
            else:
                current[day] = write_day(lake, day, chance.randrange(40), seed=step)
        if chance.random() < 0.3:
            yearly_copy(lake).bring_up_to_date(chance.choice([2025, 2026]))
        first, last = sorted(chance.choices(days, k=2))
        asked = chance.choice([{}, {"first": first, "last": last}, {"first": first}])
        code = chance.choice([None, *CODES])
        frames = [HISTORY_TABLE.frame(()), *(current[day] for day in sorted(current))]
        expected = pl.concat(frames).filter(
            pl.col("date").is_between(asked.get("first", days[0]), asked.get("last", days[-1])),
            pl.lit(value=True) if code is None else pl.col("code") == code,
        )

        found = disclosures(code=code, **asked)

        assert_frame_equal(found, expected.sort(ORDER, nulls_last=True))


def test_files_of_earlier_versions_are_read_with_the_columns_of_today(lake, disclosures):
    frame = write_day(lake, DAY, 4)
    older = frame.drop("category", "date").with_columns(given_up=pl.lit(1))
    lake.write_table("disclosures", DAY, older, {})
    write_day(lake, DAY + timedelta(days=1), 4)

    found = disclosures()

    assert found.columns == ["date", *DISCLOSURES_TABLE.schema]
    assert found["category"].null_count() == 4
    assert found["date"].null_count() == 0


def test_a_prefix_that_looks_like_a_hive_folder_is_no_column(platform):
    config = platform.changed(prefix="team=disclosures/x")
    write_day(LakeResource(config=config), DAY, 3)

    found = catalog.scan_disclosures(config=config).collect()

    assert found.columns == ["date", *DISCLOSURES_TABLE.schema]
    assert found.height == 3
    taken = platform.changed(prefix="code=1/")
    write_day(LakeResource(config=taken), DAY, 3)
    with pytest.raises(LakeError, match="TDNET_PREFIX is 'code=1/'"):
        catalog.scan_disclosures(config=taken)


REFUSALS = [
    ({"code": "7203"}, "write all 5 characters"),
    ({"code": "72030 "}, "is not a code"),
    ({"first": DAY, "last": DAY - timedelta(days=1)}, "is before the first"),
    ({"first": datetime(2026, 6, 10, tzinfo=UTC)}, "use a day"),
    ({"last": "2026-06-10"}, "use a day"),
    ({"as_of": datetime(2026, 6, 10)}, r"no time zone: add one, e.g. .*\+09:00"),  # noqa: DTZ001
]


def test_what_cannot_be_asked_is_refused_by_name(platform):
    for asked, reason in REFUSALS:
        with pytest.raises(QueryError, match=reason):
            catalog.scan_disclosures(config=platform, **asked)


def test_a_copy_that_is_damaged_is_named(platform, lake):
    for day in _days(6):
        write_day(lake, day, 2)
    lake.store.put("tables/disclosure_history/year=2026/data.parquet", b"PAR1 nothing PAR1")

    with pytest.raises(LakeError, match=r"disclosure_history/year=2026.*delete it"):
        catalog.scan_disclosures(config=platform, code="72030")


def test_facts_of_a_company_are_looked_for_on_its_days_only(platform, lake):
    put_day(lake, DAY, [_filing(DAY, 1, code="72030")])
    put_day(lake, DAY + timedelta(days=1), [_filing(DAY, 2, code="141A0")])
    lake.write_table("financial_facts", DAY, FACTS_TABLE.frame([_fact("1" * 14, "72030")]), {})
    other = FACTS_TABLE.frame([_fact("2" * 14, "141A0", "0.1")])
    lake.write_table("financial_facts", DAY + timedelta(days=1), other, {})

    rows = catalog.scan_facts(config=platform, code="72030")

    assert _files(rows) == {f"financial_facts/date={DAY}/data.parquet"}
    (row,) = rows.collect().to_dicts()
    assert (row["date"], row["value"], row["members"]) == (DAY, Decimal("1.5"), [])
    assert catalog.scan_facts(config=platform).collect().height == 2


def test_days_on_which_a_company_published_no_archive_are_not_opened_for_its_facts_and_revisions(
    platform, lake
):
    title_only, report, revision = DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)
    put_day(lake, title_only, [disclosure(title_only, 1, code="72030")])
    put_day(lake, report, [_filing(report, 2, code="72030")])
    listed = disclosure(revision, 3, code="72030", xbrl_url="0912.zip", xbrl_kind="revision")
    put_day(lake, revision, [listed])
    for day in (title_only, report, revision):
        lake.write_table("financial_facts", day, FACTS_TABLE.frame([]), {})
        lake.write_table("forecast_revisions", day, REVISIONS_TABLE.frame([]), {})

    facts = catalog.scan_facts(config=platform, code="72030")
    revisions = catalog.scan_forecast_revisions(config=platform, code="72030")

    facts_of = {f"financial_facts/date={day}/data.parquet" for day in (report, revision)}
    assert _files(facts) == facts_of
    assert _files(revisions) == {f"forecast_revisions/date={revision}/data.parquet"}


def test_of_two_companies_on_one_day_only_the_one_that_is_asked_for_is_found(platform, lake):
    put_day(lake, DAY, [_filing(DAY, 1, code="72030"), _filing(DAY, 2, code="141A0")])
    facts = [_fact("1" * 14, "72030"), _fact("2" * 14, "141A0", "0.1")]
    lake.write_table("financial_facts", DAY, FACTS_TABLE.frame(facts), {})

    (row,) = catalog.scan_facts(config=platform, code="141A0").collect().to_dicts()

    assert (row["code"], row["value"]) == ("141A0", Decimal("0.1"))


class Moments:
    """A day that is captured again and again; the moments lie between the captures."""

    def __init__(self, site, pipeline):
        self.site = site
        self.pipeline = pipeline

    def capture(self):
        result = self.pipeline.materialize(DAY, select=["listing_pages", "disclosures"])
        assert result.success
        return datetime.now(UTC)


@pytest.fixture
def moments(site, pipeline):
    return Moments(site, pipeline)


@pytest.mark.slow
def test_as_of_a_moment_titles_and_deletions_stand_as_they_were_known(
    site, moments, pipeline, disclosures
):
    site.set_day(DAY, 12)
    before_all = datetime.now(UTC)
    first = moments.capture()
    original = pipeline.table("disclosures", DAY)
    retitled, deleted = [row for row in original.to_dicts() if row["disclosure_id"] is not None][:2]
    site.retitle(retitled["disclosure_id"], "訂正後の題名")
    second = moments.capture()
    site.delete(deleted["disclosure_id"])
    third = moments.capture()

    def then(as_of):
        rows = disclosures(as_of=as_of, first=DAY, last=DAY)
        return {row["disclosure_id"]: row for row in rows.to_dicts()}

    assert then(before_all) == {}
    known = then(first)
    assert known[retitled["disclosure_id"]]["title"] == retitled["title"]
    assert known[retitled["disclosure_id"]]["status"] == "active"
    assert_frame_equal(disclosures(as_of=first).drop("date"), original)
    known = then(second)
    assert known[retitled["disclosure_id"]]["title"] == "訂正後の題名"
    assert known[retitled["disclosure_id"]]["previous_titles"] == [retitled["title"]]
    assert known[deleted["disclosure_id"]]["status"] == "active"
    known = then(third)
    assert known[deleted["disclosure_id"]]["status"] == "deleted"
    assert known[deleted["disclosure_id"]]["title"] == deleted["title"]
    latest = disclosures(as_of=third)
    assert latest["date"].unique().to_list() == [DAY]
    assert_frame_equal(latest.drop("date"), pipeline.table("disclosures", DAY))


@pytest.mark.slow
@pytest.mark.usefixtures("large_copies")
def test_as_of_a_moment_the_copies_answer_for_the_days_that_stand(
    site, moments, lake, platform, disclosures
):
    for day in _days(6, date(2026, 5, 1)):
        write_day(lake, day, 5)
    site.set_day(DAY, 5)
    first = moments.capture()
    site.publish(DAY, 2)
    moments.capture()
    yearly_copy(lake).bring_up_to_date(2026)

    found = disclosures(as_of=first, code=None)

    assert found.filter(pl.col("date") == DAY).height == 5
    assert found.height == 35
    rows = catalog.scan_disclosures(config=platform, as_of=first, code="72030")
    assert _files(rows) == {"disclosure_history/year=2026/data.parquet"}
    expected = disclosures(code="72030").filter(pl.col("first_seen_at") <= first)
    assert_frame_equal(disclosures(as_of=first, code="72030"), expected)


@pytest.mark.slow
def test_facts_and_files_of_a_moment_are_those_of_the_filings_listed_by_then(
    site, moments, pipeline, platform
):
    site.set_day(DAY, 5)
    first = moments.capture()
    site.publish(DAY, 2)
    second = moments.capture()
    pipeline.materialize(DAY, select=["documents"])
    listed = pipeline.table("disclosures", DAY).drop_nulls("disclosure_id")
    facts = [
        _fact(number, code) for number, code in listed.select("disclosure_id", "code").iter_rows()
    ]
    pipeline.lake.write_table("financial_facts", DAY, FACTS_TABLE.frame(facts), {})
    early = set(listed.filter(pl.col("first_seen_at") <= first)["disclosure_id"])

    for scan in (catalog.scan_facts, catalog.scan_documents):
        assert set(scan(config=platform, as_of=first).collect()["disclosure_id"]) == early
        now = set(scan(config=platform).collect()["disclosure_id"])
        assert now == set(scan(config=platform, as_of=second).collect()["disclosure_id"])
        assert now == set(listed["disclosure_id"]) != early
    before = first - timedelta(days=1)
    assert catalog.scan_facts(config=platform, as_of=before).collect().height == 0


@pytest.mark.slow
def test_as_of_a_moment_a_report_is_current_that_was_replaced_later(
    site, moments, pipeline, platform
):
    site.set_day(DAY, 5)
    first = moments.capture()
    site.publish(DAY, 1)
    second = moments.capture()
    listed = pipeline.table("disclosures", DAY).drop_nulls("disclosure_id")
    original = listed.filter(pl.col("first_seen_at") <= first)["disclosure_id"][0]
    correction = listed.filter(pl.col("first_seen_at") > first)["disclosure_id"][0]
    blank = dict.fromkeys(EARNINGS_TABLE.schema)
    reports = EARNINGS_TABLE.frame(
        {**blank, "disclosure_id": number} for number in (original, correction)
    )
    pipeline.lake.write_table("earnings", DAY, reports, {})
    published = [datetime(2026, 6, 10, hour, tzinfo=TOKYO) for hour in (15, 16)]
    link = dict.fromkeys(REPORT_LINKS_TABLE.schema) | {
        "disclosure_id": correction,
        "published_at": published[1],
        "relation": "corrects",
        "other_id": original,
        "other_date": DAY,
        "other_published_at": published[0],
    }
    pipeline.lake.write_table("report_links", DAY, REPORT_LINKS_TABLE.frame([link]), {})

    def then(as_of):
        found = catalog.scan_earnings(config=platform, as_of=as_of).collect()
        named = ("disclosure_id", "replaces", "replaced_by", "is_current")
        return found.select(named).sort("is_current").rows()

    assert then(first) == [(original, None, None, True)]
    assert (
        then(second)
        == [(original, None, correction, False), (correction, original, None, True)]
        == then(None)
    )


BUSINESS_YEAR = (date(2025, 4, 1), date(2026, 3, 31))


def _figure(number, at, kind, value, **changes):
    row = dict.fromkeys(REPORT_FIGURES_TABLE.schema) | {
        "disclosure_id": number,
        "code": "72030",
        "published_at": at,
        "is_correction": False,
        "standard": "ifrs",
        "consolidation": "Consolidated",
        "period_start": BUSINESS_YEAR[0],
        "period_end": BUSINESS_YEAR[1],
        "item": "operating_income",
        "kind": kind,
        "value": Decimal(value),
    }
    return {**row, **changes}


def _at(text):
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


REPORT_A = _figure("A", _at("2026-02-06T14:00"), "forecast", "3800.5")
REVISION_B = _figure("B", _at("2026-04-20T15:30"), "forecast", "3900")
REPORT_C = _figure("C", _at("2026-05-08T14:25"), "result", "3766.25")
PRIOR_C = _figure("C", _at("2026-05-08T14:25"), "prior", "4795", period_end=date(2025, 3, 31))
REVISION_D = _figure("D", _at("2026-05-08T14:25"), "forecast", "3766")


def _put_figures(lake, *rows):
    days = {}
    for row in rows:
        days.setdefault(row["published_at"].date(), []).append(row)
    for day, of_day in days.items():
        numbers = {row["disclosure_id"]: row for row in of_day}
        listed = [
            disclosure(
                day, 1, disclosure_id=number, code=row["code"], disclosed_at=row["published_at"]
            )
            for number, row in numbers.items()
        ]
        put_day(lake, day, listed)
        lake.write_table("report_figures", day, REPORT_FIGURES_TABLE.frame(of_day), {})


@pytest.mark.usefixtures("large_copies")
@pytest.mark.parametrize("copied", [False, True])
def test_a_result_is_held_against_the_forecast_that_stood_before_its_minute(platform, lake, copied):
    other = _figure("X", _at("2026-05-08T14:00"), "forecast", "1", code="99840")
    _put_figures(lake, REPORT_A, REVISION_B, REPORT_C, PRIOR_C, REVISION_D, other)
    for day in _days(6):
        lake.write_table("report_figures", day, REPORT_FIGURES_TABLE.frame([]), {})
    if copied:
        yearly_copy(lake, REPORT_FIGURES_COPY).bring_up_to_date(2026)

    day = REPORT_C["published_at"].date()
    for asked in ({}, {"code": "72030"}, {"first": day, "last": day}):
        (row,) = catalog.scan_surprises(config=platform, **asked).collect().to_dicts()
        assert (row["date"], row["disclosure_id"], row["value"]) == (day, "C", Decimal("3766.25"))
        assert (row["forecast"], row["forecast_id"]) == (Decimal(3900), "B")
        assert (row["surprise"], row["prior_change"]) == (Decimal("-133.75"), Decimal("-1028.75"))
        assert row["surprise_rate"] == pytest.approx(-133.75 / 3900)
    assert catalog.scan_surprises(config=platform, code="99840").collect().height == 0
    earlier = catalog.scan_surprises(config=platform, last=day - timedelta(days=1))
    assert earlier.collect().height == 0
    files = _files(catalog.scan_surprises(config=platform, code="72030"))
    assert (files == {"report_figures_history/year=2026/data.parquet"}) == copied


def test_an_earlier_day_that_arrives_later_changes_a_surprise_without_making_it_again(
    platform, lake
):
    _put_figures(lake, REPORT_A, REPORT_C)

    def forecast():
        return catalog.scan_surprises(config=platform).collect()["forecast"].to_list()

    assert forecast() == [Decimal("3800.5")]
    _put_figures(lake, REVISION_B)
    assert forecast() == [Decimal(3900)]


@pytest.mark.slow
def test_surprises_of_a_moment_are_those_of_the_filings_listed_by_then(
    site, moments, pipeline, platform
):
    site.set_day(DAY, 3)
    first = moments.capture()
    site.publish(DAY, 1)
    second = moments.capture()
    listed = pipeline.table("disclosures", DAY).drop_nulls("disclosure_id")
    late = pl.col("first_seen_at") > first
    numbers = [*listed.filter(~late)["disclosure_id"][:1], *listed.filter(late)["disclosure_id"]]
    at = _at("2026-06-10T15:00")
    figures = [
        _figure(number, at + timedelta(hours=hour), kind, "5", code="72030")
        for number, hour, kind in zip(numbers, (0, 1), ("forecast", "result"), strict=True)
    ]
    lake = pipeline.lake
    lake.write_table("report_figures", DAY, REPORT_FIGURES_TABLE.frame(figures), {})

    def then(as_of):
        return catalog.scan_surprises(config=platform, as_of=as_of).collect().rows(named=True)

    assert then(first) == []
    assert [row["forecast"] for row in then(second)] == [Decimal(5)]


def _link(number, at, relation, other, other_at):
    return dict.fromkeys(REPORT_LINKS_TABLE.schema) | {
        "disclosure_id": number,
        "code": "72030",
        "published_at": at,
        "relation": relation,
        "other_id": other,
        "other_date": other_at.date(),
        "other_published_at": other_at,
    }


@pytest.mark.slow
def test_a_report_of_a_day_is_known_to_be_replaced_by_one_of_a_later_day(platform, lake):
    at = [_at("2026-06-10T15:00"), _at("2026-06-20T15:00"), _at("2026-07-20T15:00")]
    for number, moment in zip("123", at, strict=True):
        day = moment.date()
        row = disclosure(day, 1, disclosure_id=number, code="72030", disclosed_at=moment)
        put_day(lake, day, [row])
        reports = EARNINGS_TABLE.frame(
            [dict.fromkeys(EARNINGS_TABLE.schema) | {"disclosure_id": number, "code": "72030"}]
        )
        lake.write_table("earnings", day, reports, {})
    # As the days were made: the last one first, then the first, then the one between.
    links = {
        0: [_link("1", at[0], "replaced_by", "3", at[2])],
        1: [
            _link("2", at[1], "corrects", "1", at[0]),
            _link("2", at[1], "replaced_by", "3", at[2]),
        ],
        2: [],
    }
    for place, rows in links.items():
        lake.write_table("report_links", at[place].date(), REPORT_LINKS_TABLE.frame(rows), {})

    def found(**asked):
        rows = catalog.scan_earnings(config=platform, **asked).sort("disclosure_id").collect()
        return rows.select("disclosure_id", "replaces", "replaced_by", "is_current").rows()

    whole = [("1", None, "2", False), ("2", "1", "3", False), ("3", "2", None, True)]
    for asked in ({}, {"code": "72030"}):
        assert found(**asked) == whole
        assert found(first=DAY, last=DAY, **asked) == whole[:1]
        assert found(first=at[2].date(), **asked) == whole[2:]
    then = at[1] + timedelta(hours=1)
    assert found(as_of=then) == [("1", None, "2", False), ("2", "1", None, True)]
    assert found(last=DAY, as_of=at[0] + timedelta(hours=1)) == [("1", None, None, True)]
