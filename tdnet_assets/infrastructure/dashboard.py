"""The CloudWatch dashboard: every metric of the catalogue, and the state of every alarm.

What belongs here: the order and the statistic of the graphs. What does not: what a metric means,
which is the catalogue's.
"""

from typing import Any, Final

from tdnet_assets.config import PlatformConfig
from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.infrastructure.policy import OF_THE_STACK
from tdnet_assets.resources.aws.metrics import (
    CATALOGUE,
    COLLECTION_SUCCESS_RATE,
    FRESHNESS_LAG,
    RUN_DURATION,
    Metric,
    environment_dimension,
)

# All others are counts, which add up.
_STATISTICS: Final = {
    COLLECTION_SUCCESS_RATE: "Minimum",
    RUN_DURATION: "Maximum",
    FRESHNESS_LAG: "Maximum",
}
_PERIOD: Final = 3_600
_COLUMNS: Final = 2
_WIDTH: Final = 24 // _COLUMNS
_HEIGHT: Final = 6
_TOP: Final = 4


def body(config: PlatformConfig) -> dict[str, Any]:
    """The dashboard's body; region and account are for ``Fn::Sub``."""
    return {
        "start": "-P7D",
        "periodOverride": "inherit",
        "widgets": [
            _alarm_states(config),
            *(_graph(config, metric, place) for place, metric in enumerate(CATALOGUE)),
        ],
    }


def _alarm_states(config: PlatformConfig) -> dict[str, Any]:
    return {
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": 24,
        "height": _TOP,
        "properties": {
            "title": "Alarms: each one's description says what to do",
            "alarms": [
                OF_THE_STACK.arn("cloudwatch", f"alarm:{alarm.name(config)}") for alarm in ALARMS
            ],
        },
    }


def _graph(config: PlatformConfig, metric: Metric, place: int) -> dict[str, Any]:
    row, column = divmod(place, _COLUMNS)
    dimension = environment_dimension(config)
    lines = [
        {"label": alarm.level, "value": alarm.threshold}
        for alarm in ALARMS
        if alarm.metric == metric.name and alarm.period == _PERIOD
    ]
    properties: dict[str, Any] = {
        "title": f"{metric.name}: {metric.meaning}",
        "view": "timeSeries",
        "region": OF_THE_STACK.region,
        "metrics": [[config.metrics_namespace, metric.name, dimension["Name"], dimension["Value"]]],
        "stat": _STATISTICS.get(metric.name, "Sum"),
        "period": _PERIOD,
        "yAxis": {"left": {"label": metric.unit, "min": 0, "showUnits": False}},
    }
    if lines:
        properties["annotations"] = {"horizontal": lines}
    return {
        "type": "metric",
        "x": column * _WIDTH,
        "y": _TOP + row * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": properties,
    }
