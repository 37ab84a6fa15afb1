import asyncio
import gzip
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import Capture, CaptureStore
from tdnet_assets.resources.lake.readings import rows_shown
from tdnet_assets.resources.lake.store import LakeResource, sha256
from tdnet_assets.resources.source.answers import (
    DayNotListedError,
    IncompleteListError,
    PageNotGivenError,
    SourceError,
)
from tdnet_assets.resources.source.disclosure_source import ListReading
from tdnet_assets.resources.source.paging import MAX_READINGS, DayReader
from tdnet_assets.resources.source.refusals import REFUSALS_BEFORE_THE_DOOR_IS_CLOSED
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.resources.source.tdnet_source import TdnetSource
from tdnet_assets.sample_site.page import list_page
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.listing import CharsetError, StructureError, page_name, parse_list_page
from tdnet_assets_tests.resources.lake.test_captures import overwrite
from tdnet_assets_tests.resources.lake.test_store import new_bucket

DAY = date(2026, 6, 10)


class Collector:
    """Reads the day again and again, each time in a session of its own."""

    def __init__(self, config: PlatformConfig) -> None:
        self.config = config
        self.store = CaptureStore(LakeResource(config=config))
        self.tdnet = TdnetResource(config=config, attempts=2, backoff_floor_seconds=0.0001)

    def read(self) -> ListReading:
        async def everything() -> ListReading:
            async with self.tdnet.session() as session:
                return await TdnetSource(session).read_day(self.store, DAY)

        return asyncio.run(everything())

    def objects(self) -> set[str]:
        """What is kept of what TDnet has sent."""
        return {found.key for found in self.store.lake.list("")} - {layout.REFUSALS}

    def ids(self, capture: Capture) -> list[str]:
        """The disclosure numbers on a stored capture's pages, in list order."""
        pages = [
            parse_list_page(self.store.read(page), day=DAY, page=page.number)
            for page in capture.pages
        ]
        return [row.disclosure_id for page in pages for row in page.rows if row.disclosure_id]


@pytest.fixture
def plain(aws_endpoint, base_url, tmp_path) -> Collector:
    config = new_bucket(aws_endpoint)
    return Collector(
        config.changed(tdnet_base_url=base_url, requests_per_second=0, home=str(tmp_path))
    )


@pytest.fixture(params=["", "team/tdnet/"], ids=["no prefix", "prefix"])
def collector(plain, request) -> Collector:
    return Collector(plain.config.changed(prefix=request.param))


def pages_asked(site, since: int = 0) -> list[int]:
    return [int(seen.path[-17:-14]) for seen in site.requests[since:]]


def captures(store):
    return [store.get(DAY, one) for one in store.ids(DAY)]


def test_a_day_is_read_from_page_1_upward_and_stored_as_it_came(site, collector):
    site.set_day(DAY, 230)

    reading = collector.read()

    capture = reading.capture
    assert (reading.changed, reading.readings, reading.error) == (True, 1, None)
    assert pages_asked(site) == [1, 2, 3]
    assert (capture.complete, capture.total, capture.problem) == (True, 230, None)
    for page in capture.pages:
        sent = list_page(DAY, page.number, site.rows(DAY))
        assert collector.store.read(page) == sent
        assert (page.status, page.bytes, page.total) == (200, len(sent), 230)
        assert {"content-type", "last-modified", "date"} <= set(page.headers)
    assert collector.ids(capture) == [row.disclosure_id for row in site.rows(DAY)]
    assert len(collector.objects()) == 3 + 1


@pytest.mark.parametrize(
    ("rows", "pages"),
    [(0, 1), (1, 1), (100, 1), (101, 2), pytest.param(4_950, 50, marks=pytest.mark.slow)],
)
def test_the_number_of_pages_comes_from_the_total_and_not_from_the_pager(site, plain, rows, pages):
    site.set_day(DAY, rows)
    first = list_page(DAY, 1, site.rows(DAY)).decode()
    if pages > 10:
        # The trap: ten pages, and a link that says "..", so that the last page is not named.
        assert ">..<" in first
        assert page_name(DAY, pages) not in first

    reading = plain.read()

    assert reading.error is None
    assert pages_asked(site) == list(range(1, pages + 1))
    assert len(plain.ids(reading.capture)) == reading.capture.total == rows


