"""The page that a look has brought, and the session that is begun for it."""

from datetime import date, timedelta

import pytest

from benchmarks.virtual_time import VirtualClock
from tdnet_assets.automation.new_disclosures import look
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore, SeenPage
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.sample_site.page import list_page
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.assets.live_sessions import LiveSessions, moment

TODAY = date(2026, 6, 10)


class LookedAt(LiveSessions):
    """Sessions that are begun by a look, as the sensor's tick makes it."""

    def look(self, instance):
        found = look(
            instance,
            TdnetResource(config=self.config),
            self.lake,
            ExecutionsResource(config=self.config),
            None,
            self.clock.now().astimezone(TOKYO),
            clock=self.clock.now,
        )
        assert found.request
        assert found.request.partition_key == str(TODAY)
        self.clock.advance(12)  # until the run has started
        return found.reason

    def pages(self):
        """How the requests for page 1 were answered before any file was."""
        paths = [(seen.path, seen.status) for seen in self.site.requests]
        files = [place for place, (path, _) in enumerate(paths) if "I_list" not in path]
        return [status for path, status in paths[: min(files)] if "I_list_001" in path]

    def stored(self):
        store = CaptureStore(self.lake)
        captures = [store.get(TODAY, one) for one in store.ids(TODAY)]
        return captures[0], store.read(captures[0].page(1))


@pytest.fixture
def site(clock) -> SampleSite:
    made = SampleSite(clock=clock.now)
    made.set_day(TODAY, 0)
    made.publish(TODAY, 30, time="15:30")
    return made


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(moment(TODAY, "15:31"))


@pytest.fixture
def live(platform, site, clock) -> LookedAt:
    return LookedAt(platform, site, clock)


def test_the_page_of_a_look_is_not_sent_again_to_the_run_that_it_starts(live, site, instance):
    live.look(instance)

    live.collect([TODAY])

    assert live.pages() == [200, 304]
    capture, content = live.stored()
    assert content == list_page(TODAY, 1, site.rows(TODAY))
    assert (capture.total, capture.complete) == (30, True)
    assert live.not_whole(TODAY) == ""
    # What is in a capture is handed to nobody any more: it is page 1 of the newest one itself.
    assert CaptureStore(live.lake).seen_since(TODAY, capture) is None


def test_news_upon_known_ground_are_not_sent_twice_either(live, site, instance):
    live.collect([TODAY])
    live.clock.advance(300)
    site.publish(TODAY, 3)
    del site.requests[:]
    live.look(instance)
    live.news_suffice = True

    live.collect([TODAY])

    assert live.pages() == [200, 304]
    assert live.numbers(TODAY) == {row.disclosure_id for row in site.rows(TODAY)}
    assert len(live.numbers(TODAY)) == 33


def test_what_comes_between_a_look_and_its_run_is_read_by_the_run(live, site, instance):
    live.look(instance)
    site.publish(TODAY, 2)

    live.collect([TODAY])

    assert live.pages() == [200, 200]
    capture, content = live.stored()
    assert capture.total == 32
    assert content == list_page(TODAY, 1, site.rows(TODAY))


@pytest.mark.parametrize("damage", ["cut", "another page", "no validator"])
def test_a_page_that_a_look_stored_and_that_is_damaged_is_sent_again(live, site, instance, damage):
    live.look(instance)
    (key,) = [found.key for found in live.lake.list(layout.captures_prefix(TODAY))]
    content, metadata = live.lake.read(key), dict(live.lake.metadata(key))
    if damage == "no validator":
        del metadata["content-last-modified"]
    elif damage == "cut":
        content = content[:-20]
    else:
        metadata["content-sha256"] = "0" * 64
    live.lake.store.put(key, content, attributes=metadata)

    live.collect([TODAY])

    assert live.pages() == [200, 200]
    assert live.not_whole(TODAY) == ""


def test_a_look_that_cannot_store_its_page_starts_the_run_and_says_so(live, instance):
    now = live.clock.now()
    CaptureStore(live.lake).put_page(TODAY, layout.capture_id(now), 1, b"another's")

    assert "not kept for the run, which asks for the page again: s3://" in live.look(instance)

    live.collect([TODAY])
    assert live.pages() == [200, 200]


def test_a_page_with_rows_that_could_not_be_read_is_not_handed_on(live, site, instance):
    site.faults.malformed_row(TODAY, page=1, position=3, kind="bad_time")

    live.look(instance)

    assert list(live.lake.list(layout.captures_prefix(TODAY))) == []


@pytest.mark.parametrize("validator", ["Wed, 10 Jun 2026\r\nX: 1", "水, 10 Jun 2026", "\x7f"])
def test_a_validator_that_s3_would_not_take_is_not_kept(live, validator):
    store = CaptureStore(live.lake)

    store.put_seen(TODAY, SeenPage(b"page", validator), live.clock.now())

    assert list(live.lake.list(layout.captures_prefix(TODAY))) == []


def test_the_newest_look_counts_and_none_before_the_newest_capture(live):
    store, now = CaptureStore(live.lake), live.clock.now()
    for seconds, content in ((0, b"first"), (60, b"second")):
        store.put_seen(TODAY, SeenPage(content, "then"), now + timedelta(seconds=seconds))

    assert store.seen_since(TODAY, None) == SeenPage(b"second", "then")
