"""Whether the four that know what happened agree: Dagster, DynamoDB, S3 and CloudWatch.

What belongs here: the one comparison of everything that an installation has done so far. What does
not: how it came to be (the tests).
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg

from tdnet_assets.automation.records import FINISHED, RECORD_STATUS
from tdnet_assets.partitions import partitions_of, trigger_of
from tdnet_assets.resources.aws.executions import FINAL_STATUSES, ExecutionRecord
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import sha256
from tdnet_assets_tests.e2e.dagster_ui import eventually
from tdnet_assets_tests.e2e.installation import Installation

_MATERIALIZED = dg.DagsterEventType.ASSET_MATERIALIZATION
_CHECKED = dg.DagsterEventType.ASSET_CHECK_EVALUATION
_TABLES = ("disclosures", "documents", "financial_facts", "forecast_revisions", "earnings")


@dataclass(slots=True)
class _Run:
    """A run as Dagster's own storage has it, and its record."""

    run: dg.DagsterRun
    record: ExecutionRecord
    made: dict[tuple[str, str], dg.AssetMaterialization] = field(default_factory=dict)
    reported_metrics: bool = False

    @property
    def days(self) -> tuple[str, str]:
        found = partitions_of(self.run.tags)
        assert found is not None
        return found

    @property
    def failed_days(self) -> int:
        """Days of which this run has not made every asset that it was to make."""
        first, last = (datetime.fromisoformat(day).date() for day in self.days)
        wanted = self.run.asset_selection or ()
        every = [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]
        return sum(
            any((key.to_user_string(), day) not in self.made for key in wanted) for day in every
        )


def assert_everything_agrees(installation: Installation) -> None:
    """Wait until nothing runs, then compare all runs, records, days, objects and metrics."""
    while True:
        before = eventually(lambda: _runs_at_rest(installation), seconds=240)
        try:
            _assert_agreement(installation)
        except AssertionError:
            # A daemon or sensor may have started a run meanwhile: then compare once it is over.
            if _runs_at_rest(installation) == before:
                raise
        else:
            return


def _assert_agreement(installation: Installation) -> None:
    runs = _runs(installation)
    _assert_records_agree(installation, runs)
    _assert_days_agree(installation, runs)
    _assert_objects_are_whole(installation)
    _assert_metrics_agree(installation, runs)


def _runs_at_rest(installation: Installation) -> set[str] | None:
    """The runs so far; None while one of them, or its record, is not finished."""
    runs = installation.dagster.get_runs()
    records = [installation.stores.executions.get(run.run_id) for run in runs]
    if any(run.status not in FINISHED for run in runs):
        return None
    if any(record is None or not record.is_final for record in records):
        return None
    return {run.run_id for run in runs}


def _runs(installation: Installation) -> list[_Run]:
    found = []
    for run in installation.dagster.get_runs():
        record = installation.stores.executions.get(run.run_id)
        assert record is not None
        one = _Run(run, record)
        for entry in installation.dagster.all_logs(run.run_id, of_type={_MATERIALIZED, _CHECKED}):
            event = entry.dagster_event
            assert event is not None
            if event.event_type == _MATERIALIZED:
                made = event.step_materialization_data.materialization
                key = (made.asset_key.to_user_string(), str(made.partition))
                assert key not in one.made, f"{run.run_id} made {key} twice"
                one.made[key] = made
            elif event.asset_check_evaluation_data.check_name == "metrics_delivered":
                one.reported_metrics = True
        found.append(one)
    return sorted(found, key=lambda one: one.record.started_at)


