"""Any order, any repetition, any interleaving: the stored record is the join of what was said."""

import itertools
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tdnet_assets.resources.aws.executions import (
    FINAL_STATUSES,
    PENDING,
    PROCESS_VANISHED,
    RUNNING,
    STATUSES,
    ExecutionRecord,
    ExecutionsResource,
)

START = datetime(2026, 2, 13, 9, tzinfo=UTC)
COUNTS = ("total_count", "collected_count", "skipped_count", "failed_count", "rejected_count")


@dataclass(frozen=True)
class Report:
    """One call of record() as a writer makes it; ``second`` is the writer's clock."""

    second: int
    status: str | None
    progress: int | None
    counts: tuple[int | None, ...]
    job_name: str | None
    error_type: str | None

    @property
    def moment(self) -> datetime:
        return START + timedelta(seconds=self.second)

    def write(self, executions: ExecutionsResource, execution_id: str) -> ExecutionRecord:
        return executions.record(
            execution_id,
            status=self.status,
            progress=self.progress,
            **dict(zip(COUNTS, self.counts, strict=True)),  # type: ignore[arg-type]
            job_name=self.job_name,
            error_type=self.error_type,
            now=self.moment,
        )


@dataclass(frozen=True)
class Model:
    """What the record must be, in plain Python: no conditions, no retries, one rule a field."""

    status: str
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    progress: int | None
    counts: tuple[int | None, ...]
    job_name: str | None
    error_type: str | None

    @classmethod
    def of(cls, record: ExecutionRecord) -> "Model":
        return cls(
            status=record.status,
            started_at=record.started_at,
            updated_at=record.updated_at,
            completed_at=record.completed_at,
            progress=record.progress,
            counts=tuple(getattr(record, name) for name in COUNTS),
            job_name=record.job_name,
            error_type=record.error_type,
        )

    @classmethod
    def first(cls, report: Report) -> "Model":
        empty = cls(PENDING, report.moment, report.moment, None, None, (None,) * 5, None, None)
        return empty.joined(report)

    @property
    def is_guess(self) -> bool:
        return self.status in FINAL_STATUSES and self.error_type == PROCESS_VANISHED

    def joined(self, report: Report) -> "Model":
        if self.is_guess and report.status not in {None, PENDING}:
            return replace(self, status=RUNNING, completed_at=None, error_type=None).joined(report)
        if self.status in FINAL_STATUSES:
            return self
        updated_at = max(self.updated_at, report.moment)
        status = report.status or PENDING
        final = status in FINAL_STATUSES
        return replace(
            self,
            status=self.status if status == PENDING else status,
            updated_at=updated_at,
            completed_at=updated_at if final else None,
            progress=greatest(self.progress, 100 if status == "completed" else report.progress),
            counts=tuple(map(greatest, self.counts, report.counts)),
            job_name=self.job_name or report.job_name,
            error_type=self.error_type or report.error_type,
        )

    def presumed_vanished(self, moment: datetime) -> "Model":
        if self.status in FINAL_STATUSES:
            return self
        return replace(
            self,
            status="canceled" if self.status == PENDING else "failed",
            completed_at=max(moment, self.updated_at),
            error_type=PROCESS_VANISHED,
        )


