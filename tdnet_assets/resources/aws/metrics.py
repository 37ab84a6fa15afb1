"""Metrics in CloudWatch: the catalogue, their one dimension, and how they are sent and read back.

What belongs here: what a metric is called, means and is measured in (alarms, dashboard and policy
are derived from it), delivery. What does not: when a run reports and what
becomes of a refused delivery (assets, checks), and the namespace's name (``config.py``).

A delivery that fails never breaks a run and never passes in silence: it is logged as an error and
returned as a :class:`MetricsDelivery`, for the execution record and the asset check to show.
"""

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from botocore.exceptions import BotoCoreError, ClientError

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients

# Below Dagster's own, so that what is said shows in the events of the run.
_logger = logging.getLogger(f"dagster.builtin.{__name__}")


@dataclass(frozen=True)
class Metric:
    """One metric: its CloudWatch name and unit, and what a value of it says."""

    name: str
    unit: str
    meaning: str


DISCLOSURES_COLLECTED: Final = "DisclosuresCollected"
DISCLOSURES_FAILED: Final = "DisclosuresFailed"
COLLECTION_SUCCESS_RATE: Final = "CollectionSuccessRate"
DOCUMENTS_STORED: Final = "DocumentsStored"
DOCUMENTS_FAILED: Final = "DocumentsFailed"
TDNET_REQUESTS: Final = "TdnetRequests"
RUN_DURATION: Final = "RunDuration"
PARTITIONS_FAILED: Final = "PartitionsFailed"
SENSOR_HEARTBEAT: Final = "SensorHeartbeat"
FRESHNESS_LAG: Final = "FreshnessLag"

CATALOGUE: Final = (
    Metric(DISCLOSURES_COLLECTED, "Count", "Disclosures newly stored by the run."),
    Metric(DISCLOSURES_FAILED, "Count", "Unreadable rows, and disclosures with a failed file."),
    Metric(
        COLLECTION_SUCCESS_RATE,
        "Percent",
        "Of the listed disclosures, those that are stored; not sent by a run that listed none.",
    ),
    Metric(DOCUMENTS_STORED, "Count", "PDFs and XBRL archives newly stored by the run."),
    Metric(DOCUMENTS_FAILED, "Count", "PDFs and XBRL archives that could not be stored."),
    Metric(TDNET_REQUESTS, "Count", "Requests sent to TDnet, retries included."),
    Metric(RUN_DURATION, "Seconds", "From the start of the run to its end."),
    Metric(PARTITIONS_FAILED, "Count", "Days of the run that were not materialized."),
    Metric(
        SENSOR_HEARTBEAT,
        "Count",
        "1 for a look of the sensor for new disclosures, 0 for one that failed; a sensor that is "
        "dead sends nothing.",
    ),
    Metric(
        FRESHNESS_LAG,
        "Seconds",
        "How long the oldest due day that is not whole has been overdue; 0 without any.",
    ),
)
_UNITS: Final = {metric.name: metric.unit for metric in CATALOGUE}

DIMENSION: Final = "Environment"

_SHORTEST_PERIOD_SECONDS: Final = 60