def _assert_records_agree(installation: Installation, runs: list[_Run]) -> None:
    """One record a run and none besides, with Dagster's status, days and trigger."""
    executions = installation.stores.executions
    recorded = [record for status in FINAL_STATUSES for record in executions.by_status(status)]
    assert executions.unfinished() == []
    assert {record.execution_id for record in recorded} == {one.run.run_id for one in runs}
    for one in runs:
        record = one.record
        assert (record.status, record.partition_start, record.partition_end, record.trigger) == (
            RECORD_STATUS[one.run.status],
            *one.days,
            trigger_of(one.run.tags),
        ), record
        assert installation.ui.run_status(one.run.run_id) == one.run.status.value
        assert record.completed_at is not None
        assert record.started_at <= record.completed_at
        assert record.metrics_error is None
        assert (record.status == "completed") == (record.progress == 100), record
        assert (record.status == "completed") == (record.error_type is None), record
        if one.reported_metrics:
            assert record.total_count == sum(
                (
                    record.collected_count or 0,
                    record.skipped_count or 0,
                    record.failed_count or 0,
                    record.rejected_count or 0,
                )
            )


def _assert_days_agree(installation: Installation, runs: list[_Run]) -> None:
    """What Dagster calls materialized is in S3 with the counts that it shows."""
    latest: dict[tuple[str, str], dg.AssetMaterialization] = {}
    for one in runs:
        latest |= one.made
    stores = installation.stores
    for (asset, day), made in latest.items():
        count = made.metadata["dagster/partition_row_count"].value
        moment = datetime.fromisoformat(day).date()
        if asset in _TABLES:
            assert stores.table(asset, moment).height == count, (asset, day)
        elif asset == "listing_pages":
            capture = CaptureStore(stores.lake).latest(moment)
            assert capture is not None
            assert (capture.id, capture.complete, capture.total) == (
                made.metadata["capture"].value,
                True,
                count,
            )
        if asset == "documents":
            table = stores.table(asset, moment)
            kept = set(table.filter(table["status"] == "stored")["s3_key"])
            assert kept == {found.key for found in stores.lake.list(f"documents/date={day}/")}
    for asset in {name for name, _ in latest}:
        shown = {
            str(one)
            for status, first, last in installation.ui.partitions(asset)
            if status == "MATERIALIZED"
            for one in _between(first, last)
        }
        assert shown <= {day for name, day in latest if name == asset}, asset


def _between(first: str, last: str) -> list[str]:
    start, end = (datetime.fromisoformat(day).date() for day in (first, last))
    return [str(start + timedelta(days=number)) for number in range((end - start).days + 1)]


def _assert_objects_are_whole(installation: Installation) -> None:
    """Also of runs that were killed: each file is what the site has and what its hash says."""
    lake, site = installation.stores.lake, installation.site
    for found in lake.list("documents/"):
        content, told = lake.read(found.key), lake.metadata(found.key)
        assert told is not None
        assert sha256(content) == told["sha256"], found.key
        day = datetime.fromisoformat(found.key.split("date=", 1)[1][:10]).date()
        names = {key: name for name, key in installation.files(day).items()}
        assert content == site.document(names[found.key]), found.key


def _assert_metrics_agree(installation: Installation, runs: list[_Run]) -> None:
    """CloudWatch has the sum of what the runs that came to report have in their records."""
    reported = [one for one in runs if one.reported_metrics]
    wanted: Counter[str] = Counter()
    for one in reported:
        wanted["RunDuration"] += 1
        wanted["DisclosuresCollected"] += one.record.collected_count or 0
        wanted["DisclosuresFailed"] += (one.record.failed_count or 0) + (
            one.record.rejected_count or 0
        )
        wanted["PartitionsFailed"] += one.failed_days
        wanted["DocumentsStored"] += sum(
            int(str(made.metadata["fetched_now"].value))
            for (asset, _), made in one.made.items()
            if asset == "documents"
        )
    if any(one.record.failed_count for one in reported):
        # Of a day with a failed file there is no materialization that tells what was fetched.
        wanted.pop("DocumentsStored", None)
    found = {
        name: sent(installation, name, "SampleCount" if name == "RunDuration" else "Sum")
        for name in wanted
    }
    assert found == dict(wanted), (found, dict(wanted))


def sent(installation: Installation, name: str, statistic: str) -> float:
    margin = timedelta(minutes=2)
    points = installation.stores.metrics.statistics(
        name,
        start=installation.since - margin,
        end=datetime.now(UTC) + margin,
        statistic=statistic,
    )
    return sum(value for _, value in points)
