"""What AWS would bill: few metrics in few calls, and a benchmark whose arithmetic holds."""

from datetime import date, timedelta
from math import ceil

import pytest

from benchmarks.aws_proxy import proxy
from benchmarks.cost import (
    MEDIAN,
    MEDIAN_DAY,
    PEAK,
    PEAK_DAY,
    START_SECONDS,
    RunModel,
    month,
    runs_of,
)
from benchmarks.metering import Meter, item_bytes, write_units
from benchmarks.prices import PRICES, Unit, Usage, dollars
from benchmarks.recorded_days import recorder
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.aws.metrics import CATALOGUE
from tdnet_assets.resources.index_feed import feed_day
from tdnet_assets.sample_site.day import planned_day
from tdnet_assets_tests.infrastructure.wire import metric_data, recording_proxy
from tdnet_assets_tests.pipeline import Pipeline

DAY = date(2026, 6, 10)
INDEXES = [("code", "position"), ("date", "position")]


def _item(title="", **changes):
    attributes = {"disclosure_id": "1", "code": "72030", "date": "2026-06-10", "position": "15:30"}
    return {name: {"S": value} for name, value in {**attributes, "title": title, **changes}.items()}


@pytest.mark.slow
@pytest.mark.parametrize("days", [1, 3])
def test_a_run_sends_its_metrics_in_at_most_two_calls_however_many_days_it_has(
    site, platform, instance, aws_endpoint, days
):
    last = DAY + timedelta(days=days - 1)
    for back in range(days):
        site.set_day(DAY + timedelta(days=back), 3)
    with recording_proxy(aws_endpoint) as (address, requests):
        through_proxy = Pipeline(platform.changed(aws_endpoint_url=address), instance)
        assert through_proxy.materialize(DAY, last).success

    calls = [
        request
        for request in requests
        if request.headers.get("x-amz-target", "").endswith(".PutMetricData")
    ]
    assert 1 <= len(calls) <= 2
    assert {datum["MetricName"] for _, datum in metric_data(requests)} >= {"RunDuration"}


def test_an_item_has_the_size_that_dynamodb_bills():
    assert item_bytes({"id": {"S": "１"}, "n": {"N": "-120"}, "ok": {"BOOL": True}}) == 5 + 4 + 3
    assert item_bytes({"l": {"L": [{"S": "ab"}, {"S": ""}]}, "s": {"SS": ["a", "bc"]}}) == 8 + 4


@pytest.mark.parametrize(
    ("was", "became", "units"),
    [
        (None, _item(), 3),  # the item, and its entry in either index
        (_item(), _item(), 1),  # refused, or just the same again
        (_item(), _item(title="new"), 3),
        (_item(), _item(code="72040"), 1 + 2 + 1),  # out of one place in an index, into another
        (_item(title="x" * 1_024), _item(), 3 * 2),  # the larger one counts
        (_item(), None, 3),
        ({"disclosure_id": {"S": "day:2026-06-10"}}, {"disclosure_id": {"S": "x" * 1_100}}, 2),
    ],
)
def test_a_write_is_billed_for_the_item_and_for_each_index_entry_that_it_changes(
    was, became, units
):
    assert write_units(was, became, INDEXES) == units


def test_free_allowances_are_taken_off_each_price_and_never_below_nothing():
    usage = Usage({Unit.METRICS: 10, Unit.PUT_METRIC_DATA: 1_500_000, Unit.S3_WRITES: 1_000})

    assert dollars(usage, allowances=True) == pytest.approx(5 + 0.0047)
    assert dollars(usage, allowances=False) == pytest.approx(3 + 15 + 0.0047)
    puts = {Unit.RAW_BYTES, Unit.DOCUMENT_BYTES, Unit.TABLE_BYTES}
    assert {price.unit for price in PRICES} == set(Unit) - puts