# The last one escapes the SDK: a proxy's error page in another charset, read as an AWS answer.
_DELIVERY_FAILURES: Final = (ClientError, BotoCoreError, UnicodeDecodeError)
_REFUSED: Final = frozenset(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"))


@dataclass(frozen=True)
class MetricsDelivery:
    """What became of one :meth:`MetricsResource.publish`.

    ``sent`` names the metrics that CloudWatch took; ``error`` is None, or says what was not
    delivered, why, and what to do, without secrets.
    """

    sent: tuple[str, ...]
    error: str | None

    @property
    def delivered(self) -> bool:
        """Whether everything that was to be sent has been taken."""
        return self.error is None


class MetricsResource(clients.AwsResource):
    """Sends the catalogue's metrics and reads them back; safe to share between threads.

    Works inside Dagster and when constructed directly, e.g.
    ``MetricsResource(config=PlatformConfig.from_environment())``.
    """

    service: ClassVar[str] = "cloudwatch"

    def publish(
        self, values: Mapping[str, float | None], *, now: datetime | None = None
    ) -> MetricsDelivery:
        """Sends each value once, all of a run in one call; None values are not sent.

        Args:
            values: by metric name, in the unit of the :data:`CATALOGUE`.
            now: the values' time, aware; the present when None.

        Returns:
            The delivery; a refusal by AWS or the network is in it, and logged as an error.

        Raises:
            ValueError: a name is not in the catalogue, a value is not finite, or the time has no
                zone; nothing has been sent then.
        """
        for name in values:
            _check_catalogued(name)
        wanted = {name: value for name, value in values.items() if value is not None}
        timestamp = _aware(datetime.now(UTC) if now is None else now)
        data = [
            {
                "MetricName": name,
                "Dimensions": [environment_dimension(self.config)],
                "Timestamp": timestamp,
                "Value": _finite(name, value),
                "Unit": _UNITS[name],
            }
            for name, value in wanted.items()
        ]
        failure = self._send(data) if data else None
        if failure is not None:
            error = self._explained(failure, wanted)
            _logger.error(error)
            return MetricsDelivery((), error)
        return MetricsDelivery(tuple(wanted), None)

    def statistics(
        self,
        name: str,
        *,
        start: datetime,
        end: datetime,
        period: int = 60,
        statistic: str = "Sum",
    ) -> list[tuple[datetime, float]]:
        """What CloudWatch holds of one metric, by exact namespace and dimension, oldest first.

        CloudWatch itself may take two minutes to show what it has taken.

        Args:
            name: of the :data:`CATALOGUE`.
            start: aware, inclusive; CloudWatch rounds it down to the period.
            end: aware, exclusive.
            period: seconds of one point, a multiple of 60.
            statistic: ``Sum``, ``Average``, ``Maximum``, ``p95``…

        Returns:
            A pair of the period's start (UTC) and the value for each period that has data.

        Raises:
            ValueError: the name is not in the catalogue, the period is not a multiple of 60, or a
                time has no zone.
            botocore.exceptions.ClientError: CloudWatch refuses, or ``BotoCoreError``: no answer.
        """
        _check_catalogued(name)
        if period < _SHORTEST_PERIOD_SECONDS or period % _SHORTEST_PERIOD_SECONDS:
            raise ValueError(f"period is {period} s: use a multiple of {_SHORTEST_PERIOD_SECONDS}")
        pages = self.client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[
                {
                    "Id": "metric",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": self.config.metrics_namespace,
                            "MetricName": name,
                            "Dimensions": [environment_dimension(self.config)],
                        },
                        "Period": period,
                        "Stat": statistic,
                    },
                }
            ],
            StartTime=_aware(start),
            EndTime=_aware(end),
            ScanBy="TimestampAscending",
        )
        return [
            (timestamp.astimezone(UTC), float(value))
            for page in pages
            for result in page["MetricDataResults"]
            for timestamp, value in zip(result["Timestamps"], result["Values"], strict=True)
        ]

    def _send(self, data: list[dict[str, Any]]) -> Exception | None:
        """What kept the data from being delivered; None when CloudWatch took them."""
        try:
            self.client.put_metric_data(Namespace=self.config.metrics_namespace, MetricData=data)
        except _DELIVERY_FAILURES as failure:
            return failure
        return None

    def _explained(self, failure: Exception, names: Iterable[str]) -> str:
        namespace = self.config.metrics_namespace
        if isinstance(failure, ClientError):
            code = str(failure.response.get("Error", {}).get("Code", "Unknown"))
        else:
            code = type(failure).__name__
        advice = (
            f"allow cloudwatch:PutMetricData where the policy's cloudwatch:namespace condition is "
            f"exactly {namespace!r}, or set TDNET_METRICS_NAMESPACE to what it allows"
            if code in _REFUSED
            else "check the AWS endpoint, region and credentials"
        )
        return (
            f"{code}: metrics {', '.join(names)} were not delivered to the CloudWatch namespace "
            f"{namespace!r}: {str(failure).rstrip('.')}. What to do: {advice}; "
            "`tdnet infra policy` prints the policy that does, and `tdnet doctor` tries it."
        )


def environment_dimension(config: PlatformConfig) -> dict[str, str]:
    """The one dimension of every metric, as PutMetricData, alarms and dashboards write it."""
    return {"Name": DIMENSION, "Value": config.environment}


def _check_catalogued(name: str) -> None:
    if name not in _UNITS:
        raise ValueError(
            f"{name!r} is not a metric of the catalogue: use one of {', '.join(_UNITS)}"
        )


def _finite(name: str, value: float) -> float:
    # CloudWatch refuses the whole call for one such value, and an emulator takes it.
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}: CloudWatch takes finite numbers only")
    return value


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment} has no time zone: pass an aware datetime")
    return moment
