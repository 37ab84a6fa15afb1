"""No living record is ever taken for a dead one, and a dead one is told in time."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.automation.vigil import Vigil

PATIENCE = 120
LIVING = 60
"""A living record changes at least so often, in seconds of true time."""


class Observer:
    """A vigil whose own clock began at any time; ``look`` is at a true time."""

    def __init__(self, begun: float = 0) -> None:
        self.begun = begun
        self.now = 0.0
        self.vigil = Vigil(clock=lambda: self.begun + self.now)

    def look(self, now: float, **signs: object) -> set[str]:
        self.now = now
        return self.vigil.look(signs)


def test_who_is_seen_unchanged_for_two_minutes_is_silent():
    observer = Observer()

    verdicts = [observer.look(now, run="a") for now in (0, 30, 60, 90, 119, 120, 150)]

    assert verdicts == [set()] * 5 + [{"run"}] * 2


def test_any_change_begins_the_watch_anew():
    observer = Observer()

    signs = ["a", "a", "a", "b", "b", "b", "b", "b"]
    verdicts = [observer.look(30 * n, run=sign) for n, sign in enumerate(signs)]

    assert verdicts == [set()] * 7 + [{"run"}]


def test_each_execution_is_watched_for_itself_and_one_that_was_missing_anew():
    observer = Observer()
    observer.look(0, first="a", second="a", third="a")
    observer.look(60, first="a", second="b")

    assert observer.look(120, first="a", second="b", third="a") == {"first"}


def test_an_observer_that_has_forgotten_all_only_takes_longer():
    for now in (0, 60):
        Observer().look(now, run="a")
    observer = Observer()

    assert [observer.look(now, run="a") for now in (120, 180, 240)] == [set(), set(), {"run"}]


def test_an_observer_suspended_together_with_the_run_leaves_it_time_to_speak():
    observer = Observer()
    observer.look(0, run="a")
    observer.look(30, run="a")

    assert observer.look(3_630, run="a") == set()
    assert observer.look(3_660, run="b") == set()


gaps = st.lists(st.floats(0.001, LIVING - 0.001), min_size=1, max_size=40)
# A look may come at any time, many at once, or after a long pause of the observer.
looks = st.lists(st.floats(0, 300), min_size=1, max_size=60)


@given(gaps=gaps, observers=st.lists(st.tuples(st.floats(-1e6, 1e6), looks), max_size=4))
def test_no_living_record_is_ever_silent_whenever_and_by_whomever_it_is_looked_at(gaps, observers):
    beats = list(itertools.accumulate(gaps))
    for begun, pauses in observers:
        observer = Observer(begun)
        for now in itertools.accumulate(pauses):
            if now > beats[-1]:
                break  # nobody says that it lives on
            # What it last wrote: any clock may have made the text, so it is a mere number here.
            sign = sum(beat <= now for beat in beats)
            assert observer.look(now, run=sign) == set()


@given(begun=st.floats(-1e6, 1e6), pauses=st.lists(st.floats(1, 300), min_size=121, max_size=130))
def test_a_dead_record_is_silent_after_two_minutes_of_watching_and_not_before(begun, pauses):
    observer = Observer(begun)
    times = list(itertools.accumulate(pauses))

    verdicts = [observer.look(now, run="a") for now in times]

    first = verdicts.index({"run"})
    assert times[first] - times[0] >= PATIENCE - 1e-6
    watched = sum(min(pause, PATIENCE / 2) for pause in pauses[1 : first + 1])
    assert watched - min(pauses[first], PATIENCE / 2) < PATIENCE + 1e-6
    assert all(verdict == {"run"} for verdict in verdicts[first:])


@given(suspended_at=st.floats(0, 600), seconds=st.floats(0, 1e5), tick=st.floats(1, LIVING - 10))
def test_a_run_that_beats_every_five_seconds_survives_any_pause_of_the_whole_machine(
    suspended_at, seconds, tick
):
    """The observer's clock goes on while run and observer stand still, as in a paused container."""
    observer = Observer()
    for awake in itertools.takewhile(lambda now: now < 900, itertools.count(0, tick)):
        pause = seconds if awake >= suspended_at else 0
        # At its awakening it has written nothing yet.
        assert observer.look(awake + pause, run=int(awake // 5)) == set()
