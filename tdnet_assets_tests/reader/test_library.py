"""What is kept of the lake: how long, how much, and what an unchanged day costs."""

import threading
import time
from datetime import date

import pytest
from starlette.testclient import TestClient

from benchmarks.aws_proxy import proxy
from tdnet_assets.reader.application import application
from tdnet_assets.reader.library import Library, Shelf
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets_tests.lake_days import disclosure, put_day

DAY = date(2026, 6, 10)


@pytest.fixture
def metered(platform):
    """The lake behind a proxy that writes down every request."""
    asked = []

    def pass_on(request, send):
        asked.append(request)
        return send()

    with proxy(platform.aws_endpoint_url, pass_on) as address:
        yield platform.changed(aws_endpoint_url=address), asked


def _of_the_table(asked):
    return [one for one in asked if "tables" in one.target and "disclosures" in one.target]


def test_an_unchanged_day_costs_one_listing_of_the_table_and_a_changed_one_is_read(
    metered,
):
    config, asked = metered
    lake = LakeResource(config=config)
    put_day(lake, DAY, [disclosure(DAY, 1)])
    library = Library(config, listed_every_seconds=0)
    read = []

    def rows():
        version = library.version(("disclosures",), DAY, DAY)
        return library.kept("day", version, lambda: read.append(1) or len(read), lambda _: 1)

    assert rows() == 1
    asked.clear()
    assert rows() == 1
    assert [one.method for one in _of_the_table(asked)] == ["GET"]
    assert "list-type=2" in _of_the_table(asked)[0].target
    put_day(lake, DAY, [disclosure(DAY, 1), disclosure(DAY, 2)])
    assert rows() == 2


def test_a_page_that_was_read_a_moment_ago_asks_the_lake_nothing(metered):
    config, asked = metered
    put_day(LakeResource(config=config), DAY, [disclosure(DAY, 1)])
    with TestClient(application(config), base_url="http://127.0.0.1") as client:
        assert client.get(f"/days/{DAY}").status_code == 200
        assert client.get(f"/days/{DAY}").status_code == 200
        asked.clear()
        for _ in range(5):
            client.get(f"/days/{DAY}")

    assert len(_of_the_table(asked)) <= 1  # a quarter of a minute may just be over


def test_of_many_who_ask_at_once_one_makes_the_answer():
    shelf, made, answers = Shelf(), [], []

    def make():
        made.append(1)
        time.sleep(0.05)
        return "answer"

    threads = [
        threading.Thread(target=lambda: answers.append(shelf.get("key", "1", make, len)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(made), set(answers), len(answers)) == (1, {"answer"}, 20)


def test_what_fails_is_not_kept_and_is_tried_again():
    shelf = Shelf()

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shelf.get("key", "1", fail, len)
    assert shelf._making == {}  # noqa: SLF001 - addresses that nobody has are without number
    assert shelf.get("key", "1", lambda: "good", len) == "good"


def test_what_was_used_least_gives_way_and_nothing_drives_out_all():
    shelf = Shelf(capacity=100)
    for key in "abcde":
        shelf.get(key, "1", lambda: "x", lambda _: 24)
    shelf.get("huge", "1", lambda: "y", lambda _: 90)

    assert shelf.find("a", "1") is None
    assert [shelf.find(key, "1") for key in "bcde"] == ["x"] * 4
    assert shelf.find("huge", "1") is None
    assert shelf.find("b", "2") is None
