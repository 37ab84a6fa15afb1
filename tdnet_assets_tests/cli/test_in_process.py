"""A run in this process: of which days, and what a person is told if it ends badly."""

import asyncio
from datetime import date, timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.cli.in_process import RequestError, _ending, _reason, runs_of
from tdnet_assets.config import PlatformConfig

CONFIG = PlatformConfig(bucket="lake", executions_table="runs", disclosures_table="index")


def _run(instance, error, cause):
    @dg.op
    def work():
        raise error from cause

    @dg.job(executor_def=dg.in_process_executor)
    def job():
        work()

    return job.execute_in_process(instance=instance, raise_on_error=False)


@pytest.mark.parametrize("cause", [None, asyncio.CancelledError("the loop's own word for it")])
def test_an_interrupt_is_called_one_whatever_stands_behind_it(instance, cause):
    result = _run(instance, dg.DagsterExecutionInterruptedError(), cause)

    assert _ending(result) == (
        130,
        "interrupted; collect the same days again: only the rest is fetched",
    )


def test_an_error_is_told_by_what_began_it(instance):
    result = _run(instance, ValueError("on\ntop"), KeyError("at the bottom"))

    assert _ending(result) == (1, "KeyError: 'at the bottom'")


def test_a_failure_s_own_description_comes_before_its_class(instance):
    result = _run(instance, dg.Failure("no list\nfor this day"), None)

    assert _ending(result) == (1, "no list for this day")


def test_what_keeps_the_steps_from_starting_is_told_too(instance):
    @dg.resource
    def lake(context):
        raise ValueError("no such bucket")

    @dg.op(required_resource_keys={"lake"})
    def work():
        pass

    @dg.job(executor_def=dg.in_process_executor, resource_defs={"lake": lake})
    def job():
        work()

    result = job.execute_in_process(instance=instance, raise_on_error=False)

    assert _ending(result) == (1, "ValueError: no such bucket")


def test_a_failure_of_which_no_event_says_anything_has_a_reason_all_the_same():
    assert _reason([]).startswith("the run failed, and none of its events says why")


def test_a_run_that_succeeds_has_no_reason(instance):
    @dg.job(executor_def=dg.in_process_executor)
    def job():
        pass

    assert _ending(job.execute_in_process(instance=instance)) == (0, None)


@pytest.mark.parametrize(
    ("first_day", "said"),
    [
        ("", r"2015-12-31 is not a day of this archive: use 2016-01-01 to .* \(today in Tokyo\)$"),
        ("2026-06-01", r"use 2026-06-01 to .*; it begins with .* set that to begin earlier$"),
    ],
)
def test_a_day_before_the_archive_is_refused_with_what_to_do(first_day, said):
    day = date(2015, 12, 31)

    with pytest.raises(RequestError, match=said):
        runs_of(CONFIG.changed(first_day=first_day), day, day)


@given(st.dates(date(2016, 1, 1), date(2025, 1, 1)), st.integers(0, 400))
def test_a_long_range_is_collected_in_runs_of_at_most_a_month(first, days):
    last = first + timedelta(days=days)

    runs = runs_of(CONFIG, first, last)

    made = [
        begin + timedelta(days=number)
        for begin, end in runs
        for number in range((end - begin).days + 1)
    ]
    assert made == [first + timedelta(days=number) for number in range(days + 1)]
    assert all((end - begin).days < 31 for begin, end in runs)
