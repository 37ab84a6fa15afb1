"""How a run treats its days and steps, with steps made for the purpose."""

import asyncio
from contextlib import suppress
from datetime import date

import dagster as dg
import pytest

from tdnet_assets.assets.derivation import build_derivation
from tdnet_assets.assets.steps import CheckResult, DailyStep, Materialized
from tdnet_assets.definitions import build_definitions
from tdnet_assets.partitions import tags_for

FIRST, SECOND = date(2026, 6, 10), date(2026, 6, 11)


def step(name, materialize, *, deps=(), checks=()):
    return DailyStep(
        spec=dg.AssetSpec(name, deps=list(deps), code_version="1"),
        checks=dict.fromkeys(checks, "a check"),
        materialize=materialize,
    )


@pytest.fixture
def run_steps(pipeline):
    def run(*steps, first=FIRST, last=SECOND):
        job = dg.Definitions(
            assets=[build_derivation(steps)],
            resources=build_definitions(pipeline.config).resources,
        ).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=pipeline.instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
            tags=tags_for(str(first), str(last)),
        )

    return run


async def works(day):
    return Materialized("version", {})


async def breaks_on_the_first_day(day):
    if day.date == FIRST:
        raise KeyError("a mistake of ours")
    return Materialized("version", {})


def test_a_mistake_costs_what_stands_on_it_that_day_and_is_logged_with_its_traceback(
    pipeline, run_steps
):
    result = run_steps(
        step("one", breaks_on_the_first_day),
        step("two", works, deps=["one"]),
        step("three", works, deps=["two"]),
        step("other", works),
    )

    assert not result.success
    assert pipeline.materialized(result) == {
        "other": [str(FIRST), str(SECOND)],
        **{name: [str(SECOND)] for name in ("one", "two", "three")},
    }
    record = pipeline.record(result)
    assert (record.status, record.error_type) == ("failed", "KeyError")
    logged = [
        entry.user_message
        for entry in pipeline.instance.all_logs(result.run_id)
        if "a mistake of ours" in entry.user_message
    ]
    assert any("breaks_on_the_first_day" in message for message in logged)


def test_a_failed_check_fails_the_day_and_what_stands_on_it_is_made_but_not_called_whole(
    pipeline, run_steps
):
    made = []

    async def checked(day):
        good = day.date == SECOND
        return Materialized("version", {}, [CheckResult("whole", good, "a row is missing")])

    async def made_from_it(day):
        made.append(day.date)
        return Materialized("version", {})

    result = run_steps(
        step("one", checked, checks=["whole"]),
        step("two", made_from_it, deps=["one"]),
        step("other", works),
    )

    assert made == [FIRST, SECOND]
    assert pipeline.materialized(result) == {
        "one": [str(SECOND)],
        "two": [str(SECOND)],
        "other": [str(FIRST), str(SECOND)],
    }
    assert pipeline.checks(result, "whole") == {str(FIRST): False, str(SECOND): True}
    assert "1 of 2 days not complete: 2026-06-10 one: a row is missing" in pipeline.failure(result)


def test_a_check_that_only_warns_is_shown_and_the_day_stands(pipeline, run_steps):
    async def warned(day):
        found = CheckResult("whole", passed=False, description="odd", only_warns=True)
        return Materialized("version", {}, [found])

    result = run_steps(step("one", warned, checks=["whole"]))

    assert result.success
    assert pipeline.materialized(result) == {"one": [str(FIRST), str(SECOND)]}
    events = [
        event.event_specific_data
        for event in pipeline.logged(result, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        if event.event_specific_data.check_name == "whole"
    ]
    assert {(event.passed, event.severity) for event in events} == {
        (False, dg.AssetCheckSeverity.WARN)
    }


def test_an_interrupt_raised_inside_a_callback_of_the_loop_ends_the_run(pipeline, run_steps):
    seen = []

    async def interrupted(day):
        seen.append(day.progress.execution_id)

        def interrupt():
            raise dg.DagsterExecutionInterruptedError

        asyncio.get_running_loop().call_soon(interrupt)
        await asyncio.sleep(60)
        return Materialized("version", {})

    # Dagster passes it on or makes it the run's failure; the record is what counts.
    with suppress(dg.DagsterExecutionInterruptedError):
        run_steps(step("one", interrupted))

    (run_id,) = seen
    record = pipeline.executions.get(run_id)
    assert record.status == "canceled"
    assert record.error_message.startswith("the run was interrupted; materialize the same days")
    assert record.total_count == 0