@pytest.mark.parametrize("after_page", [1, 2, 3, 4])
@pytest.mark.parametrize("added", [1, 130])
def test_rows_added_behind_any_page_are_found_by_a_second_reading(site, plain, after_page, added):
    site.set_day(DAY, 350)
    site.faults.grow_after(DAY, page=after_page, rows=added)

    reading = plain.read()

    total = 350 + added
    ids = plain.ids(reading.capture)
    assert reading.error is None
    assert reading.capture.complete
    if after_page == 4:  # the last page was served: the reading was whole, at its moment
        assert (reading.readings, len(ids)) == (1, 350)
        return
    assert (reading.readings, reading.capture.total) == (2, total)
    assert sorted(ids) == sorted(row.disclosure_id for row in site.rows(DAY))
    assert len(set(ids)) == total
    unsettled, settled = captures(plain.store)
    assert (unsettled.complete, unsettled.total) == (False, total)
    assert unsettled.problem == f"全N件 went from 350 to {total} while the pages were read"
    assert settled == reading.capture


def test_rows_that_never_stop_coming_end_as_an_incomplete_capture(site, plain):
    site.set_day(DAY, 150)
    site.faults.grow_after(DAY, page=1, rows=1, times=None)

    reading = plain.read()

    assert isinstance(reading.error, IncompleteListError)
    assert f"not complete after {MAX_READINGS} readings: 全N件 went from" in str(reading.error)
    assert reading.readings == MAX_READINGS
    assert not reading.capture.complete
    assert len(list(captures(plain.store))) == MAX_READINGS
    assert pages_asked(site) == [1, 2] * MAX_READINGS


def test_unchanged_pages_cost_no_bodies_and_store_nothing(site, collector):
    site.set_day(DAY, 230)
    first = collector.read()
    before, asked = collector.objects(), len(site.requests)

    second = collector.read()

    assert (second.changed, second.error, second.capture) == (False, None, first.capture)
    assert collector.objects() == before
    assert [seen.status for seen in site.requests[asked:]] == [304, 304, 304]


def test_pages_that_are_sent_again_without_a_change_store_nothing(site, plain):
    site.set_day(DAY, 230)
    first = plain.read()
    before = plain.objects()
    site.faults.wait("I_list", seconds=0)  # a request with a fault is never answered with 304

    second = plain.read()

    assert {seen.status for seen in site.requests} == {200}
    assert (second.changed, second.capture) == (False, first.capture)
    assert plain.objects() == before


def test_one_changed_page_makes_a_whole_new_capture_and_leaves_the_old_one(site, collector):
    site.set_day(DAY, 230)
    first = collector.read().capture
    old_ids, before = collector.ids(first), collector.objects()
    site.retitle(site.rows(DAY)[150].disclosure_id, "新しい表題")

    second = collector.read()

    assert second.changed
    assert second.capture.begun_at > first.begun_at
    new = collector.objects() - before
    assert new == {
        *(layout.page_key(DAY, second.capture.id, number) for number in (1, 2, 3)),
        layout.manifest_key(DAY, second.capture.id),
    }
    assert [page.sha256 for page in second.capture.pages[::2]] == [
        page.sha256 for page in first.pages[::2]
    ]
    assert "新しい表題".encode() in collector.store.read(second.capture.pages[1])
    assert collector.ids(first) == old_ids


def test_pages_answered_with_304_are_read_from_the_lake_and_stored_again_with_a_changed_one(
    site, plain
):
    site.set_day(DAY, 230)
    first = plain.read().capture
    asked = len(site.requests)
    site.faults.malformed_row(DAY, page=2, position=5, kind="bad_time")

    second = plain.read()

    assert [seen.status for seen in site.requests[asked:]] == [304, 200, 304]
    assert second.changed
    assert [page.status for page in second.capture.pages] == [304, 200, 304]
    for number in (1, 3):
        assert plain.store.read(second.capture.page(number)) == plain.store.read(first.page(number))


def test_a_page_that_was_tampered_with_is_asked_for_again_when_tdnet_says_304(site, plain, caplog):
    site.set_day(DAY, 30)
    first = plain.read().capture
    page = first.pages[0]
    overwrite(plain.store, page.key, gzip.compress(b"forged"))

    second = plain.read()

    assert "sha256 is not the manifest's" in caplog.text
    assert page.key in caplog.text
    assert [seen.status for seen in site.requests[-2:]] == [304, 200]
    assert second.capture.id > first.id
    assert sha256(plain.store.read(second.capture.pages[0])) == page.sha256


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (lambda faults: faults.wrong_charset("I_list_002"), CharsetError),
        (lambda faults: faults.bare_page("I_list_002"), StructureError),
        (lambda faults: faults.truncate_file("I_list_002"), StructureError),
        (lambda faults: faults.send_instead("I_list_002", b""), StructureError),
    ],
    ids=["charset", "structure", "cut", "empty"],
)
def test_a_page_that_the_parser_refuses_is_in_the_lake_with_those_behind_it(
    site, collector, fault, kind
):
    site.set_day(DAY, 230)
    fault(site.faults)

    reading = collector.read()

    assert type(reading.error) is kind
    capture = reading.capture
    refused = capture.page(2)
    address = collector.store.lake.uri(refused.key)
    assert str(reading.error).endswith(f"; the raw page is at {address}")
    assert refused.key in collector.objects()
    assert collector.store.read(refused) != list_page(DAY, 2, site.rows(DAY))
    assert [page.total for page in capture.pages] == [230, None, 230]
    assert not capture.complete
    assert pages_asked(site) == [1, 2, 3]


