"""Archives damaged by chance, and the dearest that are still read; the benchmark makes far more."""

import random
import time

import pytest

from benchmarks.fuzz_archives import at_limits, damaged, fuzz, samples
from tdnet_assets.tdnet.xbrl.archive import read_archive


def test_damaged_archives_are_read_or_refused_and_nothing_else_and_soon():
    outcome = fuzz(400, seed=20260514)
    assert outcome.escaped == {}
    assert outcome.slowest_seconds < 2
    assert outcome.ends.total() == 400
    assert {"read", "read in part", "FilingError"} <= outcome.ends.keys()
    assert min(outcome.ends.values()) > 20


def test_a_number_and_a_seed_make_the_same_archive_again():
    of_day = samples()
    chances = (random.Random(seed) for seed in ("1 7", "1 7", "1 8"))  # noqa: S311 - no secret
    first, again, other = (damaged(of_day, chance) for chance in chances)
    assert first == again != other


@pytest.mark.parametrize("name", at_limits())
def test_the_dearest_archives_cost_no_more_than_a_second(name):
    content = at_limits()[name]
    started = time.process_time()
    filing = read_archive(content)
    assert time.process_time() - started < 1
    assert len(filing.facts) + len(filing.unread) <= 20_000
