"""A real run tells of a row before its files are fetched, and of a text when it has been read."""

from datetime import UTC, datetime, time, timedelta

import pytest

from tdnet_assets.resources.aws.notices_table import SENT, TO_TELL, NoticesResource
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.notices.delivery import Delivery
from tdnet_assets.resources.notices.sender import NoticeSender
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets.tdnet.document_text import pdf_text
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.pipeline import Pipeline
from tdnet_assets_tests.resources.notices import receivers
from tdnet_assets_tests.resources.notices.notices import watch_file

EVERYTHING = 'name = "all"\nto = ["hook"]\nexchanges = ["東", "名", "札", "福"]\n'
# What comes of days that are not today is told within a week.
YESTERDAY = datetime.now(TOKYO).date() - timedelta(days=1)


@pytest.fixture
def site() -> SampleSite:
    return SampleSite()


@pytest.fixture
def watched(pipeline, tmp_path, hook):
    def with_watches(*watches: str) -> Pipeline:
        """The pipeline with watches that began a week ago."""
        config = pipeline.config.changed(watches=watch_file(tmp_path, hook.address, *watches))
        for watch in read_watch_list(config).watches:
            begins = datetime.now(UTC) - timedelta(days=7)
            NoticesResource(config=config).watched_since(watch.name, watch.digest, begins)
        return Pipeline(config, pipeline.instance)

    return with_watches


@pytest.mark.slow
def test_a_session_tells_of_a_row_while_none_of_its_files_has_been_fetched(watched, site, hook):
    pipeline, today = watched(EVERYTHING), datetime.now(TOKYO).date()
    site.set_day(today, 0)
    rows = site.publish(today, 3, time="00:00")
    site.faults.wait(r"\.(pdf|zip)$", seconds=6)
    stored = []

    def notes_what_is_stored(handler):
        found = pipeline.lake.read_table("disclosures", today)
        files = list(pipeline.lake.list(layout.documents_prefix(today)))
        stored.append((found.frame.height if found else 0, len(files)))
        receivers.ok(handler)

    hook.behave = notes_what_is_stored

    assert pipeline.materialize(today).success

    assert sorted(one["disclosure_id"] for one in hook.told) == sorted(
        row.disclosure_id for row in rows
    )
    assert stored == [(3, 0)]
    assert {one.state for one in NoticesResource(config=pipeline.config).of_day(today)} == {SENT}
    files = pipeline.table("documents", today)
    assert set(files["status"]) == {"stored"}
    told = pipeline.table("watch_notices", today)
    assert told["sent_at"].max() < files["fetched_at"].min()


@pytest.mark.slow
def test_a_text_is_told_when_the_documents_have_been_read_and_by_their_words_alone(
    watched, site, hook
):
    site.set_day(YESTERDAY, 12)
    pages = {
        row.disclosure_id: "".join(pdf_text(site.document(row.pdf_name)).pages)
        for row in site.rows(YESTERDAY)
        if row.pdf_name
    }
    named = {
        number: text.split("代表者名")[1].split("\n")[0].strip("　 ")
        for number, text in pages.items()
    }
    number, words = next((number, name) for number, name in named.items() if name)
    expected = {one for one, text in pages.items() if words in text}
    assert expected != pages.keys()
    pipeline = watched(f'name = "words"\nto = ["hook"]\ntext = \'"{words}"\'\n')
    table = NoticesResource(config=pipeline.config)

    collected = pipeline.materialize(
        YESTERDAY, select=["listing_pages", "disclosures", "documents"]
    )
    assert collected.success
    assert table.of_day(YESTERDAY) == []  # no title says it, and no text has been read
    result = pipeline.materialize(YESTERDAY)

    assert result.success
    due = pipeline.table("watch_notices", YESTERDAY)
    assert set(due["disclosure_id"]) == expected
    assert number in expected
    assert set(due["state"]) == {TO_TELL}
    sender = NoticeSender(table, Delivery(pipeline.config))
    assert sender.send_due(read_watch_list(pipeline.config)).sent == len(expected)
    assert {one["disclosure_id"] for one in hook.told} == expected
    assert pipeline.materialize(YESTERDAY).success
    told = pipeline.table("watch_notices", YESTERDAY)
    assert set(told["state"]) == {SENT}


def test_how_long_it_took_stands_in_the_metadata_of_the_asset(watched, site):
    site.set_day(YESTERDAY, 6)
    pipeline = watched(EVERYTHING)
    assert pipeline.materialize(YESTERDAY).success

    table = NoticesResource(config=pipeline.config)
    NoticeSender(table, Delivery(pipeline.config)).send_due(read_watch_list(pipeline.config))
    result = pipeline.materialize(YESTERDAY)

    (event,) = [
        event.event_specific_data.materialization
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.to_user_string() == "watch_notices"
    ]
    said = {name: value.value for name, value in event.metadata.items()}
    published = [
        (one.sent_at - one.notice.published_at).total_seconds() for one in table.of_day(YESTERDAY)
    ]
    assert said["sent_notices"] == len(published) == 6
    assert said["published_to_sent_max_s"] == pytest.approx(max(published), abs=0.1)
    assert min(published) <= said["published_to_sent_median_s"] <= max(published)
    assert 0 < said["seen_to_sent_max_s"] < 300
    midnight = datetime.combine(YESTERDAY + timedelta(days=1), time(), TOKYO)
    assert said["published_to_sent_max_s"] > (datetime.now(TOKYO) - midnight).total_seconds()