def test_a_page_that_stays_refused_is_stored_once_and_its_address_stays_true(site, plain):
    site.set_day(DAY, 230)
    site.faults.wrong_charset("I_list_002")
    first = plain.read()
    before = plain.objects()

    second = plain.read()

    assert (second.changed, second.capture) == (False, first.capture)
    assert plain.objects() == before
    assert str(second.error) == str(first.error)
    named = re.search(r"s3://[^/]+/(\S+)$", str(second.error))
    assert named is not None
    assert named[1] in before


def test_a_page_that_could_not_be_read_is_asked_for_without_a_condition_next_time(site, plain):
    site.set_day(DAY, 230)
    site.faults.bare_page("I_list_002")
    plain.read()
    site.faults.clear()
    asked = len(site.requests)

    second = plain.read()

    # The bad page came with a Last-Modified of its own, which the good one still has.
    assert [seen.status for seen in site.requests[asked:]] == [304, 200, 304]
    assert (second.changed, second.error) == (True, None)
    assert second.capture.complete


@pytest.mark.parametrize(("page", "status"), [(2, 404), (2, 403), (5, 404), (3, 503)])
def test_a_page_that_is_missing_leaves_an_incomplete_capture_with_its_problem(
    site, plain, page, status
):
    site.set_day(DAY, 450)
    site.faults.answer(f"I_list_{page:03d}", status=status)

    reading = plain.read()

    assert isinstance(reading.error, IncompleteListError)
    assert f"page {page} of 5 of {DAY} could not be read" in str(reading.error)
    assert f"answers {status}" in str(reading.error)
    assert reading.capture.problem == str(reading.error)
    assert not reading.capture.complete
    assert [kept.number for kept in reading.capture.pages] == list(range(1, page))
    assert plain.store.latest(DAY) == reading.capture


def test_an_incomplete_reading_does_not_pass_for_an_unchanged_day_later(site, collector):
    site.set_day(DAY, 230)
    site.faults.answer("I_list_003", status=404)
    incomplete = collector.read().capture
    site.faults.clear()

    whole = collector.read()

    assert (whole.changed, whole.error) == (True, None)
    assert whole.capture.complete
    assert len(collector.ids(whole.capture)) == 230
    assert list(captures(collector.store)) == [incomplete, whole.capture]


def test_a_whole_day_that_can_no_longer_be_read_whole_is_not_called_unchanged(site, plain):
    site.set_day(DAY, 90)
    plain.read()
    site.faults.bare_page("I_list_001")

    reading = plain.read()

    assert isinstance(reading.error, StructureError)
    assert reading.changed
    assert not plain.store.latest(DAY).complete


def test_a_reading_that_failed_again_in_the_same_way_stores_nothing_more(site, plain):
    site.set_day(DAY, 230)
    site.faults.answer("I_list_003", status=404)
    first = plain.read()
    before = plain.objects()

    second = plain.read()

    assert (second.changed, second.capture) == (False, first.capture)
    assert isinstance(second.error, IncompleteListError)
    assert plain.objects() == before


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_day_without_a_first_page_is_not_listed_and_leaves_nothing(site, plain, status):
    site.faults.answer("I_list_001", status=status)

    with pytest.raises(DayNotListedError, match=f"no list for {DAY}.*31 days"):
        plain.read()

    assert plain.objects() == set()


def test_a_day_that_was_not_asked_for_is_not_said_to_be_listed_no_more(site, plain):
    site.faults.answer("I_list_001", status=403)

    async def everything() -> list[type[Exception]]:
        errors = []
        async with plain.tdnet.session() as session:
            for back in range(REFUSALS_BEFORE_THE_DOOR_IS_CLOSED + 1):
                try:
                    await DayReader(session, plain.store, DAY - timedelta(days=back)).read()
                except TdnetError as error:
                    errors.append(type(error))
        return errors

    errors = asyncio.run(everything())

    assert errors[:-1] == [DayNotListedError] * REFUSALS_BEFORE_THE_DOOR_IS_CLOSED
    assert errors[-1] is PageNotGivenError


