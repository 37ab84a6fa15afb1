"""``disclosure_index`` on days that the real code location has collected."""

import asyncio
from dataclasses import dataclass, fields
from datetime import date

import pytest

from tdnet_assets.assets.disclosure_index import DISCLOSURE_INDEX_STEP
from tdnet_assets.assets.steps import IncompleteDayError
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource, IndexedDisclosure
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.disclosure_index import INDEX_TABLE
from tdnet_assets_tests.local.aws_clients import client

DAY, WEEKEND = date(2026, 6, 10), date(2026, 6, 13)
LISTED = ("listing_pages", "disclosures")
STORED = (*LISTED, "documents")


@dataclass
class FedDay:
    """The part of a day that the step uses."""

    date: date
    lake: LakeResource
    index: DisclosureIndexResource


@pytest.fixture
def index(pipeline):
    return DisclosureIndexResource(config=pipeline.config)


@pytest.fixture
def feed(pipeline, index):
    def feed(day):
        made = asyncio.run(DISCLOSURE_INDEX_STEP.materialize(FedDay(day, pipeline.lake, index)))
        (check,) = made.checks
        return made, check

    return feed


def _counts(made):
    return tuple(made.metadata[name] for name in ("put", "deleted", "unchanged"))


@pytest.mark.slow
def test_a_collected_day_is_found_by_id_by_code_and_by_day(site, pipeline, index, feed):
    site.set_day(DAY, 180)
    pipeline.materialize(DAY, select=STORED)

    made, check = feed(DAY)

    assert check.passed, check.description
    assert _counts(made) == (180, 0, 0)
    assert made.metadata["dagster/partition_row_count"] == 180
    assert made.metadata["without_id"] == 0
    listed = site.rows(DAY)
    found = index.by_day(DAY)
    assert {row.disclosure_id for row in found} == {row.disclosure_id for row in listed}
    times = [row.disclosed_at for row in found]
    assert times == sorted(times, reverse=True)
    for row in listed[:20]:
        one = index.get(row.disclosure_id)
        assert (one.code, one.company_name, one.title) == (row.code, row.company_name, row.title)
        assert f"{one.disclosed_at:%Y-%m-%d %H:%M}" == f"{DAY} {row.time}"
        assert one in index.by_code(row.code)
    table = {row["disclosure_id"]: row for row in pipeline.table("disclosures", DAY).to_dicts()}
    assert {row.disclosure_id: row.category for row in found} == {
        number: row["category"] for number, row in table.items()
    }


@pytest.mark.slow
def test_a_run_of_the_code_location_feeds_the_index_of_each_of_its_days(site, pipeline, index):
    next_day = date(2026, 6, 11)
    site.set_day(DAY, 12)
    site.set_day(next_day, 8)

    result = pipeline.materialize(DAY, next_day, select=(*STORED, "disclosure_index"))

    assert result.success
    assert pipeline.materialized(result)["disclosure_index"] == [str(DAY), str(next_day)]
    assert pipeline.checks(result, "index_agrees") == {str(DAY): True, str(next_day): True}
    for day in (DAY, next_day):
        assert {row.disclosure_id for row in index.by_day(day)} == {
            row.disclosure_id for row in site.rows(day)
        }
        assert all(row.pdf_stored for row in index.by_day(day))


@pytest.mark.slow
def test_every_stored_file_can_be_fetched_by_the_key_that_the_item_names(
    site, pipeline, index, feed
):
    site.set_day(DAY, 30)
    pipeline.materialize(DAY, select=STORED)

    made, _ = feed(DAY)

    found = index.by_day(DAY)
    keys = [key for row in found for key in (row.pdf_key, row.xbrl_key) if key]
    assert all(row.pdf_stored for row in found)
    assert all(row.xbrl_stored == (row.xbrl_key is not None) for row in found)
    assert any(row.xbrl_stored for row in found)
    assert made.metadata["files_stored"] == len(keys)
    for key in keys:
        client(pipeline.config, "s3").head_object(Bucket=pipeline.config.bucket, Key=key)


@pytest.mark.slow
def test_files_that_are_not_stored_yet_are_said_to_be_missing_until_they_are(
    site, pipeline, index, feed
):
    site.set_day(DAY, 10)
    pipeline.materialize(DAY, select=LISTED)
    before, _ = feed(DAY)
    assert not any(row.pdf_stored for row in index.by_day(DAY))
    assert all(row.pdf_key for row in index.by_day(DAY))

    pipeline.materialize(DAY, select=["documents"])
    after, check = feed(DAY)

    assert check.passed
    assert all(row.pdf_stored for row in index.by_day(DAY))
    assert _counts(after) == (10, 0, 0)
    assert after.version != before.version