@pytest.mark.slow
def test_the_meter_counts_the_objects_and_the_bytes_that_a_run_puts(
    site, platform, instance, aws_endpoint
):
    site.set_day(DAY, 12)
    meter = Meter(platform)
    listings = []

    def pass_on(request, send):
        listings.extend([request.target] if "list-type" in request.target else [])
        return meter.pass_on(request, send)

    with proxy(aws_endpoint, pass_on) as address:
        pipeline = Pipeline(platform.changed(aws_endpoint_url=address), instance)
        with meter.reading() as first:
            assert pipeline.materialize(DAY).success
        listed_first = len(listings)
        objects = pipeline.objects()
        with meter.reading() as again:
            assert pipeline.materialize(DAY).success

    # Beside the objects only listings, which cost as much and are all that an unchanged day has.
    assert first[Unit.S3_WRITES] == len(objects) + listed_first
    assert again[Unit.S3_WRITES] < listed_first
    put = {Unit.RAW_BYTES: 0, Unit.DOCUMENT_BYTES: 0, Unit.TABLE_BYTES: 0}
    for key, (size, _) in objects.items():
        put[Unit(f"bytes put into {key.partition('/')[0]}")] += size
    assert {unit: first[unit] for unit in put} == put
    assert not any(again[unit] for unit in put)
    assert first[Unit.PUT_METRIC_DATA] == again[Unit.PUT_METRIC_DATA] == 1


@pytest.mark.slow
def test_the_meter_counts_the_index_s_entries_and_reads_all_that_a_query_reads(
    site, platform, pipeline, aws_endpoint
):
    site.set_day(DAY, 12)
    assert pipeline.materialize(DAY, select=["listing_pages", "disclosures", "documents"]).success
    meter = Meter(platform)
    with proxy(aws_endpoint, meter.pass_on) as address:
        index = DisclosureIndexResource(config=platform.changed(aws_endpoint_url=address))
        with meter.reading() as first:
            feed_day(pipeline.lake, index, DAY)
        with meter.reading() as again:
            feed_day(pipeline.lake, index, DAY)

    # A disclosure is an item and two entries; the day's register is written twice, without any.
    assert first[Unit.WRITE_UNITS] == 12 * 3 + 2
    assert again[Unit.WRITE_UNITS] == 0
    # The register and each item consistently; the day's ids cost as much as its whole entries.
    entries = sum(item_bytes(row.to_item()) for row in index.by_day(DAY))
    assert again[Unit.READ_UNITS] == 1 + 12 + ceil(entries / 4_096) / 2
    assert first[Unit.ITEM_BYTES] > 3 * entries


@pytest.mark.parametrize(("day", "size"), [(MEDIAN_DAY, MEDIAN), (PEAK_DAY, PEAK)])
def test_the_runs_of_a_day_find_each_row_once_and_never_overlap(day, size):
    runs = list(runs_of(day, size))

    assert sum(run.new for run in runs) == runs[-1].listed == size
    rows = planned_day(day, size, 0, changes=False).values()
    assert len(runs) <= len({plan.row.time for plan in rows})
    assert sum(run.files for run in runs) == sum(1 + bool(plan.row.xbrl_name) for plan in rows)
    assert sum(run.seconds for run in runs) <= 17 * 3_600
    assert min(run.seconds for run in runs) > START_SECONDS


@pytest.mark.slow
def test_runs_and_sensors_send_ten_metrics_and_the_benchmark_bills_all_that_they_do(
    aws_endpoint, tmp_path
):
    with recorder(aws_endpoint, tmp_path, pdf_bytes=5_000) as recording:
        recording.fill_history(10, days_back=5)
        recorded = recording.day(DAY, 15)
        ticks = recording.ticks(DAY)

    assert recording.metrics == len(CATALOGUE) <= 10
    model = RunModel.of(recorded)
    for run in (recorded.early, recorded.rest, recorded.late):
        modelled = model.usage(run.listed, run.new)
        assert modelled[Unit.S3_WRITES] == pytest.approx(run.usage[Unit.S3_WRITES])
    bill = month([(21, recorded)], ticks).after(0, month([(21, recorded)], ticks))
    assert bill.usage[Unit.ALARMS] == 10
    heartbeats = bill.activities["heartbeats of the sensor"]
    assert heartbeats[Unit.PUT_METRIC_DATA] == 30 * 24 * 60
    assert dollars(bill.usage, allowances=True) < dollars(bill.usage, allowances=False) < 10
