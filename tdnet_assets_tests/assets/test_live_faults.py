"""Faults that meet a day while it is collected: what they cost, and that nothing stays behind."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import unquote

import pytest

from benchmarks.aws_proxy import Answer, Request, Send, proxy
from benchmarks.virtual_time import VirtualClock, run
from tdnet_assets.resources.source.answers import SessionBusyError
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.sample_site.page import list_page
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets.tables.recipes import COLLECTION, names
from tdnet_assets.tdnet.listing import page_name
from tdnet_assets_tests.assets.live_sessions import LiveSessions, TdnetOfToday, moment
from tdnet_assets_tests.pipeline import Pipeline

TODAY = date(2026, 6, 10)
YESTERDAY = date(2026, 6, 9)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(moment(TODAY, "15:31"))


@pytest.fixture
def site(clock) -> SampleSite:
    made = SampleSite(clock=clock.now)
    made.set_day(TODAY, 0)
    return made


@dataclass
class Aws:
    """What stands between a session and AWS: requests that it refuses."""

    refuses: Callable[[Request], bool] = lambda _: False
    refused: list[str] = field(default_factory=list)

    def pass_on(self, request: Request, send: Send) -> Answer | None:
        if not self.refuses(request):
            return send()
        self.refused.append(request.target)
        body = b"<Error><Code>AccessDenied</Code><Message>not now</Message></Error>"
        return Answer(403, [("Content-Type", "application/xml")], body)

    def heal(self) -> None:
        self.refuses = lambda _: False

    def refuse(self, pattern: str) -> None:
        def refuses(one: Request) -> bool:
            asked = f"{one.method} {unquote(one.target)} {one.headers.get('x-amz-target', '')}"
            return bool(re.search(pattern, asked))

        self.refuses = refuses


@pytest.fixture
def aws(platform) -> Iterator[Aws]:
    return Aws()


@pytest.fixture
def live(platform, site, clock, aws) -> Iterator[LiveSessions]:
    with proxy(platform.aws_endpoint_url, aws.pass_on) as address:
        config = platform.changed(requests_per_second=1, aws_endpoint_url=address)
        yield LiveSessions(config, site, clock)


@pytest.mark.slow
def test_a_run_of_today_finds_what_has_changed_on_later_pages_only(live, site):
    site.publish(TODAY, 250, time="15:00")
    live.collect([TODAY])
    row = site.rows(TODAY)[220]
    live.clock.advance(600)
    site.retitle(row.disclosure_id, "訂正後の表題")
    live.clock.advance(600)

    live.collect([TODAY])

    titles = dict(live.table("disclosures", TODAY).select("disclosure_id", "title").iter_rows())
    assert titles[row.disclosure_id] == "訂正後の表題"


@pytest.mark.slow
def test_a_range_with_today_looks_at_it_again_when_its_first_look_was_refused(live, site):
    site.set_day(YESTERDAY, 160)
    site.publish(TODAY, 3)
    site.faults.answer("I_list_001_20260610", status=503)
    seen: dict[str, float] = {}
    begun = live.clock.seconds

    live.collect(
        [YESTERDAY, TODAY], [(60, site.faults.clear)], watching=live.noting_rows(TODAY, seen, begun)
    )

    assert len(seen) == 3
    assert max(seen.values()) <= 60 + 120
    assert live.not_whole(TODAY) == ""
    assert live.not_whole(YESTERDAY) == ""


@pytest.mark.slow
@pytest.mark.parametrize("fails", ["HEAD .*2026-06-10", "BatchGetItem"])
def test_a_store_that_fails_when_today_is_taken_up_costs_one_look(live, site, aws, fails):
    site.set_day(YESTERDAY, 300)
    site.publish(TODAY, 3)
    seen: dict[str, float] = {}
    begun = live.clock.seconds

    async def watch():
        while True:
            await asyncio.sleep(1)
            if live.clock.seconds - begun > 70:
                aws.heal()
                for number in live.numbers(TODAY):
                    seen.setdefault(number, live.clock.seconds - begun)

    live.collect([YESTERDAY], [(40, lambda: aws.refuse(fails))], watching=watch)

    assert aws.refused
    assert len(seen) == 3
    assert max(seen.values()) <= 70 + 120


@pytest.mark.slow
def test_a_range_begins_though_today_cannot_be_and_takes_it_up_with_a_look(live, site, aws):
    site.set_day(YESTERDAY, 160)
    site.publish(TODAY, 3)
    seen: list[int] = []
    aws.refuse("HEAD .*2026-06-10")

    async def watch():
        while not seen:
            await asyncio.sleep(1)
            if live.clock.seconds > 50:
                aws.heal()
                if live.numbers(TODAY):
                    seen.append(len(live.asked("")))

    live.collect([YESTERDAY, TODAY], watching=watch)

    assert aws.refused
    assert seen[0] < 75
    assert live.not_whole(TODAY) == live.not_whole(YESTERDAY) == ""


@pytest.mark.slow
def test_rows_that_could_not_be_stored_are_stored_with_the_next_look(live, site, aws):
    site.publish(TODAY, 200)
    seen: dict[str, float] = {}
    begun = live.clock.seconds

    def more():
        for row in site.publish(TODAY, 5):
            late.add(row.disclosure_id)
        aws.refuse("PUT .*tables/disclosures/")

    late: set[str] = set()
    live.collect(
        [TODAY], [(30, more), (100, aws.heal)], watching=live.noting_rows(TODAY, seen, begun)
    )

    assert aws.refused
    assert max(seen[number] for number in late) <= 100 + 75
    assert live.not_whole(TODAY) == ""


@pytest.mark.slow
def test_a_host_that_goes_away_between_two_pages_of_a_look_delays_rows_by_no_more_than_two_minutes(
    live, site
):
    site.publish(TODAY, 150)
    late: set[str] = set()
    seen: dict[str, float] = {}
    begun = live.clock.seconds

    def more():
        late.update(row.disclosure_id for row in site.publish(TODAY, 250))

    begin = lambda: site.faults.answer(".", status=503)  # noqa: E731 - two events of a line
    events = [(59, more), (61.5, begin), (181.5, site.faults.clear)]
    live.collect([TODAY], events, watching=live.noting_rows(TODAY, seen, begun))

    assert len(late) == 250
    assert max(seen[number] for number in late) <= 181.5 + 120
    assert live.not_whole(TODAY) == ""


@pytest.mark.slow
def test_a_list_that_does_not_add_up_for_hours_does_not_keep_the_files_from_being_fetched(
    live, site
):
    site.publish(TODAY, 650)
    # One row more is announced than is there.
    page = list_page(TODAY, 7, site.rows(TODAY))
    first = page.index(b"<tr", page.index(b"main-list-table"))
    behind = page.index(b"</tr>", first) + len(b"</tr>")
    site.faults.send_instead("I_list_007", page[:first] + page[behind:])

    live.collect([TODAY], stop_after=1500)

    files = [name for name in live.asked("") if not name.startswith("I_list")]
    assert len(files) > 700


@pytest.mark.slow
def test_a_host_that_wants_to_be_left_alone_for_an_hour_is_by_later_sessions_and_looks_too(
    live, site, tmp_path
):
    site.publish(TODAY, 30)

    def elsewhere(name):
        """In a container of its own."""
        live.config = live.config.changed(home=str(tmp_path / name))

    took = live.collect(
        [TODAY], [(10, lambda: site.faults.answer(".", status=503, retry_after="3600"))]
    )
    site.faults.clear()
    asked = len(site.requests)
    live.clock.advance(600)
    elsewhere("next")
    live.collect([TODAY])
    elsewhere("sensor")
    tdnet = TdnetResource(config=live.config)
    with pytest.raises(SessionBusyError, match="not to be asked before 2026-06-10 16:31 JST"):
        run(
            tdnet.look(
                page_name(TODAY, 1), if_modified_since=None, timeout_seconds=5, now=live.clock.now
            ),
            live.clock,
        )

    assert took < 120
    assert len(site.requests) == asked
    live.clock.advance(3000)
    elsewhere("last")
    live.collect([TODAY])
    assert live.not_whole(TODAY) == ""


@pytest.mark.slow
def test_a_list_that_is_refused_when_the_day_is_to_be_closed_is_waited_for(live, site):
    site.publish(TODAY, 150)
    # News of one page, so that all pages are to be read at the end.
    more = lambda: site.publish(TODAY, 5)  # noqa: E731 - two events of a line
    begin = lambda: site.faults.answer("I_list", status=503)  # noqa: E731

    live.collect([TODAY], [(30, more), (150, begin), (150 + 300, site.faults.clear)])

    assert len(live.asked("I_list")) < 60
    assert live.not_whole(TODAY) == ""
    assert not [text for text in live.said if "listing_pages" in text]


@pytest.mark.slow
def test_the_next_day_is_taken_up_in_the_morning_by_a_range_that_has_not_come_to_it(
    live, site, clock
):
    clock.advance((moment(TODAY, "30:59") - clock.now()).total_seconds())
    next_day = TODAY + timedelta(days=1)
    site.set_day(TODAY, 200)
    site.set_day(next_day, 0)
    site.publish(next_day, 3, time="07:00")
    seen = []

    async def watch():
        while not seen:
            await asyncio.sleep(1)
            if live.numbers(next_day):
                seen.append(len(live.asked("")))

    live.collect([TODAY, next_day], watching=watch)

    assert 60 < seen[0] < 75 + 75
    assert live.not_whole(TODAY) == ""
    assert live.not_whole(next_day) == ""


@pytest.mark.slow
def test_a_file_that_was_not_given_to_us_and_was_to_another_process_is_stored(
    live, site, platform, tmp_path
):
    rows = site.publish(TODAY, 80)
    site.faults.answer(rows[7].pdf_name, status=404)
    elsewhere = platform.changed(requests_per_second=1, home=str(tmp_path / "elsewhere"))
    other = LiveSessions(elsewhere, site, VirtualClock(live.clock.now()))

    def collect_elsewhere():
        site.faults.clear()
        thread = threading.Thread(target=lambda: other.collect([TODAY]))
        thread.start()
        thread.join()
        assert other.not_whole(TODAY) == ""

    live.collect([TODAY], [(85, collect_elsewhere)])

    assert live.not_whole(TODAY) == ""
    assert set(live.table("documents", TODAY)["status"]) == {"stored"}


@pytest.mark.slow
def test_a_day_whose_stored_state_cannot_be_read_costs_no_other_day(site, platform, aws, instance):
    days = [TODAY - timedelta(days=back) for back in (3, 2, 1)]
    for day in days:
        site.set_day(day, 5)
    with proxy(platform.aws_endpoint_url, aws.pass_on) as address:
        pipeline = Pipeline(platform.changed(aws_endpoint_url=address), instance)
        aws.refuse(f"HEAD .*/tables/disclosures/date={days[1]}")

        result = pipeline.materialize(days[0], days[-1])

        aws.heal()
        assert not result.success
        made = pipeline.materialized(result)
        for name in names(COLLECTION):
            assert made[name] == [str(days[0]), str(days[2])]
        assert f"1 of 3 days not complete: {days[1]}" in pipeline.failure(result)
        assert pipeline.record(result).status == "failed"


@pytest.mark.slow
def test_a_part_of_the_work_of_other_days_does_not_keep_today_from_being_looked_at(live, site):
    live.parts_only = True
    site.set_day(YESTERDAY, 160)
    site.publish(TODAY, 3)

    live.collect([YESTERDAY])

    assert len(live.numbers(TODAY)) == 3
    assert live.not_whole(TODAY) == ""


def test_of_today_itself_no_more_than_the_part_that_is_wanted_is_made(pipeline, site):
    pipeline.overrides["tdnet"] = TdnetOfToday(config=pipeline.config)
    site.publish(TODAY, 30)

    result = pipeline.materialize(TODAY, select=["listing_pages", "disclosures"])

    assert result.success
    assert [seen.path.rsplit("/", 1)[1] for seen in site.requests] == [page_name(TODAY, 1)]
