"""Names of what the stack makes beside the data: all of them follow from the environment.

What belongs here: how the stack, the topic, the alarms, the dashboard and the Glue database are
called. What does not: bucket, tables and namespace, which are the config's own.
"""

from tdnet_assets.config import PlatformConfig


def stack(config: PlatformConfig) -> str:
    """The CloudFormation stack, e.g. ``tdnet-prod``; the first part of most other names."""
    return f"tdnet-{config.environment}"


def topic(config: PlatformConfig) -> str:
    """The SNS topic of alarms and of notices of failed runs."""
    return f"{stack(config)}-notices"


def dashboard(config: PlatformConfig) -> str:
    """The CloudWatch dashboard."""
    return stack(config)


def alarm(config: PlatformConfig, metric: str, level: str) -> str:
    """The alarm of a metric at a level, e.g. ``tdnet-prod-FreshnessLag-warning``."""
    return f"{stack(config)}-{metric}-{level}"


def glue_database(config: PlatformConfig) -> str:
    """The Glue database, in the spelling that needs no quotes in Athena, e.g. ``tdnet_prod``."""
    return f"tdnet_{config.environment}"