def greatest(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def reports(statuses: st.SearchStrategy[str | None]) -> st.SearchStrategy[Report]:
    count = st.none() | st.integers(0, 6)
    return st.builds(
        Report,
        second=st.integers(0, 300),
        status=statuses,
        progress=st.none() | st.integers(0, 100),
        counts=st.tuples(*[count] * 5),
        job_name=st.sampled_from([None, "tdnet_daily", "__ASSET_JOB"]),
        error_type=st.sampled_from([None, "HostGone", "IncompleteList"]),
    )


unfinished_reports = reports(st.sampled_from([None, PENDING, RUNNING]))
final_reports = reports(st.sampled_from(sorted(FINAL_STATUSES)))


class Reordered(RuleBasedStateMachine):
    """Writers put reports into a buffer; a delivery takes any of them, or repeats an old one."""

    in_flight = Bundle("in_flight")
    delivered = Bundle("delivered")
    looks = Bundle("looks")

    def __init__(self, executions: ExecutionsResource) -> None:
        super().__init__()
        self.executions = executions
        self.execution_id = os.urandom(8).hex()
        self.model: Model | None = None
        self.history: list[ExecutionRecord] = []

    @rule(target=in_flight, batch=st.lists(unfinished_reports, min_size=1, max_size=4))
    def report(self, batch: list[Report]) -> object:
        return multiple(*batch)

    @rule(target=in_flight, final=final_reports)
    def end(self, final: Report) -> Report:
        return final

    @rule(target=delivered, report=consumes(in_flight))
    def deliver(self, report: Report) -> Report:
        return self._deliver(report)

    @rule(report=delivered)
    def deliver_again(self, report: Report) -> None:
        self._deliver(report)

    @precondition(lambda self: self.model is not None)
    @rule(target=looks)
    def look(self) -> ExecutionRecord:
        record = self.executions.get(self.execution_id)
        assert record is not None
        return record

    @rule(seen=looks, second=st.integers(-120, 420))
    def presume_vanished(self, seen: ExecutionRecord, second: int) -> None:
        """An observer's verdict, however old its look is, and whatever its clock says."""
        assert self.model is not None
        moment = START + timedelta(seconds=second)
        unchanged = (seen.status, seen.updated_at) == (self.model.status, self.model.updated_at)
        expected = self.model.presumed_vanished(moment) if unchanged else self.model
        ended = self.executions.presume_vanished(seen, moment)
        assert (ended is not None) == (expected != self.model)
        self.model = expected

    @invariant()
    def its_history_is_one_way_but_for_guesses(self) -> None:
        record = self.executions.get(self.execution_id)
        if record is not None:
            check_history([*self.history[-1:], record])
            self.history.append(record)

    @invariant()
    def the_record_is_what_the_model_says(self) -> None:
        stored = self.executions.get(self.execution_id)
        assert (stored and Model.of(stored)) == self.model

    def _deliver(self, report: Report) -> Report:
        self.model = Model.first(report) if self.model is None else self.model.joined(report)
        answer = report.write(self.executions, self.execution_id)
        assert Model.of(answer) == self.model
        return report


def test_reordered_and_repeated_writes_leave_the_record_that_the_model_says(
    executions: ExecutionsResource,
) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Reordered(executions),
        settings=settings(
            max_examples=settings().max_examples * 6 // 10,
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def random_reports(source: random.Random, *, final: bool) -> Iterator[Report]:
    for second in range(12):
        yield Report(
            second=source.randrange(300),
            status=source.choice([None, PENDING, RUNNING]),
            progress=source.choice([None, source.randrange(101)]),
            counts=tuple(source.choice([None, source.randrange(50)]) for _ in COUNTS),
            job_name=None,
            error_type=None,
        )
        if final and second == 8:
            yield Report(300, source.choice(sorted(FINAL_STATUSES)), None, (None,) * 5, None, None)


def deliver_in_threads(
    executions: ExecutionsResource, execution_id: str, pending: list[Report], writers: int
) -> list[ExecutionRecord]:
    """Every report once, from a shared buffer, by writers that really run at the same time.

    Meanwhile one reader looks all the time; the answer is what it saw, in order.
    """
    buffer = list(pending)
    errors: list[BaseException] = []
    seen: list[ExecutionRecord] = []
    done = threading.Event()

    def write() -> None:
        try:
            while buffer:
                try:
                    report = buffer.pop()
                except IndexError:
                    return
                time.sleep(random.uniform(0, 0.002))  # noqa: S311 - no secret
                report.write(executions, execution_id)
        except BaseException as error:  # noqa: BLE001 - given to the test
            errors.append(error)

    def read() -> None:
        while not done.is_set():
            record = executions.get(execution_id)
            if record is not None:
                seen.append(record)

    reader = threading.Thread(target=read)
    threads = [threading.Thread(target=write) for _ in range(writers)]
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert errors == []
    return seen


def check_history(seen: list[ExecutionRecord]) -> None:
    for earlier, later in itertools.pairwise(seen):
        if earlier.is_final and not earlier.is_guess:
            assert later == earlier
        assert later.started_at == earlier.started_at
        assert later.updated_at >= earlier.updated_at
        if not earlier.is_guess:
            assert min(STATUSES.index(later.status), 2) >= min(STATUSES.index(earlier.status), 2)
        for name in ("progress", *COUNTS):
            before = getattr(earlier, name)
            assert before is None or getattr(later, name) >= before


@pytest.mark.parametrize("seed", range(6))
def test_writers_that_really_interleave_end_at_the_join_of_all_they_said(
    executions: ExecutionsResource, seed: int
) -> None:
    source = random.Random(seed)  # noqa: S311 - no secret
    pending = [report for _ in range(6) for report in random_reports(source, final=False)]
    source.shuffle(pending)

    seen = deliver_in_threads(executions, "run", pending, writers=6)
    record = executions.get("run")

    expected = Model.first(pending[0])
    for report in pending[1:]:
        expected = expected.joined(report)
    assert record is not None
    # Which report came first is the race's own; everything else does not depend on it.
    assert record.started_at in {report.moment for report in pending}
    assert Model.of(replace(record, started_at=expected.started_at)) == expected
    check_history(seen)


@pytest.mark.parametrize("seed", range(6))
def test_when_several_writers_end_the_run_the_first_ending_stays(
    executions: ExecutionsResource, seed: int
) -> None:
    source = random.Random(seed)  # noqa: S311 - no secret
    pending = [report for _ in range(6) for report in random_reports(source, final=True)]
    source.shuffle(pending)

    seen = deliver_in_threads(executions, "run", pending, writers=6)
    record = executions.get("run")

    assert record is not None
    assert record.is_final
    assert record.completed_at == record.updated_at == START + timedelta(seconds=300)
    check_history([*seen, record])
