"""Alarms see what a run sends: namespace, name, dimension, statistic and period, as data."""

from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest

from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.infrastructure.dashboard import body
from tdnet_assets.infrastructure.template import template
from tdnet_assets.resources.aws import clients
from tdnet_assets.resources.aws.metrics import CATALOGUE

STATISTICS = {"Sum": sum, "Minimum": min, "Maximum": max, "Average": fmean}
LONGEST_PERIODS = {True: timedelta(days=7), False: timedelta(days=1)}


def _alarms(config):
    """Alarms as the template has them: what is deployed, not what the code means."""
    return {
        resource["Properties"]["AlarmName"]: resource["Properties"]
        for resource in template(config)["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def _sent(recording, alarm):
    """Values that were put, on the wire, under just what the alarm looks at."""
    return [
        datum["Value"]
        for namespace, datum in recording.metric_data
        if namespace == alarm["Namespace"]
        and datum["MetricName"] == alarm["MetricName"]
        and datum["Dimensions"] == alarm["Dimensions"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", [(alarm.metric, alarm.level) for alarm in ALARMS])
def test_each_alarm_s_exact_query_finds_what_was_sent(recording, name):
    alarm = _alarms(recording.config)[f"tdnet-dev-{name[0]}-{name[1]}"]
    expected = _sent(recording, alarm)
    period = alarm["Period"]
    begin = int(recording.started.timestamp()) // period * period

    answer = clients.client(recording.config, "cloudwatch").get_metric_statistics(
        Namespace=alarm["Namespace"],
        MetricName=alarm["MetricName"],
        Dimensions=alarm["Dimensions"],
        Statistics=[alarm["Statistic"]],
        Period=period,
        StartTime=datetime.fromtimestamp(begin, UTC),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
    )

    assert expected, f"nothing was sent that {alarm['AlarmName']} looks at"
    found = [point[alarm["Statistic"]] for point in answer["Datapoints"]]
    if len(found) == 1:
        assert found == [pytest.approx(STATISTICS[alarm["Statistic"]](expected))]
    else:  # the recording ran over the end of a period
        assert found
        assert min(found) >= min(expected)


@pytest.mark.slow
def test_what_is_sent_is_just_the_catalogue_under_the_one_dimension(recording):
    config = recording.config
    sent = {
        (namespace, datum["MetricName"], datum["Unit"], str(datum["Dimensions"]))
        for namespace, datum in recording.metric_data
    }

    assert sent == {
        (
            config.metrics_namespace,
            metric.name,
            metric.unit,
            str([{"Name": "Environment", "Value": "dev"}]),
        )
        for metric in CATALOGUE
    }


@pytest.mark.slow
def test_the_dashboard_shows_every_metric_that_is_sent_and_every_alarm(recording):
    widgets = body(recording.config)["widgets"]
    shown = [
        tuple(metric)
        for widget in widgets
        if widget["type"] == "metric"
        for metric in widget["properties"]["metrics"]
    ]
    (states,) = [widget for widget in widgets if widget["type"] == "alarm"]

    assert sorted(shown) == sorted(
        {
            (namespace, datum["MetricName"], dimension["Name"], dimension["Value"])
            for namespace, datum in recording.metric_data
            for dimension in datum["Dimensions"]
        }
    )
    assert [arn.rsplit(":", 1)[1] for arn in states["properties"]["alarms"]] == [
        alarm.name(recording.config) for alarm in ALARMS
    ]


def test_no_two_widgets_of_the_dashboard_overlap(example):
    cells = [
        (x, y)
        for widget in body(example)["widgets"]
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_alarms_keep_cloudwatch_s_limits_and_say_what_to_do(example):
    alarms = _alarms(example)

    assert len(alarms) == len(ALARMS) <= 10  # ten are free
    for alarm in alarms.values():
        span = timedelta(seconds=alarm["Period"] * alarm["EvaluationPeriods"])
        assert span <= LONGEST_PERIODS[alarm["Period"] >= 3600]
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
        assert "What to do: " in alarm["AlarmDescription"]
        assert len(alarm["AlarmDescription"]) <= 1024


def test_each_alarm_has_its_line_and_how_long_it_must_be_crossed(example):
    lines = {
        name.removeprefix("tdnet-dev-"): (
            alarm["ComparisonOperator"].removesuffix("Threshold"),
            alarm["Threshold"],
            alarm["Period"],
            f"{alarm['DatapointsToAlarm']} of {alarm['EvaluationPeriods']}",
        )
        for name, alarm in _alarms(example).items()
    }

    assert lines == {
        "DisclosuresCollected-critical": ("LessThan", 1, 86_400, "7 of 7"),
        "DisclosuresFailed-warning": ("GreaterThanOrEqualTo", 1, 3_600, "1 of 1"),
        "DisclosuresFailed-critical": ("GreaterThanOrEqualTo", 100, 3_600, "1 of 1"),
        "CollectionSuccessRate-critical": ("LessThan", 90, 3_600, "1 of 1"),
        "PartitionsFailed-warning": ("GreaterThanOrEqualTo", 1, 3_600, "1 of 1"),
        "PartitionsFailed-critical": ("GreaterThanOrEqualTo", 1, 3_600, "3 of 24"),
        "SensorHeartbeat-warning": ("LessThan", 1, 300, "3 of 3"),
        "SensorHeartbeat-critical": ("LessThan", 1, 300, "12 of 12"),
        "FreshnessLag-warning": ("GreaterThan", 3_600, 900, "1 of 1"),
        "FreshnessLag-critical": ("GreaterThan", 21_600, 900, "1 of 1"),
    }


def test_silence_alarms_where_silence_is_the_failure_and_nowhere_else(example):
    treatments = {name: alarm["TreatMissingData"] for name, alarm in _alarms(example).items()}

    assert treatments == {
        "tdnet-dev-DisclosuresCollected-critical": "breaching",
        "tdnet-dev-DisclosuresFailed-warning": "notBreaching",
        "tdnet-dev-DisclosuresFailed-critical": "notBreaching",
        "tdnet-dev-CollectionSuccessRate-critical": "notBreaching",
        "tdnet-dev-PartitionsFailed-warning": "notBreaching",
        "tdnet-dev-PartitionsFailed-critical": "notBreaching",
        "tdnet-dev-SensorHeartbeat-warning": "breaching",
        "tdnet-dev-SensorHeartbeat-critical": "breaching",
        "tdnet-dev-FreshnessLag-warning": "ignore",
        "tdnet-dev-FreshnessLag-critical": "ignore",
    }