def test_a_list_that_shows_the_same_again_without_adding_up_is_read_twice_and_no_more(site, plain):
    site.set_day(DAY, 150)
    whole = list_page(DAY, 2, site.rows(DAY))
    first = whole.index(b"<tr", whole.index(b"main-list-table"))
    behind = whole.index(b"</tr>", first) + len(b"</tr>")
    site.faults.send_instead("I_list_002", whole[:first] + whole[behind:])

    reading = plain.read()

    assert "1 more than it holds" in str(reading.error)
    assert pages_asked(site) == [1, 2, 1, 2]


def test_a_first_page_that_fails_otherwise_does_not_say_that_the_day_is_gone(site, plain):
    site.faults.answer("I_list_001", status=500)

    with pytest.raises(IncompleteListError, match="page 1 of 1") as caught:
        plain.read()

    assert not isinstance(caught.value, DayNotListedError | SourceError)
    assert plain.objects() == set()


def test_a_capture_is_filed_behind_the_latest_one_even_if_the_clock_stepped_back(site, plain):
    site.set_day(DAY, 30)
    first = plain.read().capture
    ahead = datetime.now(UTC) + timedelta(days=2)
    pages = plain.store.read(first.pages[0])
    future = layout.capture_id(ahead)
    key = plain.store.put_page(DAY, future, 1, pages)
    manifest = first.to_json().replace(first.pages[0].key.encode(), key.encode())
    filed = Capture.from_json(manifest.replace(first.id.encode(), future.encode()))
    plain.store.put_manifest(filed)
    site.publish(DAY, 1)

    reading = plain.read()

    assert reading.capture.begun_at == ahead + timedelta(microseconds=1)
    assert plain.store.latest(DAY) == reading.capture
    assert captures(plain.store)[-1] == reading.capture
    assert captures(plain.store)[-2].id == future
    assert len(plain.ids(reading.capture)) == 31


class NewsReader(Collector):
    """Reads what is new, each time in a session of its own: the ground is the lake's."""

    def read(self) -> ListReading:
        async def everything() -> ListReading:
            async with self.tdnet.session() as session:
                return await TdnetSource(session).read_news(self.store, DAY)

        return asyncio.run(everything())


@pytest.fixture
def reader(plain) -> NewsReader:
    return NewsReader(plain.config)


def _numbers(rows):
    return [row.disclosure_id for row in rows]


def test_news_are_read_down_to_known_ground_and_the_capture_says_what_it_continues(site, reader):
    site.set_day(DAY, 250)
    base = reader.read().capture
    asked = len(site.requests)
    for count, pages in ((5, [1]), (120, [1, 2]), (1, [1])):
        site.publish(DAY, count)
        reading = reader.read()
        assert (reading.error, reading.is_of_all_pages) == (None, False)
        assert reading.capture.continues == base.id
        assert reading.capture.complete
        assert pages_asked(site, asked) == pages
        asked = len(site.requests)
        shown = rows_shown(reader.store, reading.capture)
        assert _numbers(shown) == _numbers(site.rows(DAY))

    assert not reader.read().changed
    assert pages_asked(site, asked) == [1]
    # All pages again: nothing was carried over, and the next news continue that.
    whole = Collector(reader.config).read()
    assert (whole.capture.continues, whole.capture.total) == (None, 376)
    site.publish(DAY, 1)
    assert reader.read().capture.continues == whole.capture.id


def test_news_that_come_while_news_are_read_are_read_again_at_once(site, reader):
    site.set_day(DAY, 250)
    reader.read()
    asked = len(site.requests)
    site.publish(DAY, 130)
    site.faults.grow_after(DAY, page=1, rows=3, times=1)

    reading = reader.read()

    assert (reading.error, reading.readings) == (None, 2)
    assert pages_asked(site, asked) == [1, 2, 1, 2]
    assert _numbers(rows_shown(reader.store, reading.capture)) == _numbers(site.rows(DAY))


@pytest.mark.parametrize("change", ["delete", "damage", "reject"])
def test_what_makes_the_ground_uncertain_has_all_pages_read(site, reader, change):
    site.set_day(DAY, 250)
    first = reader.read().capture
    if change == "delete":
        site.delete(site.rows(DAY)[3].disclosure_id)
    elif change == "damage":
        overwrite(reader.store, first.pages[2].key, b"cut")
    else:
        site.faults.malformed_row(DAY, page=1, position=2, kind="bad_time")
    site.publish(DAY, 5)
    asked = len(site.requests)

    reading = reader.read()

    assert reading.is_of_all_pages
    assert pages_asked(site, asked) == [1, 2, 3]