@pytest.mark.slow
def test_an_unchanged_day_is_not_written_again_and_keeps_its_version(site, pipeline, feed):
    site.set_day(DAY, 40)
    pipeline.materialize(DAY, select=LISTED)
    first, _ = feed(DAY)
    pipeline.materialize(DAY, select=LISTED)

    second, check = feed(DAY)

    assert check.passed
    assert _counts(second) == (0, 0, 40)
    assert second.version == first.version


@pytest.mark.slow
def test_a_retitled_row_has_both_titles_and_a_deleted_one_keeps_its_keys(
    site, pipeline, index, feed
):
    site.set_day(DAY, 20)
    pipeline.materialize(DAY, select=STORED)
    feed(DAY)
    retitled, removed = site.rows(DAY)[3], site.rows(DAY)[7]
    site.retitle(retitled.disclosure_id, "（訂正）新しい表題")
    site.delete(removed.disclosure_id)
    pipeline.materialize(DAY, select=STORED)

    made, check = feed(DAY)

    assert check.passed, check.description
    assert _counts(made) == (2, 0, 18)
    one = index.get(retitled.disclosure_id)
    assert (one.status, one.title) == ("retitled", "（訂正）新しい表題")
    assert one.previous_titles == (retitled.title,)
    assert one.is_correction
    assert one.changed_at is not None
    gone = index.get(removed.disclosure_id)
    assert (gone.status, gone.title, gone.pdf_stored) == ("deleted", removed.title, True)


def test_a_row_deleted_before_it_was_ever_seen_has_no_item(site, pipeline, index, feed):
    site.set_day(DAY, 20)
    site.delete(site.rows(DAY)[7].disclosure_id)
    pipeline.materialize(DAY, select=LISTED)

    made, check = feed(DAY)

    assert check.passed, check.description
    assert (made.metadata["without_id"], _counts(made)) == (1, (19, 0, 0))
    assert len(index.by_day(DAY)) == 19


def test_a_day_without_disclosures_is_fed_with_nothing(pipeline, index, feed):
    pipeline.materialize(WEEKEND, select=LISTED)

    made, check = feed(WEEKEND)

    assert check.passed
    assert _counts(made) == (0, 0, 0)
    assert index.by_day(WEEKEND) == []


def test_a_day_that_was_never_listed_is_refused(feed):
    with pytest.raises(IncompleteDayError, match="no disclosures of 2026-06-10 yet: materialize"):
        feed(DAY)


@pytest.mark.parametrize(
    ("found_by_day", "problem"),
    [
        (lambda items: items[1:], "1 missing"),
        (lambda items: [*items, {**items[0], "disclosure_id": {"S": "1" * 14}}], "1 too many"),
        (lambda items: [{**items[0], "title": {"S": "another"}}, *items[1:]], "1 different"),
    ],
)
def test_an_index_that_shows_another_day_than_it_was_fed_fails_the_check(
    site, pipeline, index, feed, monkeypatch, found_by_day, problem
):
    site.set_day(DAY, 10)
    pipeline.materialize(DAY, select=LISTED)
    feed(DAY)
    monkeypatch.setattr("tdnet_assets.assets.disclosure_index._INDEX_LAG_SECONDS", 0)

    def change(parsed, **_):
        # Only whole items: what is deleted is looked up by ids alone.
        if "title" in parsed["Items"][0]:
            parsed["Items"] = found_by_day(parsed["Items"])

    index.client.meta.events.register("after-call.dynamodb.Query", change)
    _, check = feed(DAY)

    assert not check.passed
    assert problem in check.description
    assert "materialize it again" in check.description


def test_an_index_that_trails_is_waited_for(site, pipeline, index, feed):
    site.set_day(DAY, 10)
    pipeline.materialize(DAY, select=LISTED)
    answers = []

    def trail(parsed, **_):
        answers.append(len(parsed["Items"]))
        if len(answers) < 4:
            parsed["Items"] = []

    index.client.meta.events.register("after-call.dynamodb.Query", trail)
    _, check = feed(DAY)

    assert check.passed
    assert answers == [0, 10, 10, 10]


def test_the_columns_shown_in_the_ui_are_those_of_an_item():
    shown = [column.name for column in INDEX_TABLE.columns]
    assert shown == [field.name for field in fields(IndexedDisclosure)]
    assert all(column.description and column.sources for column in INDEX_TABLE.columns)
