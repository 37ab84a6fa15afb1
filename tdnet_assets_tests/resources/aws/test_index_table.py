import dataclasses
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws.index_table import (
    DisclosureIndexResource,
    IndexedDisclosure,
    IndexThrottledError,
    IndexWrite,
    table_definition,
)
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.local.aws_clients import client

DAY, NEXT_DAY = date(2026, 6, 10), date(2026, 6, 11)
UNCHANGED = IndexWrite(put=0, deleted=0, unchanged=3)


@pytest.fixture
def index(platform_config: PlatformConfig) -> DisclosureIndexResource:
    client(platform_config, "dynamodb").create_table(**table_definition(platform_config))
    # The pauses have a test of their own; all others need not wait.
    return DisclosureIndexResource(config=platform_config, backoff_floor_seconds=0)


def disclosure(number: int, day: date = DAY, **changes: Any) -> IndexedDisclosure:
    """One of a day; the higher its number, the later."""
    disclosed_at = datetime(day.year, day.month, day.day, 15, tzinfo=TOKYO)
    values: dict[str, Any] = {
        "disclosure_id": f"20260601{number:06d}",
        "date": day,
        "disclosed_at": disclosed_at + timedelta(minutes=number % 480),
        "code": "72030",
        "company_name": "Ｇ－見本",
        "title": "業績予想の修正に関するお知らせ",
        "previous_titles": ("業績予想の修正", "業績"),
        "category": "forecast_revision",
        "status": "retitled",
        "is_correction": False,
        "exchanges": ("東", "名"),
        "pdf_key": f"documents/date={day}/{number}.pdf",
        "pdf_stored": True,
        "xbrl_key": None,
        "xbrl_stored": False,
        "changed_at": disclosed_at,
    }
    return IndexedDisclosure(**values | changes)


def day_of(count: int, day: date = DAY, **changes: Any) -> list[IndexedDisclosure]:
    return [disclosure(number, day, **changes) for number in range(count)]


def newest_first(rows: list[IndexedDisclosure]) -> list[IndexedDisclosure]:
    return sorted(rows, key=lambda row: row.position, reverse=True)


