import dataclasses
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from botocore.exceptions import ClientError

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.executions import (
    ERROR_MESSAGE_LIMIT,
    LEASE,
    PARTITION_INDEX,
    PROCESS_VANISHED,
    STATUS_INDEX,
    TTL_ATTRIBUTE,
    ExecutionRecord,
    ExecutionsResource,
    table_definition,
)

START = datetime(2026, 2, 13, 9, 0, 0, 123_456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RUN = "3f1c7a52-0000-4000-8000-000000000001"


def stored_item(executions: ExecutionsResource, execution_id: str = RUN) -> dict[str, Any]:
    answer = clients.client(executions.config, "dynamodb").get_item(
        TableName=executions.config.executions_table,
        Key={"execution_id": {"S": execution_id}},
        ConsistentRead=True,
    )
    item: dict[str, Any] = answer["Item"]
    return item


def stored(executions: ExecutionsResource, execution_id: str = RUN) -> ExecutionRecord:
    record = executions.get(execution_id)
    assert record is not None
    return record


def in_threads(*actions: Callable[[], object]) -> list[BaseException]:
    barrier = threading.Barrier(len(actions))
    errors: list[BaseException] = []

    def run(action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - given to the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_the_first_write_sets_started_at_in_utc_with_milliseconds(
    executions: ExecutionsResource,
) -> None:
    record = executions.start(RUN, now=START)

    assert record.started_at == datetime(2026, 2, 13, 9, 0, 0, 123_000, tzinfo=UTC)
    assert stored_item(executions)["started_at"] == {"S": "2026-02-13T09:00:00.123Z"}
    assert stored(executions) == record


def test_a_time_on_the_full_second_still_has_milliseconds_so_that_text_order_is_time_order(
    executions: ExecutionsResource,
) -> None:
    executions.start(RUN, now=START.replace(microsecond=0))

    assert stored_item(executions)["started_at"] == {"S": "2026-02-13T09:00:00.000Z"}


def test_a_time_of_another_zone_is_stored_in_utc(executions: ExecutionsResource) -> None:
    japan = datetime.fromisoformat("2026-02-13T18:00:00.123+09:00")

    executions.start(RUN, now=japan)

    assert stored_item(executions)["started_at"] == {"S": "2026-02-13T09:00:00.123Z"}


def test_one_update_keeps_started_at_and_moves_updated_at(executions: ExecutionsResource) -> None:
    first = executions.start(RUN, now=START)

    record = executions.progress(RUN, 10, now=START + 5 * SECOND)

    assert record.started_at == first.started_at
    assert record.updated_at == first.updated_at + 5 * SECOND
    assert record.completed_at is None


def test_many_updates_keep_started_at(executions: ExecutionsResource) -> None:
    first = executions.record(RUN, status="pending", now=START)

    executions.start(RUN, now=START + SECOND)
    for percent in range(0, 100, 5):
        record = executions.progress(RUN, percent, now=START + (2 + percent) * SECOND)
        assert record.started_at == first.started_at
    final = executions.finish(RUN, "completed", now=START + 200 * SECOND)

    assert final.started_at == first.started_at
    assert final.completed_at == final.updated_at == first.started_at + 200 * SECOND
    assert stored(executions) == final


def test_a_completed_record_has_progress_100_and_a_failed_one_keeps_what_was_reached(
    executions: ExecutionsResource,
) -> None:
    executions.progress("completed", 40)
    executions.progress("failed", 40)

    assert executions.finish("completed", "completed").progress == 100
    assert executions.finish("failed", "failed").progress == 40


def test_a_late_running_after_completed_changes_nothing(executions: ExecutionsResource) -> None:
    executions.start(RUN, now=START)
    final = executions.finish(RUN, "completed", collected_count=2_694, now=START + 9 * SECOND)

    late = executions.progress(RUN, 50, collected_count=9_999, now=START + 20 * SECOND)

    assert late == final
    assert stored(executions) == final
    assert final.status == "completed"
    assert final.is_final


def test_a_late_pending_does_not_put_a_running_record_back(executions: ExecutionsResource) -> None:
    executions.start(RUN, now=START + SECOND)

    record = executions.record(RUN, status="pending", job_name="tdnet_daily", now=START)

    assert record.status == "running"
    assert record.job_name == "tdnet_daily"
    assert record.updated_at == record.started_at


def test_a_late_progress_report_never_lowers_progress_or_counts(
    executions: ExecutionsResource,
) -> None:
    executions.progress(RUN, 60, collected_count=600, failed_count=0, now=START + 9 * SECOND)

    record = executions.progress(RUN, 30, collected_count=300, failed_count=2, now=START)

    assert (record.progress, record.collected_count, record.failed_count) == (60, 600, 2)
    assert record.updated_at == record.started_at
    assert stored(executions) == record


def test_a_write_that_says_nothing_of_the_status_leaves_it(executions: ExecutionsResource) -> None:
    assert executions.record(RUN, total_count=5).status == "pending"
    executions.start(RUN)

    assert executions.record(RUN, total_count=6).status == "running"


def test_a_run_never_ends_before_it_started_when_clocks_disagree(
    executions: ExecutionsResource,
) -> None:
    executions.start(RUN, now=START)

    record = executions.finish(RUN, "canceled", now=START - 30 * SECOND)

    assert record.completed_at == record.started_at


def test_losing_the_race_for_the_final_status_returns_the_winner_and_is_no_error(
    executions: ExecutionsResource,
) -> None:
    executions.start(RUN)
    winner = executions.finish(RUN, "failed", error_type="HostGone", error_message="gone")

    loser = executions.finish(RUN, "completed", collected_count=7)

    assert loser == winner == stored(executions)
    assert (loser.status, loser.error_type, loser.collected_count) == ("failed", "HostGone", None)


def test_of_many_simultaneous_final_writes_exactly_one_wins_as_a_whole(
    executions: ExecutionsResource,
) -> None:
    executions.start(RUN, now=START)
    statuses = ("completed", "failed", "canceled") * 4
    answers: list[ExecutionRecord] = []

    errors = in_threads(
        *(
            lambda status=status, number=number: answers.append(
                executions.finish(
                    RUN,
                    status,
                    error_type=f"{status}-{number}",
                    collected_count=number,
                    now=START + number * SECOND,
                )
            )
            for number, status in enumerate(statuses)
        )
    )

    final = stored(executions)
    number = final.collected_count
    assert errors == []
    assert number is not None
    assert (final.status, final.error_type) == (statuses[number], f"{statuses[number]}-{number}")
    assert final.completed_at == final.started_at + number * SECOND
    assert answers == [final] * len(statuses)


def test_fifty_writers_at_once_end_at_the_largest_of_everything(
    executions: ExecutionsResource,
) -> None:
    errors = in_threads(
        *(
            lambda number=number: executions.progress(
                RUN,
                number,
                collected_count=number * 10,
                skipped_count=(number * 17) % 50,
                failed_count=49 - number,
                now=START + number * SECOND,
            )
            for number in range(50)
        )
    )

    record = stored(executions)
    assert errors == []
    assert (record.progress, record.collected_count) == (49, 490)
    assert (record.skipped_count, record.failed_count) == (49, 49)
    assert record.updated_at == datetime(2026, 2, 13, 9, 0, 49, 123_000, tzinfo=UTC)
    assert record.started_at in {record.updated_at - number * SECOND for number in range(50)}


EVERYTHING = {
    "status": "failed",
    "progress": 97,
    "total_count": 2_694,
    "collected_count": 2_600,
    "skipped_count": 80,
    "failed_count": 13,
    "rejected_count": 1,
    "partition_start": "2026-02-13",
    "partition_end": "2026-02-15",
    "job_name": "tdnet_daily",
    "trigger": "backfill",
    "root_execution_id": "3f1c7a52-0000-4000-8000-000000000000",
    "error_type": "IncompleteListError",
    "error_message": "全2694件 but 2693 rows were read: materialize again",
    "metrics_error": "AccessDenied: namespace 'TDnet'",
    "dagster_url": "http://127.0.0.1:3000/runs/3f1c7a52",
}


def test_every_field_written_is_read_back_by_key_and_by_both_indexes(
    executions: ExecutionsResource,
) -> None:
    executions.start(RUN, now=START)
    executions.record(RUN, **EVERYTHING, now=START + 60 * SECOND)

    moment = START.replace(microsecond=123_000)
    expected = ExecutionRecord(
        execution_id=RUN,
        started_at=moment,
        updated_at=moment + 60 * SECOND,
        completed_at=moment + 60 * SECOND,
        environment="local",
        ttl=int(START.timestamp()) + 90 * 24 * 3_600,
        **EVERYTHING,
    )
    assert None not in dataclasses.asdict(expected).values()
    assert executions.get(RUN) == expected
    assert executions.by_status("failed") == [expected]
    assert executions.by_partition("2026-02-13") == [expected]
    assert executions.by_status("running") == []
    assert executions.by_partition("2026-02-14") == []


def test_counts_are_numbers_in_the_table_and_what_was_not_said_is_absent(
    executions: ExecutionsResource,
) -> None:
    executions.start(RUN, total_count=0)

    item = stored_item(executions)
    assert item["total_count"] == {"N": "0"}
    assert stored(executions).total_count == 0
    assert "collected_count" not in item
    assert stored(executions).collected_count is None


def test_descriptive_fields_keep_their_first_value(executions: ExecutionsResource) -> None:
    executions.record(RUN, job_name="tdnet_daily", trigger="manual", partition_start="2026-02-13")

    record = executions.start(
        RUN, job_name="__ASSET_JOB", trigger="sensor", partition_start="2026-02-14", dagster_url="u"
    )

    assert (record.job_name, record.trigger) == ("tdnet_daily", "manual")
    assert (record.partition_start, record.dagster_url) == ("2026-02-13", "u")


def test_the_expiry_is_set_once_ninety_days_after_the_first_write(
    executions: ExecutionsResource,
) -> None:
    executions.start(RUN, now=START)
    executions.progress(RUN, 50, now=START + timedelta(days=3))

    expiry = int(stored_item(executions)[TTL_ATTRIBUTE]["N"])

    assert datetime.fromtimestamp(expiry, UTC) == datetime(2026, 5, 14, 9, tzinfo=UTC)


def test_a_long_error_message_is_cut_and_says_so(executions: ExecutionsResource) -> None:
    record = executions.finish(RUN, "failed", error_message="表" * 5_000, metrics_error="x" * 2_000)

    assert record.error_message == "表" * (ERROR_MESSAGE_LIMIT - 1) + "…"
    assert record.metrics_error == "x" * 2_000


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"status": "done"}, "'done'.*pending, running, completed"),
        ({"progress": 101}, "progress is 101"),
        ({"progress": -1}, "progress is -1"),
        ({"progress": 33.3}, r"progress is 33\.3"),
        ({"collected_count": -1}, "collected_count is -1"),
        ({"rejected_count": 1.5}, r"rejected_count is 1\.5"),
        ({"trigger": "cron"}, "'cron'.*manual, backfill, sensor, schedule"),
        ({"now": datetime(2026, 2, 13, 9)}, "no time zone"),  # noqa: DTZ001 - the case itself
    ],
)
def test_values_out_of_range_are_refused_with_what_was_seen_and_nothing_is_written(
    executions: ExecutionsResource, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        executions.record(RUN, **values)

    assert executions.get(RUN) is None


def test_an_empty_execution_id_and_a_finish_that_is_none_are_refused(
    executions: ExecutionsResource,
) -> None:
    with pytest.raises(ValueError, match="execution_id is empty"):
        executions.start("")
    with pytest.raises(ValueError, match="'running' is not a final status"):
        executions.finish(RUN, "running")
    with pytest.raises(ValueError, match="'succeeded'"):
        executions.by_status("succeeded")


def test_a_missing_record_is_none(executions: ExecutionsResource) -> None:
    assert executions.get("never-started") is None


def test_the_read_by_key_asks_for_consistency(executions: ExecutionsResource) -> None:
    asked: list[bool] = []
    executions.start(RUN)
    executions.client.meta.events.register(
        "provide-client-params.dynamodb.GetItem",
        lambda params, **_: asked.append(params["ConsistentRead"]),
    )

    executions.get(RUN)

    assert asked == [True]


def test_a_write_that_adds_nothing_is_asked_once_and_not_repeated(
    executions: ExecutionsResource,
) -> None:
    requests: list[str] = []
    executions.progress(RUN, 50, now=START + SECOND)
    executions.client.meta.events.register(
        "before-call.dynamodb.UpdateItem", lambda **_: requests.append("UpdateItem")
    )

    executions.progress(RUN, 40, now=START)

    assert requests == ["UpdateItem"]


def test_records_of_a_status_come_newest_first_or_oldest_first_and_limited(
    executions: ExecutionsResource,
) -> None:
    for number in range(5):
        executions.start(f"run-{number}", now=START + number * SECOND)

    assert [r.execution_id for r in executions.by_status("running", limit=2)] == ["run-4", "run-3"]
    oldest = executions.by_status("running", newest_first=False)
    assert [r.execution_id for r in oldest] == [f"run-{number}" for number in range(5)]


@pytest.mark.slow
def test_every_page_of_an_index_is_followed(executions: ExecutionsResource) -> None:
    # Some 4 KB each, so that one page of 1 MB cannot hold them.
    for number in range(300):
        executions.start(
            f"run-{number:03}",
            partition_start="2026-02-13",
            error_message="x" * 2_000,
            metrics_error="y" * 2_000,
            now=START + number * SECOND,
        )

    first_page = clients.client(executions.config, "dynamodb").query(
        TableName=executions.config.executions_table,
        IndexName=PARTITION_INDEX,
        KeyConditionExpression="partition_start = :day",
        ExpressionAttributeValues={":day": {"S": "2026-02-13"}},
    )
    assert len(first_page["Items"]) < 300
    assert len(executions.by_status("running")) == 300
    newest = executions.by_partition("2026-02-13", limit=290)
    assert [r.execution_id for r in newest] == [f"run-{n:03}" for n in range(299, 9, -1)]


def test_unfinished_means_pending_and_running(executions: ExecutionsResource) -> None:
    executions.record("queued", status="pending")
    executions.start("going")
    executions.finish("ended", "canceled")

    assert {r.execution_id for r in executions.unfinished()} == {"queued", "going"}


def test_a_record_whose_process_vanished_is_ended_as_failed_and_says_what_to_do(
    executions: ExecutionsResource,
) -> None:
    executions.start(RUN, now=START)
    silent = executions.progress(RUN, 42, collected_count=420, now=START + 30 * SECOND)
    verdict = START + 30 * SECOND + LEASE

    record = executions.presume_vanished(silent, verdict)

    assert record is not None
    assert stored(executions) == record
    assert (record.status, record.error_type) == ("failed", PROCESS_VANISHED)
    assert record.is_guess
    assert record.error_message is not None
    assert "2026-02-13T09:00:30.123Z" in record.error_message
    assert "materialize the same days again: only the rest is fetched" in record.error_message
    assert (record.progress, record.collected_count) == (42, 420)
    assert record.completed_at == verdict.replace(microsecond=123_000)
    assert record.updated_at == silent.updated_at
    assert executions.presume_vanished(silent, verdict) is None
    assert executions.presume_vanished(record, verdict) is None


def test_a_pending_record_whose_run_is_gone_is_ended_as_canceled_and_says_why(
    executions: ExecutionsResource,
) -> None:
    silent = executions.record(RUN, status="pending", job_name="tdnet_daily", now=START)

    record = executions.presume_vanished(silent, START + LEASE)

    assert record is not None
    assert (record.status, record.error_type) == ("canceled", PROCESS_VANISHED)
    assert record.error_message == (
        "the run was deleted in Dagster before it began; "
        "materialize the same days again: only the rest is fetched"
    )
    assert executions.start(RUN, now=START + 2 * LEASE).status == "running"


def test_a_verdict_of_a_clock_that_is_behind_does_not_end_a_run_before_it_was_last_heard_of(
    executions: ExecutionsResource,
) -> None:
    silent = executions.start(RUN, now=START)

    record = executions.presume_vanished(silent, START - 75 * SECOND)

    assert record is not None
    assert record.completed_at == silent.updated_at


def test_a_record_that_comes_back_between_the_look_and_the_verdict_lives_on(
    executions: ExecutionsResource,
) -> None:
    silent = executions.start(RUN, now=START)
    executions.progress(RUN, 50, now=START + SECOND)

    assert executions.presume_vanished(silent, START + 10 * LEASE) is None
    record = stored(executions)
    assert (record.status, record.progress, record.error_type) == ("running", 50, None)


def test_a_record_that_ends_by_itself_before_the_verdict_keeps_its_own_ending(
    executions: ExecutionsResource,
) -> None:
    silent = executions.start(RUN, now=START)
    # At the very time that was seen: only the final status can tell the two apart.
    executions.finish(RUN, "completed", now=START)

    assert executions.presume_vanished(silent, START + 10 * LEASE) is None
    assert stored(executions).status == "completed"


def test_several_observers_at_once_end_a_silent_record_once(executions: ExecutionsResource) -> None:
    silent = executions.start(RUN, now=START)
    verdicts: list[ExecutionRecord | None] = []

    def presume() -> None:
        verdicts.append(executions.presume_vanished(silent, START + 10 * LEASE))

    assert in_threads(*[presume] * 8) == []
    assert [verdict for verdict in verdicts if verdict] == [stored(executions)]


@pytest.mark.parametrize("ending", ["completed", "failed", "canceled"])
def test_the_run_s_own_end_replaces_a_guess_as_a_whole(
    executions: ExecutionsResource, ending: str
) -> None:
    silent = executions.progress(RUN, 40, now=START)
    executions.presume_vanished(silent, START + 10 * LEASE)
    error = {} if ending == "completed" else {"error_type": "HostGone", "error_message": "gone"}

    record = executions.finish(RUN, ending, collected_count=7, now=START + LEASE, **error)

    assert record == stored(executions)
    assert (record.status, record.collected_count) == (ending, 7)
    assert record.progress == (100 if ending == "completed" else 40)
    assert (record.error_type, record.error_message) == (
        error.get("error_type"),
        error.get("error_message"),
    )
    assert record.started_at == silent.started_at
    assert record.completed_at == record.updated_at == silent.updated_at + LEASE
    # From here on it is final.
    assert executions.finish(RUN, "failed", error_type="Late", now=START + 20 * LEASE) == record


def test_the_run_s_own_progress_takes_a_guess_back(executions: ExecutionsResource) -> None:
    silent = executions.progress(RUN, 40, now=START)
    executions.presume_vanished(silent, START + LEASE)

    record = executions.progress(RUN, 30, now=START + 2 * LEASE)

    assert record == stored(executions)
    assert (record.status, record.progress) == ("running", 40)
    assert (record.completed_at, record.error_type, record.error_message) == (None, None, None)
    assert record.started_at == silent.started_at


def test_that_a_run_was_queued_does_not_take_a_guess_back(executions: ExecutionsResource) -> None:
    guess = executions.presume_vanished(executions.start(RUN, now=START), START + LEASE)

    assert executions.record(RUN, status="pending", now=START + 2 * LEASE) == guess
    assert executions.record(RUN, total_count=3, now=START + 2 * LEASE) == guess
    assert stored(executions) == guess


@pytest.mark.parametrize("error_type", [None, "HostGone"])
def test_an_ending_that_is_no_guess_is_never_taken_back(
    executions: ExecutionsResource, error_type: str | None
) -> None:
    executions.start(RUN, now=START)
    final = executions.finish(RUN, "failed", error_type=error_type, now=START + SECOND)

    assert not final.is_guess
    assert executions.progress(RUN, 50, now=START + LEASE) == final
    assert executions.finish(RUN, "completed", now=START + LEASE) == final
    assert executions.presume_vanished(final, START + LEASE) is None
    assert stored(executions) == final


def test_a_server_that_sends_no_item_with_its_refusal_is_asked_for_it(
    executions: ExecutionsResource,
) -> None:
    def without_item(params: dict[str, Any], **_: object) -> None:
        params.pop("ReturnValuesOnConditionCheckFailure")

    reads: list[bool] = []
    events = executions.client.meta.events
    events.register("provide-client-params.dynamodb.UpdateItem", without_item)
    events.register(
        "provide-client-params.dynamodb.GetItem",
        lambda params, **_: reads.append(params["ConsistentRead"]),
    )
    executions.progress(RUN, 60, collected_count=600, now=START + 9 * SECOND)

    late = executions.progress(RUN, 30, collected_count=700, now=START)
    final = executions.finish(RUN, "completed", now=START + 10 * SECOND)

    assert (late.progress, late.collected_count) == (60, 700)
    assert executions.progress(RUN, 70, now=START + 20 * SECOND) == final
    assert reads == [True, True]


@pytest.mark.parametrize("status", ["pending", "running", "completed", "failed", "canceled"])
def test_an_error_is_kept_in_every_status(executions: ExecutionsResource, status: str) -> None:
    executions.record(RUN, status=status, error_type="HostGone", error_message="gone", now=START)

    (record,) = executions.by_status(status)

    assert (record.error_type, record.error_message) == ("HostGone", "gone")


def test_an_item_of_another_hand_is_refused_with_its_name_and_what_is_missing() -> None:
    item = {"execution_id": {"S": RUN}, "status": {"S": "running"}}

    with pytest.raises(ValueError, match=f"'{RUN}' has no started_at"):
        ExecutionRecord.from_item(item)


def test_attributes_that_the_record_does_not_know_are_passed_over(
    executions: ExecutionsResource,
) -> None:
    record = executions.start(RUN)
    clients.client(executions.config, "dynamodb").update_item(
        TableName=executions.config.executions_table,
        Key={"execution_id": {"S": RUN}},
        UpdateExpression="SET note = :note",
        ExpressionAttributeValues={":note": {"BOOL": True}},
    )

    assert stored(executions) == record
    assert executions.start(RUN, now=START).started_at == record.started_at


def test_a_table_that_does_not_exist_is_an_error_and_not_a_missing_record(
    platform_config: PlatformConfig,
) -> None:
    executions = ExecutionsResource(config=platform_config)

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        executions.get(RUN)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        executions.start(RUN)


def test_the_table_is_what_its_definition_says(executions: ExecutionsResource) -> None:
    table = clients.client(executions.config, "dynamodb").describe_table(
        TableName=executions.config.executions_table
    )["Table"]

    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [{"AttributeName": "execution_id", "KeyType": "HASH"}]
    assert {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in table["GlobalSecondaryIndexes"]
    } == {
        STATUS_INDEX: ["status", "started_at"],
        PARTITION_INDEX: ["partition_start", "started_at"],
    }
    assert {index["Projection"]["ProjectionType"] for index in table["GlobalSecondaryIndexes"]} == {
        "ALL"
    }
    assert table_definition(executions.config)["TableName"] == table["TableName"]


def test_the_resource_works_inside_a_dagster_run_and_makes_one_client(
    executions: ExecutionsResource, platform_config: PlatformConfig
) -> None:
    clients: list[int] = []

    @dg.asset
    def reporting(
        context: dg.AssetExecutionContext, executions: dg.ResourceParam[ExecutionsResource]
    ) -> None:
        executions.start(context.run.run_id, total_count=3)
        executions.finish(context.run.run_id, "completed")
        clients.extend(id(executions.client) for _ in range(2))

    result = dg.materialize(
        [reporting],
        resources={
            "config": platform_config,
            "executions": ExecutionsResource(config=platform_config),
        },
    )

    assert result.success
    record = stored(executions, result.run_id)
    assert (record.status, record.total_count, record.progress) == ("completed", 3, 100)
    assert len(set(clients)) == 1
