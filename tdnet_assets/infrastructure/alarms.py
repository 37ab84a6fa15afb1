"""The alarms: which metric, how bad, and what whoever is woken should do.

What belongs here: thresholds and the meaning of silence. What does not: names and units of metrics
(``resources/aws/metrics.py``) and where alarms are sent (``template.py``).

There are ten, because ten are free; a metric without an alarm is on the dashboard all the same.
Missing data is never left to the default: a heartbeat that is missing is what its alarm is about,
while a day without a run sends no counts and is no failure.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from tdnet_assets.config import PlatformConfig
from tdnet_assets.infrastructure import names
from tdnet_assets.resources.aws.metrics import (
    COLLECTION_SUCCESS_RATE,
    DISCLOSURES_COLLECTED,
    DISCLOSURES_FAILED,
    FRESHNESS_LAG,
    PARTITIONS_FAILED,
    SENSOR_HEARTBEAT,
    environment_dimension,
)

WARNING: Final = "warning"
CRITICAL: Final = "critical"

_FIVE_MINUTES: Final = 300
_QUARTER_HOUR: Final = 900
_HOUR: Final = 3_600
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: in ALARM when ``datapoints`` of the last ``periods`` points are over the line.

    ``period`` is in seconds, ``threshold`` in the metric's unit; ``missing`` is what a period
    without data counts as; ``advice`` says what it means and what to do.
    """

    metric: str
    level: Literal["warning", "critical"]
    statistic: Literal["Sum", "Minimum", "Maximum", "Average"]
    comparison: Literal[
        "LessThanThreshold", "GreaterThanThreshold", "GreaterThanOrEqualToThreshold"
    ]
    threshold: float
    period: int
    missing: Literal["breaching", "notBreaching", "ignore"]
    advice: str
    periods: int = 1
    datapoints: int = 1

    def name(self, config: PlatformConfig) -> str:
        """Its name in CloudWatch."""
        return names.alarm(config, self.metric, self.level)

    def query(self, config: PlatformConfig) -> dict[str, Any]:
        """What it looks at, as AWS::CloudWatch::Alarm and PutMetricAlarm write it."""
        return {
            "Namespace": config.metrics_namespace,
            "MetricName": self.metric,
            "Dimensions": [environment_dimension(config)],
            "Statistic": self.statistic,
            "Period": self.period,
        }

    def properties(self, config: PlatformConfig) -> dict[str, Any]:
        """All of it but its actions, as AWS::CloudWatch::Alarm and PutMetricAlarm write it."""
        return {
            "AlarmName": self.name(config),
            "AlarmDescription": self.advice,
            **self.query(config),
            "ComparisonOperator": self.comparison,
            "Threshold": self.threshold,
            "EvaluationPeriods": self.periods,
            "DatapointsToAlarm": self.datapoints,
            "TreatMissingData": self.missing,
        }


ALARMS: Final = (
    Alarm(
        DISCLOSURES_COLLECTED,
        CRITICAL,
        "Sum",
        "LessThanThreshold",
        1,
        _DAY,
        "breaching",  # seven days without a run are seven days without a disclosure
        "Nothing new was stored for seven days, longer than the exchange's longest usual closure. "
        "What to do: `tdnet doctor` says whether daemon, sensors, schedules, TDnet and metrics "
        "work; `tdnet status` shows the last runs; collect the missing days with `tdnet collect` "
        "before TDnet's window of 31 days has passed them.",
        periods=7,
        datapoints=7,
    ),
    Alarm(
        DISCLOSURES_FAILED,
        WARNING,
        "Sum",
        "GreaterThanOrEqualToThreshold",
        1,
        _HOUR,
        "notBreaching",
        "A run left a row that it could not read, or a disclosure without one of its files. What "
        "to do: open the failed partition in the Dagster UI and read its checks; materialize the "
        "day again: only the rest is fetched.",
    ),
    Alarm(
        DISCLOSURES_FAILED,
        CRITICAL,
        "Sum",
        "GreaterThanOrEqualToThreshold",
        100,
        _HOUR,
        "notBreaching",
        "A hundred or more disclosures of an hour are not stored: the page has changed, or TDnet "
        "refuses us. What to do: stop the sensor, look at the rejects table and at the errors in "
        "the documents table, mend the reader, then materialize the days again.",
    ),
    Alarm(
        COLLECTION_SUCCESS_RATE,
        CRITICAL,
        "Minimum",
        "LessThanThreshold",
        90,
        _HOUR,
        "notBreaching",  # an empty day sends no rate
        "A run stored less than 90 % of the disclosures that the list shows. What to do: "
        "`tdnet status` shows the run and its error; the checks of the failed partition name the "
        "files; materialize the day again.",
    ),
    Alarm(
        PARTITIONS_FAILED,
        WARNING,
        "Sum",
        "GreaterThanOrEqualToThreshold",
        1,
        _HOUR,
        "notBreaching",
        "A day was not materialized. What to do: `tdnet status` shows the reason; if the sensor "
        "reconcile does not mend it by itself, materialize the partition again in the Dagster UI.",
    ),
    Alarm(
        PARTITIONS_FAILED,
        CRITICAL,
        "Sum",
        "GreaterThanOrEqualToThreshold",
        1,
        _HOUR,
        "notBreaching",
        "Days failed in three hours of the last day: trying again does not help. What to do: read "
        "the reason in `tdnet status`, mend the cause, then backfill the "
        "failed partitions before TDnet's window of 31 days has passed them.",
        periods=24,
        datapoints=3,
    ),
    Alarm(
        SENSOR_HEARTBEAT,
        WARNING,
        "Sum",
        "LessThanThreshold",
        1,
        _FIVE_MINUTES,
        "breaching",  # a dead sensor sends nothing
        "No look for new disclosures has succeeded for a quarter of an hour; at night the sensor "
        "says that it rests, and while a run of today is queued or going nobody looks. What to do: "
        "`tdnet doctor` says whether it is switched on, the daemon is alive, TDnet answers and "
        "metrics arrive; its last ticks in the Dagster UI say more, a run that hangs included.",
        periods=3,
        datapoints=3,
    ),
    Alarm(
        SENSOR_HEARTBEAT,
        CRITICAL,
        "Sum",
        "LessThanThreshold",
        1,
        _FIVE_MINUTES,
        "breaching",  # as above
        "No look for new disclosures has succeeded for an hour. What to do: mend what `tdnet "
        "doctor` finds, start the daemon and the sensor again, then `tdnet collect today`: nothing "
        "is fetched twice.",
        periods=12,
        datapoints=12,
    ),
    Alarm(
        FRESHNESS_LAG,
        WARNING,
        "Maximum",
        "GreaterThanThreshold",
        _HOUR,
        _QUARTER_HOUR,
        "ignore",  # who measures the lag may be dead: then it is still as it was
        "A due day of the window is more than an hour late. What to do: `tdnet doctor` names the "
        "days and what they lack, the last tick of the sensor reconcile what comes next; see in "
        "the Dagster UI whether a run is queued, still going or failed.",
    ),
    Alarm(
        FRESHNESS_LAG,
        CRITICAL,
        "Maximum",
        "GreaterThanThreshold",
        6 * _HOUR,
        _QUARTER_HOUR,
        "ignore",  # as above
        "A due day of the window is more than six hours late. What to do: read the reason in "
        "`tdnet doctor` and `tdnet status` and mend it; the sensor reconcile asks for the day "
        "again, or materialize it in the Dagster UI.",
    ),
)