@pytest.fixture
def writes(index: DisclosureIndexResource) -> Iterator[list[str]]:
    """The operations that the resource sends to change something."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        if model.name.startswith(("BatchWrite", "Put", "Update", "Delete", "Transact")):
            seen.append(model.name)

    index.client.meta.events.register("before-call.dynamodb", note)
    yield seen
    index.client.meta.events.unregister("before-call.dynamodb", note)


def leave_unprocessed(
    index: DisclosureIndexResource, operation: str, left: str, times: int
) -> list[int]:
    """Make the server's answer say that it has left a part of the batch, as AWS does when busy.

    What it says is true: that part is taken out of the request before it is sent. The list gets
    the size of every request.
    """
    sizes: list[int] = []
    events = index.client.meta.events
    table = index.config.disclosures_table
    withheld: list[Any] = []

    def withhold(params: dict[str, Any], **_: Any) -> None:
        body = json.loads(params["body"])
        asked = body["RequestItems"][table]
        batch = asked["Keys"] if isinstance(asked, dict) else asked
        sizes.append(len(batch))
        keep = len(batch) // 2 + 1 if len(sizes) <= times else len(batch)
        withheld[:] = [{**asked, "Keys": batch[keep:]} if isinstance(asked, dict) else batch[keep:]]
        withheld[:] = withheld if batch[keep:] else []
        del batch[keep:]
        params["body"] = json.dumps(body).encode()

    def answer(parsed: dict[str, Any], **_: Any) -> None:
        if withheld:
            parsed[left] = {table: withheld[0]}

    events.register(f"before-call.dynamodb.{operation}", withhold)
    events.register(f"after-call.dynamodb.{operation}", answer)
    return sizes


def test_a_disclosure_is_found_by_its_id_with_every_field(index: DisclosureIndexResource) -> None:
    one = disclosure(1)
    bare = disclosure(
        2,
        previous_titles=(),
        exchanges=(),
        pdf_key=None,
        pdf_stored=False,
        changed_at=None,
        title="",
    )
    index.replace_day(DAY, [one, bare])

    assert index.get(one.disclosure_id) == one
    assert index.get(bare.disclosure_id) == bare
    assert index.get("20260601999999") is None
    found = index.get(one.disclosure_id)
    assert found is not None
    assert found.disclosed_at.tzinfo is TOKYO
    assert f"{found.disclosed_at:%H:%M}" == "15:01"


def test_a_code_is_read_newest_first_over_days_and_page_by_page(
    index: DisclosureIndexResource,
) -> None:
    # The later day's ids are the smaller ones: an id's own date means nothing.
    rows = [disclosure(number) for number in range(100, 104)]
    later = [disclosure(number, NEXT_DAY) for number in range(3)]
    index.replace_day(NEXT_DAY, [*later, disclosure(9, NEXT_DAY, code="72034")])
    index.replace_day(DAY, [*rows, disclosure(10, code="141A0")])

    first = index.by_code("72030", limit=4)
    second = index.by_code("72030", limit=4, before=first[-1].position)

    assert first + second == newest_first(later) + newest_first(rows)
    assert index.by_code("72030", limit=4, before=second[-1].position) == []
    assert index.by_code("72030", before=str(NEXT_DAY)) == newest_first(rows)
    assert [row.disclosure_id for row in index.by_code("141A0")] == ["20260601000010"]
    assert len(index.by_code("72034")) == 1
    assert index.by_code("99990") == []


def test_disclosures_of_one_minute_and_code_are_all_found_in_a_fixed_order(
    index: DisclosureIndexResource,
) -> None:
    moment = datetime(2026, 6, 10, 15, 30, tzinfo=TOKYO)
    rows = day_of(30, disclosed_at=moment)
    index.replace_day(DAY, rows)

    found = [index.by_code("72030", limit=7)]
    while found[-1]:
        found.append(index.by_code("72030", limit=7, before=found[-1][-1].position))

    assert [row for page in found for row in page] == newest_first(rows)


@pytest.mark.slow
def test_a_day_of_2694_is_read_back_newest_first(index: DisclosureIndexResource) -> None:
    rows = day_of(2694)

    write = index.replace_day(DAY, rows)

    assert write == IndexWrite(put=2694, deleted=0, unchanged=0)
    assert index.by_day(DAY) == newest_first(rows)
    assert index.by_day(NEXT_DAY) == []


def test_a_day_before_nine_in_the_morning_is_ordered_in_tokyo_time(
    index: DisclosureIndexResource,
) -> None:
    early = disclosure(1, disclosed_at=datetime(2026, 6, 10, 0, 5, tzinfo=TOKYO))
    before = disclosure(2, date(2026, 6, 9))
    index.replace_day(DAY, [early])
    index.replace_day(before.date, [before])

    assert index.by_code("72030") == [early, before]
    assert early.position == "2026-06-10T00:05:00/20260601000001"


def test_an_unchanged_day_writes_nothing(index: DisclosureIndexResource, writes: list[str]) -> None:
    index.replace_day(DAY, day_of(3), source="one")
    writes.clear()

    assert index.replace_day(DAY, reversed(day_of(3)), source="one") == UNCHANGED
    assert writes == []


def test_only_what_differs_is_written(index: DisclosureIndexResource) -> None:
    index.replace_day(DAY, day_of(60))
    rows = day_of(61)[1:]
    rows[4] = dataclasses.replace(rows[4], title="訂正", is_correction=True)
    sizes = leave_unprocessed(index, "BatchWriteItem", "UnprocessedItems", 0)

    assert index.replace_day(DAY, rows) == IndexWrite(put=2, deleted=1, unchanged=58)
    assert sizes == [2]
    assert index.by_day(DAY) == newest_first(rows)


def test_a_row_that_vanished_is_found_nowhere(index: DisclosureIndexResource) -> None:
    index.replace_day(DAY, day_of(3))

    assert index.replace_day(DAY, []) == IndexWrite(put=0, deleted=3, unchanged=0)

    assert index.get(disclosure(1).disclosure_id) is None
    assert index.by_code("72030") == []
    assert index.by_day(DAY) == []


def test_an_item_that_the_index_does_not_show_yet_is_deleted_all_the_same(
    index: DisclosureIndexResource,
) -> None:
    index.replace_day(DAY, day_of(3))

    def trail(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Items"] = []

    # A secondary index that trails, as on AWS; the embedded one never does.
    index.client.meta.events.register("after-call.dynamodb.Query", trail)

    assert index.replace_day(DAY, day_of(2)).deleted == 1
    assert index.get(disclosure(2).disclosure_id) is None


def test_what_is_compared_and_what_is_looked_up_is_read_consistently(
    index: DisclosureIndexResource,
) -> None:
    asked: list[bool] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        tables = params.get("RequestItems", {"": params})
        asked.extend(request.get("ConsistentRead", False) for request in tables.values())

    for operation in ("GetItem", "BatchGetItem"):
        index.client.meta.events.register(f"provide-client-params.dynamodb.{operation}", note)
    index.replace_day(DAY, day_of(1))
    index.get(disclosure(0).disclosure_id)
    index.sources([DAY])

    assert asked == [True] * 4  # the register, the items, one item, the sources


def test_a_day_s_new_items_are_registered_before_they_are_put(
    index: DisclosureIndexResource, writes: list[str]
) -> None:
    index.replace_day(DAY, day_of(3), source="one")

    assert writes == ["UpdateItem", "BatchWriteItem", "UpdateItem"]


def test_an_item_that_another_hand_put_there_is_deleted(index: DisclosureIndexResource) -> None:
    index.replace_day(DAY, day_of(3))
    client(index.config, "dynamodb").put_item(
        TableName=index.config.disclosures_table, Item=disclosure(77).to_item()
    )

    assert index.replace_day(DAY, day_of(3)) == IndexWrite(put=0, deleted=1, unchanged=3)
    assert index.by_day(DAY) == newest_first(day_of(3))


def test_an_item_that_another_hand_deleted_comes_back(index: DisclosureIndexResource) -> None:
    index.replace_day(DAY, day_of(3), source="one")
    client(index.config, "dynamodb").delete_item(
        TableName=index.config.disclosures_table, Key={"disclosure_id": {"S": "20260601000001"}}
    )

    assert index.replace_day(DAY, day_of(3), source="one").put == 1
    assert index.by_day(DAY) == newest_first(day_of(3))


def test_a_writer_cut_off_after_its_first_batch_is_mended_by_the_next_one(
    index: DisclosureIndexResource,
) -> None:
    index.replace_day(DAY, day_of(3), source="one")
    sizes: list[int] = []

    def fail_the_second(**_: Any) -> None:
        sizes.append(1)
        if len(sizes) > 1:
            raise KeyboardInterrupt

    events = index.client.meta.events
    events.register("before-call.dynamodb.BatchWriteItem", fail_the_second)
    with pytest.raises(KeyboardInterrupt):
        index.replace_day(DAY, day_of(60), source="two")
    events.unregister("before-call.dynamodb.BatchWriteItem", fail_the_second)

    assert index.sources([DAY]) == {DAY: "one"}
    assert len(index.by_day(DAY)) == 28
    # What that writer put and what it never came to put are both known, and gone.
    assert index.replace_day(DAY, day_of(2), source="one").deleted == 26
    assert index.by_day(DAY) == newest_first(day_of(2))


@pytest.mark.parametrize("operation", ["BatchWriteItem", "BatchGetItem"])
def test_what_dynamodb_leaves_unprocessed_is_sent_again_until_nothing_is_left(
    index: DisclosureIndexResource, operation: str
) -> None:
    if operation == "BatchGetItem":
        index.replace_day(DAY, day_of(30))
    left = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}[operation]
    sizes = leave_unprocessed(index, operation, left, times=8)

    write = index.replace_day(DAY, day_of(30))

    expected = {"BatchWriteItem": IndexWrite(30, 0, 0), "BatchGetItem": IndexWrite(0, 0, 30)}
    assert write == expected[operation]
    if operation == "BatchWriteItem":
        assert sizes == [25, 12, 5, 2, 5, 2]
    else:
        assert sizes == [1, 30, 14, 6, 2]  # the register, then the items
    assert index.by_day(DAY) == newest_first(day_of(30))


def test_items_left_again_and_again_end_in_an_error_after_pauses_that_double(
    index: DisclosureIndexResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest: list[float] = []

    def note_and_go_on(_: float, high: float) -> float:
        longest.append(high)
        return 0

    def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = json.loads(params["body"])["RequestItems"]

    def leave_all(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        parsed["UnprocessedItems"] = context["asked"]

    index.client.meta.events.register("before-call.dynamodb.BatchWriteItem", remember)
    index.client.meta.events.register("after-call.dynamodb.BatchWriteItem", leave_all)
    monkeypatch.setattr("random.uniform", note_and_go_on)
    patient = DisclosureIndexResource(config=index.config)
    patient._client = index.client  # noqa: SLF001 - the one with the events

    with pytest.raises(IndexThrottledError, match=r"table .* left items unprocessed 12 times"):
        patient.replace_day(DAY, day_of(3))
    assert longest == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5, 5, 5]


def test_a_row_belongs_to_the_day_that_wrote_it_last(index: DisclosureIndexResource) -> None:
    index.replace_day(DAY, [disclosure(1)])
    index.replace_day(NEXT_DAY, [disclosure(1, NEXT_DAY)])

    assert index.replace_day(DAY, []) == IndexWrite(put=0, deleted=0, unchanged=0)
    assert index.by_day(NEXT_DAY) == [disclosure(1, NEXT_DAY)]
    assert index.by_day(DAY) == []


def test_the_source_of_a_day_is_known_once_it_was_fed_to_its_end(
    index: DisclosureIndexResource,
) -> None:
    index.replace_day(DAY, day_of(2), source="one")
    index.replace_day(NEXT_DAY, [], source="two")
    index.replace_day(date(2026, 6, 12), [], source=None)

    days = [DAY + timedelta(days=number) for number in range(250)]
    assert index.sources(days) == {DAY: "one", NEXT_DAY: "two"}
    index.replace_day(DAY, day_of(2), source=None)
    assert index.sources(days) == {NEXT_DAY: "two"}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (disclosure(1, NEXT_DAY), "is of 2026-06-11"),
        (disclosure(1, disclosure_id="day:2026-06-10"), "is not a disclosure id"),
        (disclosure(1, code="7203"), "has the code '7203'"),
        (disclosure(0), "is there twice"),
        (disclosure(1, disclosed_at=datetime(2026, 6, 10, 15)), "has a time without a zone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_row_that_cannot_be_one_is_refused_before_anything_is_written(
    index: DisclosureIndexResource, row: IndexedDisclosure, problem: str
) -> None:
    with pytest.raises(ValueError, match=rf"a row of 2026-06-10 cannot be indexed: .* {problem}"):
        index.replace_day(DAY, [disclosure(0), row])
    assert index.by_day(DAY) == []


@pytest.mark.parametrize("number", ["", "7203", "day:2026-06-10", "２０２６０６０１００００１１"])
def test_what_is_no_id_is_refused(index: DisclosureIndexResource, number: str) -> None:
    with pytest.raises(ValueError, match="is not a disclosure id: use its 14 digits"):
        index.get(number)


def test_what_is_no_code_or_no_limit_is_refused(index: DisclosureIndexResource) -> None:
    with pytest.raises(ValueError, match="'7203' is not a security code: use its 5 characters"):
        index.by_code("7203")
    with pytest.raises(ValueError, match="limit is 0"):
        index.by_code("72030", limit=0)


def test_an_item_of_another_making_is_refused_with_what_to_do(
    index: DisclosureIndexResource,
) -> None:
    item = disclosure(1).to_item()
    del item["title"]
    client(index.config, "dynamodb").put_item(TableName=index.config.disclosures_table, Item=item)

    with pytest.raises(ValueError, match=r"20260601000001.*'title'.*`tdnet index rebuild`"):
        index.get(disclosure(1).disclosure_id)


def test_a_missing_table_is_an_error_that_names_it(platform_config: PlatformConfig) -> None:
    index = DisclosureIndexResource(config=platform_config)

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        index.replace_day(DAY, day_of(1))


def test_the_table_is_on_demand_and_its_indexes_hold_whole_items(
    platform_config: PlatformConfig,
) -> None:
    definition = table_definition(platform_config)

    assert definition["TableName"] == platform_config.disclosures_table
    assert definition["BillingMode"] == "PAY_PER_REQUEST"
    keys = {
        found["IndexName"]: [key["AttributeName"] for key in found["KeySchema"]]
        for found in definition["GlobalSecondaryIndexes"]
    }
    assert keys == {"by_code": ["code", "position"], "by_day": ["date", "position"]}
    assert {
        found["Projection"]["ProjectionType"] for found in definition["GlobalSecondaryIndexes"]
    } == {"ALL"}


ROWS = st.builds(
    disclosure,
    st.integers(0, 5),
    title=st.text(max_size=4),
    code=st.sampled_from(["72030", "72034", "141A0"]),
    previous_titles=st.lists(st.text(max_size=2), max_size=2).map(tuple),
    changed_at=st.none() | st.just(datetime(2026, 6, 12, 9, 1, tzinfo=TOKYO)),
    is_correction=st.booleans(),
)
REPLACEMENTS = st.lists(
    st.tuples(
        st.sampled_from([DAY, NEXT_DAY]),
        st.lists(ROWS, max_size=4, unique_by=lambda row: row.disclosure_id),
        st.sampled_from([None, "one", "two"]),
    ),
    max_size=5,
)


@settings(
    max_examples=settings().max_examples * 3 // 10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(replacements=REPLACEMENTS)
def test_after_any_replacements_the_table_holds_the_last_rows_of_each_day(
    index: DisclosureIndexResource,
    replacements: list[tuple[date, list[IndexedDisclosure], str | None]],
) -> None:
    for day in (DAY, NEXT_DAY):
        index.replace_day(day, [])
    expected: dict[str, IndexedDisclosure] = {}
    for day, rows, source in replacements:
        moved = [dataclasses.replace(row, date=day) for row in rows]
        before = {number: row for number, row in expected.items() if row.date == day}
        after = {row.disclosure_id: row for row in moved}

        write = index.replace_day(day, moved, source=source)

        assert write == IndexWrite(
            put=sum(expected.get(number) != row for number, row in after.items()),
            deleted=len(before.keys() - after.keys()),
            unchanged=sum(expected.get(number) == row for number, row in after.items()),
        )
        expected = {n: row for n, row in expected.items() if n not in before} | after
        assert index.sources([day]).get(day) == source
    rows_by_code = [row for code in ("72030", "72034", "141A0") for row in index.by_code(code)]
    rows_by_day = [row for day in (DAY, NEXT_DAY) for row in index.by_day(day)]
    assert {row.disclosure_id: row for row in rows_by_code} == expected
    assert {row.disclosure_id: row for row in rows_by_day} == expected
    assert len(rows_by_code) == len(rows_by_day) == len(expected)
