"""What a person is told of a run in this process that ended badly."""

import asyncio

import dagster as dg
import pytest

from tdnet_assets.cli.in_process import _reason


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

    assert _reason(result) == ("interrupted; collect the same days again: only the rest is fetched")


def test_an_error_is_told_by_what_began_it(instance):
    result = _run(instance, ValueError("on\ntop"), KeyError("at the bottom"))

    assert _reason(result) == "KeyError: 'at the bottom'"
