"""What holds for any host, whoever's it is: messages without secrets, looks as probes."""

import asyncio
import re
from datetime import datetime
from itertools import count

import pytest

from benchmarks import virtual_time
from benchmarks.virtual_time import VirtualClock
from tdnet_assets.resources.source.answers import NotAskedError, SourceError
from tdnet_assets.resources.source.polite_http import Wanted, without_secrets
from tdnet_assets.resources.source.refusals import (
    CLOSED_SECONDS,
    FILE,
    REFUSALS_BEFORE_THE_DOOR_IS_CLOSED,
)
from tdnet_assets.resources.source.request_slot import Urgency
from tdnet_assets.resources.source.session import TdnetResource, TdnetSession
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.resources.source.test_request_slot import DAY, PAGE, tdnet_at


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/inbs/a.pdf", "https://host/inbs/a.pdf"),
        ("https://host/a.pdf?X-Amz-Signature=key&b=1#c", "https://host/a.pdf"),
        ("https://user:key@host:8080/a.pdf", "https://host:8080/a.pdf"),
        ("https://user:k@y@host/a@b.pdf?k", "https://host/a@b.pdf"),
        ("//user:key@host/a", "//host/a"),
        ("/a.pdf?key", "/a.pdf"),
        ("a.pdf#key", "a.pdf"),
        ("", ""),
    ],
)
def test_a_message_shows_an_address_without_user_query_and_fragment(url, shown):
    assert without_secrets(url) == shown


@pytest.mark.parametrize("status", [403, 404, 503])
def test_no_error_shows_what_signs_an_address(site, base_url, tmp_path, status, caplog):
    site.faults.answer(PAGE, status=status)
    caplog.set_level("DEBUG")

    async def ask() -> str:
        tdnet = tdnet_at(base_url, tmp_path, attempts=2)
        async with tdnet.session() as session:
            url = f"{base_url}/{PAGE}?X-Amz-Signature=secret"
            wanted = Wanted(url, FILE, Urgency.PDF, 1000, {})
            with pytest.raises(SourceError) as caught:
                await session.http.fetch(wanted)
            return str(caught.value)

    said = asyncio.run(ask())

    assert f"{PAGE} answers {status}" in said
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("uvicorn")]
    assert "secret" not in f"{said} {ours}"


def test_a_look_that_is_answered_after_refused_ones_opens_every_closed_door(
    site, base_url, tmp_path
):
    site.set_day(DAY, 30)
    names = [row.pdf_name for row in site.rows(DAY)]
    tdnet = tdnet_at(base_url, tmp_path, attempts=1, backoff_floor_seconds=0.0)

    async def everything() -> list[str]:
        heard = []
        async with tdnet.session() as session:

            async def ask(name: str) -> None:
                try:
                    await session.document(name, lambda _: None)
                    heard.append("given")
                except SourceError as error:
                    heard.append(type(error).__name__)

            async def look() -> None:
                try:
                    await session.list_page(PAGE, urgency=Urgency.LOOK)
                    heard.append("seen")
                except SourceError:
                    heard.append("not seen")

            site.faults.answer(".", status=503)
            for name in names[:REFUSALS_BEFORE_THE_DOOR_IS_CLOSED]:
                await ask(name)
            await look()
            await ask(names[0])
            site.faults.clear()
            await ask(names[0])
            await look()
            await ask(names[0])
        return heard

    heard = asyncio.run(everything())

    refused = ["TransientSourceError"] * REFUSALS_BEFORE_THE_DOOR_IS_CLOSED
    closed = NotAskedError.__name__
    assert heard == [*refused, "not seen", closed, closed, "seen", "given"]


@pytest.mark.parametrize("minutes", [pytest.param(7, marks=pytest.mark.slow), 40])
def test_files_refused_from_morning_to_night_are_asked_for_at_most_30_times_in_all_sessions(
    site, base_url, tmp_path, bucket, minutes
):
    site.set_day(DAY, 30)
    site.faults.answer("pdf", status=503)
    names = [row.pdf_name for row in site.rows(DAY)]
    clock = VirtualClock(datetime(2026, 6, 30, 7, tzinfo=TOKYO))
    homes = count()

    def tdnet() -> TdnetResource:
        """As each run finds it in a container of its own: with nothing but the lake."""
        home = tmp_path / str(next(homes))
        return tdnet_at(base_url, home, rate=1, lake=bucket, backoff_floor_seconds=1.0)

    async def ask(session: TdnetSession, name: str) -> str:
        with pytest.raises(SourceError) as refused:
            await session.document(name, lambda _: None)
        return str(refused.value)

    async def collect() -> str:
        async with tdnet().session(now=clock.now) as session:
            await session.list_page(PAGE, urgency=Urgency.LOOK)
            return [await ask(session, name) for name in names[:4]][-1]

    async def live() -> str:
        while clock.now() < datetime(2026, 7, 1, tzinfo=TOKYO):
            said = await collect()
            await asyncio.sleep(60 * minutes)
        return said

    said = virtual_time.run(live(), clock)

    assert 10 < len([seen for seen in site.requests if ".pdf" in seen.path]) <= 30
    assert re.search(r"not asked for, because earlier (files were refused \d\d times|.*503)", said)
    site.faults.clear()

    async def tomorrow() -> bytes | None:
        await asyncio.sleep(CLOSED_SECONDS[-1])
        async with tdnet().session(now=clock.now) as session:
            return (await session.document(names[0], lambda _: None)).content

    assert virtual_time.run(tomorrow(), clock) == site.document(names[0])


def test_files_are_asked_for_at_once_when_a_look_is_answered_after_refused_ones_in_any_session(
    site, base_url, tmp_path, bucket
):
    site.set_day(DAY, 30)
    name = site.rows(DAY)[0].pdf_name
    clock = VirtualClock(datetime(2026, 6, 30, 7, tzinfo=TOKYO))
    homes = count()

    async def ask() -> list[str]:
        heard = []
        home = tmp_path / str(next(homes))
        tdnet = tdnet_at(base_url, home, rate=1, lake=bucket, attempts=1, backoff_floor_seconds=1.0)
        async with tdnet.session(now=clock.now) as session:
            for request in (
                session.list_page(PAGE, urgency=Urgency.LOOK),
                session.document(name, lambda _: None),
            ):
                try:
                    await request
                    heard.append("given")
                except SourceError as error:
                    heard.append(type(error).__name__)
        return heard

    async def asks(count: int) -> list[str]:
        for _ in range(count):
            heard = await ask()
            await asyncio.sleep(60)
        return heard

    site.faults.answer(".", status=503)
    refused = virtual_time.run(asks(20), clock)
    site.faults.clear()

    assert refused == ["TransientSourceError", NotAskedError.__name__]
    assert virtual_time.run(ask(), clock) == ["given", "given"]
