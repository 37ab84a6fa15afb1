"""What is asked for of days that are not whole, when, and what a tick says of them."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.automation.day_plan import (
    DERIVATIONS_A_TICK,
    REREAD_AFTER,
    DayFacts,
    over_at,
    plan,
    wants,
)
from tdnet_assets.automation.pauses import PAUSES
from tdnet_assets.automation.reconciler import (
    OTHER_DAYS_EVERY,
    WHOLE_DAYS_EVERY,
    Looked,
    next_turn,
)
from tdnet_assets.resources.aws.executions import CANCELED, COMPLETED, FAILED, RUNNING
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES, names
from tdnet_assets.tables.wholeness import MAKEABLE, DayState, Origin
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.automation.days import STORED_AT, stored, tried

TODAY = date(2026, 6, 12)
DAY = date(2026, 6, 10)
NOW = datetime(2026, 6, 12, 10, 0, tzinfo=TOKYO)
READ_AT = NOW - timedelta(hours=3)
MINUTE = timedelta(minutes=1)
FILES = {"documents": ("files_complete",)}


def facts(state, **changes):
    """Facts of a day whose list was read this morning."""
    return DayFacts(**{"state": state, "listed_at": READ_AT, **changes})


def asked(days, **changes):
    return [(want.day, want.work) for want in plan(days, NOW, **changes).start]


def want(found, work=COLLECTION):
    (only,) = [one for one in wants(found, NOW) if one.work == work]
    return only


def test_of_a_whole_day_nothing_is_asked_and_nothing_is_told():
    for day in (DAY, TODAY):
        found = plan([facts(stored(day))], NOW)
        assert (found.start, found.waiting, found.reasons) == ([], {}, {})


def test_files_that_failed_are_asked_for_while_the_list_stays_the_same():
    found = facts(stored(DAY, failed=FILES), tries=[tried(DAY, NOW - 2 * MINUTE)])

    assert asked([found]) == [(DAY, COLLECTION)]
    assert want(found).tables == ()
    assert plan([found], NOW).reasons == {
        DAY: "documents: check files_complete failed (collection starts)"
    }


@pytest.mark.parametrize(("tries", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 15), (5, 60), (9, 60)])
@pytest.mark.parametrize("work", [COLLECTION, DERIVATION])
def test_pauses_grow_with_the_tries_that_failed_one_after_the_other(work, tries, minutes):
    state = stored(DAY, failed=FILES) if work == COLLECTION else stored(DAY, without=("earnings",))
    ended = [NOW - number * MINUTE / 2 for number in range(tries)]
    found = facts(state, tries=[tried(DAY, moment, job=work) for moment in ended])

    assert want(found, work).not_before == NOW + minutes * MINUTE
    assert plan([found], NOW).start == []
    assert plan([found], NOW).waiting == {DAY: NOW + minutes * MINUTE}
    assert [one.work for one in plan([found], NOW + minutes * MINUTE).start] == [work]
    assert f"{work} again at " in plan([found], NOW).reasons[DAY]


def test_without_a_try_nothing_is_waited_for():
    assert tuple(n * MINUTE for n in (0, 1, 2, 5, 15, 60)) == PAUSES
    assert want(facts(stored(DAY, failed=FILES))).not_before < NOW


def test_a_try_that_completed_starts_the_pauses_of_collection_anew():
    tries = [
        tried(DAY, NOW - MINUTE / 2),
        tried(DAY, NOW - MINUTE, status=COMPLETED),
        *(tried(DAY, NOW - n * MINUTE) for n in range(2, 9)),
    ]

    assert want(facts(stored(DAY, failed=FILES), tries=tries)).not_before == NOW + MINUTE / 2


def test_a_new_input_starts_the_pauses_of_derivation_anew():
    tries = [tried(DAY, NOW - n * MINUTE, job=DERIVATION) for n in range(1, 9)]
    old = stored(DAY, without=("earnings",))
    new = stored(DAY, without=("earnings",), at=NOW - MINUTE / 2)

    assert want(facts(old, tries=tries), DERIVATION).not_before == NOW + 59 * MINUTE
    assert want(facts(new, tries=tries), DERIVATION).not_before < NOW


def test_a_derivation_that_completed_and_left_the_want_is_not_asked_for_each_minute():
    tries = [tried(DAY, NOW - n * MINUTE, job=DERIVATION, status=COMPLETED) for n in (0, 1)]

    found = facts(stored(DAY, without=("earnings",)), tries=tries)

    assert want(found, DERIVATION).not_before == NOW + 2 * MINUTE


def test_tries_of_the_other_work_and_of_ranges_cost_no_pause():
    tries = [
        tried(DAY, NOW, job=DERIVATION),
        tried(DAY - timedelta(days=5), NOW, until=TODAY),
    ]

    assert asked([facts(stored(DAY, failed=FILES), tries=tries)]) == [(DAY, COLLECTION)]


def test_a_run_of_all_of_a_day_is_a_try_of_both_kinds_of_work():
    state = stored(DAY, failed=FILES, without=("earnings",))
    found = facts(state, tries=[tried(DAY, NOW, job="collect_day", seconds=1)])

    assert {one.not_before for one in wants(found, NOW)} == {NOW + MINUTE}


def test_work_in_progress_is_not_asked_for_again_and_the_other_work_is():
    state = stored(DAY, failed=FILES, without=("earnings",))

    collecting = facts(state, in_progress=frozenset((COLLECTION,)))
    assert asked([collecting]) == [(DAY, DERIVATION)]
    assert "(collection goes on, derivation starts)" in plan([collecting], NOW).reasons[DAY]
    assert asked([facts(state, in_progress=frozenset((COLLECTION, DERIVATION)))]) == []


def test_today_goes_first_and_newer_days_before_older_ones():
    days = [facts(stored(TODAY - timedelta(days=n), failed=FILES)) for n in (3, 0, 1)]
    result = plan(days, NOW)

    assert [one.day for one in result.start] == [TODAY]
    assert sorted(result.waiting) == [TODAY - timedelta(days=3), TODAY - timedelta(days=1)]
    assert set(result.waiting.values()) == {NOW}
    assert "has its turn later" in result.reasons[TODAY - timedelta(days=1)]


def test_no_more_than_one_collection_is_queued_and_derivations_are_bounded():
    days = [
        facts(stored(TODAY - timedelta(days=n), failed=FILES, without=("earnings",)))
        for n in range(DERIVATIONS_A_TICK + 3)
    ]

    works = [one.work for one in plan(days, NOW).start]
    queued = [one.work for one in plan(days, NOW, collection_queued=True).start]

    assert (works.count(COLLECTION), works.count(DERIVATION)) == (1, DERIVATIONS_A_TICK) == (1, 4)
    assert queued == [DERIVATION] * DERIVATIONS_A_TICK


def test_what_only_other_content_or_another_reader_mends_waits():
    state = stored(DAY, failed={"earnings": ("reports_understood",)})
    result = plan([facts(state, tries=[tried(DAY, NOW, job=DERIVATION)])], NOW)

    assert (result.start, result.waiting) == ([], {})
    assert result.reasons == {
        DAY: "earnings: check reports_understood failed (waits for other content or another reader)"
    }


@pytest.mark.parametrize("lack", ["absent", "damaged", "old reader", "outdated"])
def test_a_derived_table_that_is_not_as_it_should_be_is_asked_for_with_what_follows(
    lack,
):
    state = stored(DAY)
    now = state.origins["financial_facts"]
    state.origins["financial_facts"] = {
        "absent": None,
        "damaged": replace(now, damage="it was cut"),
        "old reader": Origin(now.version, "0", (), now.made_from),
        "outdated": Origin(now.version, now.reader, (), {**now.made_from, "documents": "before"}),
    }[lack]

    found = want(facts(state), DERIVATION)

    assert found.tables == (
        "financial_facts",
        "forecast_revisions",
        "earnings",
        "report_figures",
        "report_links",
        "watch_notices",
    )
    assert found.reason.startswith("financial_facts: ")


def test_what_cannot_be_derived_yet_is_not_asked_for():
    state = stored(DAY, without=("documents", *names(DERIVATION)))

    assert asked([facts(state)]) == [(DAY, COLLECTION)]


def test_a_day_behind_the_window_is_asked_only_for_what_the_lake_can_give():
    gone = facts(stored(DAY, failed=FILES), can_be_had=False, listed_at=None)
    nothing = facts(DayState(DAY), can_be_had=False, listed_at=None)
    old = stored(DAY, without=("earnings",))
    for name in ("disclosures", "documents"):
        old.origins[name] = Origin(f"old {name}", "1", (), old.origins[name].made_from)
    makeable = facts(old, can_be_had=False)

    assert asked([gone, nothing]) == []
    assert (
        "waits for other content"
        in plan([facts(gone.state, can_be_had=False, tries=[tried(DAY, NOW)])], NOW).reasons[DAY]
    )
    assert asked([makeable]) == [(DAY, COLLECTION), (DAY, DERIVATION)]
    assert want(makeable).tables == ("disclosures", "documents")


def test_a_day_of_which_nothing_is_there_is_asked_for_but_today_is_left_to_the_looks():
    assert asked([facts(DayState(DAY), listed_at=None)]) == [(DAY, COLLECTION)]
    result = plan([facts(DayState(TODAY), listed_at=None)], NOW)
    assert result.start == []
    assert result.reasons == {TODAY: "listing_pages: not there (waits to be published)"}
    began = facts(DayState(TODAY), listed_at=None, tries=[tried(TODAY, NOW - 2 * MINUTE)])
    assert asked([began]) == [(TODAY, COLLECTION)]


@pytest.mark.parametrize("status", [FAILED, CANCELED])
@pytest.mark.parametrize("job", ["collect_day", COLLECTION, "__ASSET_JOB"])
def test_a_run_that_ended_before_it_had_read_the_list_is_made_up_for(status, job):
    newest = tried(TODAY, NOW - 2 * MINUTE, status=status, job=job)
    earlier = tried(TODAY, READ_AT + MINUTE, status=COMPLETED)

    found = facts(stored(TODAY), tries=[newest, earlier])

    assert asked([found]) == [(TODAY, COLLECTION)]
    assert (
        plan([found], NOW)
        .reasons[TODAY]
        .startswith(f"the run {newest.execution_id} {status} before it had read the list")
    )
    later = tried(TODAY, NOW - MINUTE, status=COMPLETED)
    assert asked([facts(stored(TODAY), tries=[later, newest])]) == []
    assert asked([facts(stored(TODAY), tries=[newest], listed_at=NOW)]) == []


def test_a_run_of_a_range_that_ended_before_it_had_read_the_list_is_made_up_for_too():
    newest = tried(DAY - timedelta(days=9), NOW - 2 * MINUTE, status=CANCELED, until=TODAY)

    assert asked([facts(stored(DAY), tries=[newest])]) == [(DAY, COLLECTION)]


def test_a_run_that_is_still_recorded_as_running_is_not_made_up_for_yet():
    running = tried(TODAY, NOW, status=RUNNING, job="collect_day")

    assert asked([facts(stored(TODAY), tries=[running])]) == []


def test_a_list_that_was_last_read_before_the_day_was_over_is_read_again_after_midnight():
    found = facts(stored(DAY), listed_at=over_at(DAY) - MINUTE)

    assert [one.day for one in plan([found], over_at(DAY) - MINUTE / 2).start] == []
    assert [one.day for one in plan([found], over_at(DAY)).start] == [DAY]
    assert plan([found], over_at(DAY)).reasons == {
        DAY: "its list was last read before the day was over (collection starts)"
    }
    assert asked([facts(stored(DAY), listed_at=None)]) == [(DAY, COLLECTION)]
    assert asked([facts(stored(DAY), listed_at=None, can_be_had=False)]) == []


def test_a_list_that_no_night_has_read_again_is_read_again():
    due = facts(stored(DAY), listed_at=NOW - REREAD_AFTER)

    assert asked([due]) == [(DAY, COLLECTION)]
    assert asked([facts(stored(DAY), listed_at=NOW - REREAD_AFTER + MINUTE)]) == []
    assert asked([facts(stored(DAY), listed_at=NOW - REREAD_AFTER, can_be_had=False)]) == []


_LACKS = st.dictionaries(
    st.sampled_from(sorted(RECIPES)), st.sampled_from(["absent", "failed", "old", "other"])
)
_TRIES = st.lists(
    st.tuples(
        st.sampled_from([FAILED, CANCELED, COMPLETED, RUNNING]),
        st.sampled_from(["collect_day", COLLECTION, DERIVATION, "__ASSET_JOB"]),
        st.integers(1, 300),
    ),
    max_size=12,
)


@st.composite
def any_facts(draw, day):
    state = stored(day)
    for name, change in draw(_LACKS).items():
        origin = state.origins[name]
        state.origins[name] = {
            "absent": None,
            "failed": Origin(f"{name} failed", origin.reader, ("check",), origin.made_from),
            "old": Origin(origin.version, "0", (), origin.made_from, STORED_AT),
            "other": Origin(f"{name} other", origin.reader, (), origin.made_from, STORED_AT),
        }[change]
    tries, ended = [], NOW
    for status, job, minutes in draw(_TRIES):
        tries.append(tried(day, ended, status=status, job=job))
        ended -= minutes * MINUTE
    return DayFacts(
        state=state,
        tries=tries,
        listed_at=draw(st.sampled_from([None, READ_AT, over_at(day) - MINUTE])),
        in_progress=frozenset(draw(st.sets(st.sampled_from([COLLECTION, DERIVATION])))),
        can_be_had=draw(st.booleans()),
    )


@given(st.tuples(*(any_facts(TODAY - timedelta(days=n)) for n in range(4))), st.booleans())
def test_a_plan_is_a_pure_function_that_asks_for_nothing_in_progress(days, queued):
    result = plan(days, NOW, collection_queued=queued)

    assert plan(reversed(days), NOW, collection_queued=queued) == result
    assert sum(one.work == COLLECTION for one in result.start) <= (0 if queued else 1)
    assert sum(one.work == DERIVATION for one in result.start) <= DERIVATIONS_A_TICK
    by_day = {one.day: one for one in days}
    for one in result.start:
        assert one.work not in by_day[one.day].in_progress
        assert one.not_before <= NOW
        assert not by_day[one.day].state.is_whole("earnings") or one.reason
    told = {day for day, one in by_day.items() if one.state.not_whole()}
    assert told <= result.reasons.keys()
    waited = {*result.waiting, *(one.day for one in result.start)}
    assert all(moment >= NOW for moment in result.waiting.values())
    for one in days:
        unattended = [want for want in wants(one, NOW) if want.work not in one.in_progress]
        assert bool(unattended) == (one.day in waited)


@given(any_facts(DAY))
def test_what_can_be_had_or_made_is_asked_for_within_an_hour_of_the_last_try(one):
    idle = DayFacts(one.state, one.tries, one.listed_at, frozenset(), one.can_be_had)
    an_hour_later = NOW + PAUSES[-1]
    works = {want.work for want in plan([idle], an_hour_later).start}
    state = one.state

    collected = [lack for name in names(COLLECTION) for lack in state.own_lacks(name)]
    if one.can_be_had and collected:
        assert COLLECTION in works
    makeable = [
        name
        for name in names(DERIVATION)
        if any(lack.kind in MAKEABLE for lack in state.own_lacks(name))
        and all(state.origins[source] for source in RECIPES[name].inputs)
    ]
    if makeable:
        assert DERIVATION in works
    # And nothing is asked for in vain: what is whole, or waits for others, is left alone.
    if not state.not_whole() and one.listed_at == READ_AT and not one.tries:
        assert works == set()


def test_today_is_looked_at_with_each_tick_and_other_days_by_what_was_found_of_them():
    found = plan(
        [
            facts(stored(TODAY)),
            facts(stored(DAY, failed={"earnings": ("reports_understood",)})),
            facts(
                stored(DAY - timedelta(days=1), failed=FILES),
                tries=[tried(DAY - timedelta(days=1), NOW)],
            ),
            facts(stored(DAY - timedelta(days=2))),
        ],
        NOW,
    )
    night = NOW.replace(hour=6, minute=59)

    turns = [next_turn(TODAY - timedelta(days=n), found, NOW) - NOW for n in (0, 2, 3, 4)]

    assert turns == [timedelta(0), OTHER_DAYS_EVERY, MINUTE, WHOLE_DAYS_EVERY]
    assert next_turn(TODAY, found, night) == night + WHOLE_DAYS_EVERY


def test_a_cursor_is_read_back():
    looked = Looked(NOW, NOW - MINUTE, {DAY: NOW + MINUTE})

    assert Looked.from_cursor(looked.to_cursor()) == looked


def test_with_other_readers_nothing_is_known_of_any_day():
    looked = Looked(NOW, NOW, {DAY: NOW + MINUTE}, readers="earnings=0")

    assert Looked.from_cursor(looked.to_cursor()) is None


_FIELDS = ("at", "listed_at", "readers", "turns")
_GOOD = json.loads(Looked(NOW, NOW).to_cursor())


@pytest.mark.parametrize(
    "cursor",
    [
        None,
        "",
        "garbage",
        "null",
        "7",
        "[]",
        "{}",
        "2026-06-12T10:00:00+09:00",
        *(json.dumps({**_GOOD, name: 1}) for name in _FIELDS),
        *(json.dumps({**_GOOD, name: "2026-06-12T10:00:00"}) for name in _FIELDS),
        json.dumps({**_GOOD, "turns": {"a": "b"}}),
        json.dumps({**_GOOD, "turns": {"2026-06-10": None}}),
    ],
)
def test_any_other_cursor_is_none(cursor):
    assert Looked.from_cursor(cursor) is None


def test_the_present_is_the_same_in_any_time_zone():
    found = facts(stored(DAY, failed=FILES))

    assert plan([found], NOW).start == plan([found], NOW.astimezone(UTC)).start


def test_damage_that_a_derivation_met_in_its_inputs_is_for_the_next_collection_to_mend():
    met = replace(
        tried(DAY, NOW - timedelta(minutes=5), job="derivation"),
        error_type="DamagedObjectError",
        error_message="s3://lake/x: no whole Parquet file",
    )
    state = stored(DAY)
    collected = tried(DAY, NOW - timedelta(minutes=1), status=COMPLETED)

    wanted = want(facts(state, tries=[met]))
    behind = want(facts(state, tries=[met], can_be_had=False))

    assert "met damage: s3://lake/x: no whole Parquet file" in wanted.reason
    assert (wanted.tables, behind.tables) == ((), ("disclosures", "documents"))
    assert asked([facts(state, tries=[collected, met])]) == []
