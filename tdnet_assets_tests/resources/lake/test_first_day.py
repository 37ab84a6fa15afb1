"""The first day of the archive: the same for every process, and only ever moved earlier."""

import itertools
import logging
import os
import subprocess
import sys
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import PrivateAttr

from tdnet_assets.definitions import build_definitions
from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets.resources.lake.first_day import begun_by, with_first_day
from tdnet_assets.resources.lake.layout import FIRST_DAY
from tdnet_assets.resources.lake.store import DamagedObjectError, LakeResource
from tdnet_assets_tests.commands import variables

TODAY = date(2026, 6, 30)
_PREFIXES = itertools.count(1)


class Overtaken(LakeResource):
    """A lake in which others move the first day between this one's look and its put."""

    _others: list[date] = PrivateAttr(default_factory=list)
    _moved: list[date] = PrivateAttr(default_factory=list)

    def read_with_head(self, key):
        found = super().read_with_head(key)
        if self._others:
            self._moved.append(self._others.pop())
            begun_by(LakeResource(config=self.config), self._moved[-1])
        return found


@pytest.fixture
def archive(platform):
    """The configuration of an archive of its own, whose source lists a month."""
    return lambda: platform.changed(window_days=31, prefix=f"archive-{next(_PREFIXES)}/")


def _begins(config, asset="listing_pages"):
    graph = build_definitions(config).resolve_asset_graph()
    (key,) = [key for key in graph.get_all_asset_keys() if key.to_user_string() == asset]
    return graph.get(key).partitions_def.get_first_partition_key()


def test_partitions_begin_with_the_oldest_day_that_was_listed_at_the_first_start(archive):
    config = archive()

    first = with_first_day(config, TODAY)
    later = with_first_day(config, TODAY + timedelta(days=200))

    assert first.first_day == later.first_day == "2026-05-31"
    assert _begins(first) == _begins(first, "earnings") == "2026-05-31"
    assert _begins(first, "disclosure_history") == "2026"


def test_days_that_the_lake_has_already_are_partitions(archive):
    config = archive()
    lake = LakeResource(config=config)
    key = "raw/listing/date=2024-12-30/captured_at=20241230T000000.000000Z/manifest.json"
    lake.put_new(key, b"{}", content_type="application/json", metadata={})

    assert with_first_day(config, TODAY).first_day == "2024-12-30"
    assert _begins(with_first_day(config, TODAY), "report_links_by_code") == "2024"


def test_a_longer_window_moves_the_first_day_earlier_and_a_shorter_one_leaves_it(archive):
    config = archive()

    found = [
        with_first_day(config.changed(window_days=days), TODAY).first_day for days in (5, 10, 5)
    ]

    assert found == ["2026-06-26", "2026-06-21", "2026-06-21"]


def test_where_the_variable_says_it_or_all_days_are_listed_nothing_is_asked_or_written(archive):
    config = archive()
    unreachable = config.changed(aws_endpoint_url=f"http://127.0.0.1:{free_port(9)}")

    named = with_first_day(unreachable.changed(first_day="2026-06-01"), TODAY)
    unlimited = with_first_day(config.changed(window_days=None), TODAY)

    assert _begins(named) == "2026-06-01"
    assert _begins(unlimited) == "2016-01-01"
    assert list(LakeResource(config=config).list("")) == []


def test_without_an_answer_the_code_location_loads_with_every_day_and_says_so(archive, caplog):
    config = archive().changed(aws_endpoint_url=f"http://127.0.0.1:{free_port(9)}")

    with caplog.at_level(logging.WARNING):
        found = with_first_day(config, TODAY)

    assert _begins(found) == "2016-01-01"
    assert "partitions begin at the earliest day" in caplog.text
    assert "set TDNET_FIRST_DAY" in caplog.text


def test_what_is_no_day_is_named_with_its_key_and_not_written_over(archive, caplog):
    config = archive()
    lake = LakeResource(config=config)
    lake.put_new(FIRST_DAY, b"soon", content_type="text/plain", metadata={})

    with pytest.raises(DamagedObjectError, match=r"first_day\.txt: b'soon' is not a day; delete"):
        begun_by(lake, TODAY)

    assert with_first_day(config, TODAY) == config
    assert "is not a day" in caplog.text
    assert lake.read(FIRST_DAY) == b"soon"


_DAYS = st.dates(date(2016, 1, 1), date(2026, 6, 30))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_DAYS, st.lists(_DAYS, max_size=3)), min_size=1, max_size=4))
def test_with_two_writers_it_is_only_ever_moved_earlier(archive, moves):
    lake = Overtaken(config=archive())
    kept = []

    for day, others in moves:
        lake._others = list(others)  # noqa: SLF001 - ours
        found = begun_by(lake, day)
        kept.append(date.fromisoformat(lake.read(FIRST_DAY).decode().strip()))
        assert kept[-1] <= found <= day

    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == min(*lake._moved, *(day for day, _ in moves), date.max)  # noqa: SLF001 - ours


@pytest.mark.slow
def test_a_process_of_its_own_has_the_same_partitions(platform):
    config = platform.changed(window_days=31)
    begins = with_first_day(config, TODAY).first_day
    asked = (
        "from tdnet_assets.code_location import defs\n"
        "graph = defs().resolve_asset_graph()\n"
        "for key in sorted(graph.get_all_asset_keys()):\n"
        "    print(key.to_user_string(), graph.get(key).partitions_def.get_first_partition_key())\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, **variables(config), "TDNET_WINDOW_DAYS": "31"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    said = dict(line.split() for line in done.stdout.splitlines())
    assert said["listing_pages"] == said["report_links"] == begins
    assert said["disclosure_history"] == begins[:4]
