import datetime as dt
import json
import re
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from benchmarks.virtual_time import VirtualClock
from tdnet_assets.sample_site.publications import EVERY_MINUTES, MOST_AT_ONCE, Publications
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tdnet.listing import TOKYO

SATURDAY = dt.date(2026, 6, 13)
NIGHT = dt.datetime(2026, 6, 13, 3, 11, 30, tzinfo=TOKYO)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NIGHT)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "published.jsonl"


def started(clock: VirtualClock, journal: Path) -> tuple[SampleSite, Publications]:
    site = SampleSite(clock=clock.now)
    return site, Publications(site, journal)


def test_something_new_comes_every_couple_of_minutes_on_any_day_at_any_hour(clock, journal):
    site, publications = started(clock, journal)
    assert list(site.rows(SATURDAY)) == []
    sizes = []
    for _ in range(31):
        publications.catch_up()
        sizes.append(len(site.rows(SATURDAY)))
        clock.advance(60 * EVERY_MINUTES)
    assert sizes[0] > 0
    grown = [after - before for before, after in pairwise(sizes)]
    assert 1 <= min(grown) <= max(grown) <= MOST_AT_ONCE
    states = [row.state for row in site.rows(SATURDAY)]
    assert states.count("retitled") >= 4
    assert 1 <= states.count("deleted") <= 3
    assert {int(row.time[3:]) % EVERY_MINUTES for row in site.rows(SATURDAY)} == {0}


def test_nothing_is_new_between_two_of_its_minutes(clock, journal):
    _, publications = started(clock, journal)
    publications.catch_up()
    before = journal.read_text()
    clock.advance(20)
    publications.catch_up()
    assert journal.read_text() == before


def test_a_restarted_site_shows_the_same_and_nothing_for_the_time_it_was_down(clock, journal):
    site, publications = started(clock, journal)
    clock.advance(3600)
    publications.catch_up()
    rows = list(site.rows(SATURDAY))
    files = {row.pdf_name: site.document(row.pdf_name) for row in rows}
    clock.advance(20)

    again, publications = started(clock, journal)
    publications.catch_up()
    assert list(again.rows(SATURDAY)) == rows
    assert {name: again.document(name) for name in files} == files

    clock.advance(5 * 3600)
    third, publications = started(clock, journal)
    publications.catch_up()
    assert list(third.rows(SATURDAY))[-len(rows) :] == rows
    new = {row.time for row in third.rows(SATURDAY)} - {row.time for row in rows}
    assert new == {"09:10"}
    assert len(third.rows(SATURDAY)) <= len(rows) + MOST_AT_ONCE


def test_half_a_line_and_days_that_are_not_served_any_more_are_left_out(clock, journal):
    _, publications = started(clock, journal)
    publications.catch_up()
    with journal.open("a") as file:
        file.write('{"call": "publish", "da')
    clock.advance(86_400)
    site, publications = started(clock, journal)
    assert len(site.rows(SATURDAY)) >= 1
    assert all(json.loads(line) for line in journal.read_text().splitlines())
    clock.advance(40 * 86_400)
    started(clock, journal)
    assert journal.read_text() == ""


def test_orders_by_hand_are_kept_and_faults_are_not(clock, journal):
    site, publications = started(clock, journal)
    with serve(site, publisher=publications) as base_url, httpx.Client(trust_env=False) as client:
        control = base_url.replace("/inbs", "/_control")
        page = f"{base_url}/I_list_001_{SATURDAY:%Y%m%d}.html"
        published = client.post(control, json={"call": "publish", "day": str(SATURDAY), "count": 5})
        number = published.json()["rows"][0]["disclosure_id"]
        client.post(control, json={"call": "delete", "disclosure_id": number})
        client.post(
            control, json={"call": "fault", "name": "answer", "pattern": ".", "status": 503}
        )
        assert client.get(page).status_code == 503
        refused = client.post(control, json={"call": "explode"})
        assert refused.status_code == 400
    rows = list(site.rows(SATURDAY))
    assert [row.state for row in rows if row.disclosure_id == number] == ["deleted"]

    again, publications = started(clock, journal)
    assert list(again.rows(SATURDAY)) == rows
    with serve(again, publisher=publications) as base_url:
        answer = httpx.get(f"{base_url}/I_list_001_{SATURDAY:%Y%m%d}.html", trust_env=False)
        assert re.search(rf"全{len(rows)}件", answer.text)
