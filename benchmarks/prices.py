"""AWS's list prices in Tokyo, and what a month's usage costs at them.

What belongs here: the one table of prices, with its date, and the arithmetic of a bill. What does
not: how usage is counted (``metering.py``) and how much of it a month has (``cost.py``).

The prices are written down by hand. They change: check them at the addresses beside them before a
figure is used for a decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

PRICES_OF = date(2025, 6, 1)
REGION = "ap-northeast-1"

GIGABYTE = 2**30


class Unit(StrEnum):
    """What is counted; storage in bytes that are there for a whole month.

    The bytes that are put have no price: what is stored of them follows from the bucket's
    lifecycle.
    """

    S3_WRITES = "S3 PUT and LIST requests"
    S3_READS = "S3 GET and HEAD requests"
    S3_BYTES = "S3 Standard storage"
    WRITE_UNITS = "DynamoDB write units"
    READ_UNITS = "DynamoDB read units"
    ITEM_BYTES = "DynamoDB storage"
    RECOVERY_BYTES = "DynamoDB recovery storage"
    PUT_METRIC_DATA = "PutMetricData requests"
    METRICS_READ = "GetMetricData metrics"
    METRICS = "custom metrics"
    ALARMS = "alarms"
    DASHBOARDS = "dashboards"
    NOTICES = "SNS notices"
    RAW_BYTES = "bytes put into raw"
    DOCUMENT_BYTES = "bytes put into documents"
    TABLE_BYTES = "bytes put into tables"


class Usage(dict[Unit, float]):
    """Amounts by unit, which add and multiply like a vector; what is not there is zero."""

    def __missing__(self, unit: Unit) -> float:
        """Nothing of this unit."""
        return 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """Both together."""
        return Usage({unit: self[unit] + other[unit] for unit in self.keys() | other.keys()})

    def __sub__(self, other: "Usage") -> "Usage":
        """What this has more than the other."""
        return self + other * -1

    def __mul__(self, times: float) -> "Usage":
        """So many times the same."""
        return Usage({unit: amount * times for unit, amount in self.items()})


@dataclass(frozen=True, slots=True)
class Price:
    """``usd`` for each ``per`` of the unit; ``free`` of it cost nothing in any month, for ever."""

    unit: Unit
    usd: float
    per: float
    free: float
    source: str

    def dollars(self, amount: float, *, allowances: bool) -> float:
        """What so much of it costs, with or without AWS's free allowances.

        Allowances are the account's: whatever else is in the account uses them too.
        """
        billed = max(0.0, amount - self.free) if allowances else amount
        return billed / self.per * self.usd


_S3 = "aws.amazon.com/s3/pricing"
_DYNAMODB = "aws.amazon.com/dynamodb/pricing/on-demand"
_CLOUDWATCH = "aws.amazon.com/cloudwatch/pricing"
_SNS = "aws.amazon.com/sns/pricing"

# Data into AWS, and between S3, DynamoDB and a machine of the same region, costs nothing; nothing
# leaves the region. A NAT gateway, if the machine is behind one, belongs to the compute.
PRICES = (
    Price(Unit.S3_WRITES, 0.0047, 1_000, 0, _S3),
    Price(Unit.S3_READS, 0.00037, 1_000, 0, _S3),
    Price(Unit.S3_BYTES, 0.025, GIGABYTE, 0, _S3),
    Price(Unit.WRITE_UNITS, 0.715, 1_000_000, 0, _DYNAMODB),
    Price(Unit.READ_UNITS, 0.1425, 1_000_000, 0, _DYNAMODB),
    Price(Unit.ITEM_BYTES, 0.285, GIGABYTE, 25 * GIGABYTE, _DYNAMODB),
    Price(Unit.RECOVERY_BYTES, 0.228, GIGABYTE, 0, _DYNAMODB),
    Price(Unit.PUT_METRIC_DATA, 0.01, 1_000, 1_000_000, _CLOUDWATCH),
    Price(Unit.METRICS_READ, 0.01, 1_000, 0, _CLOUDWATCH),
    Price(Unit.METRICS, 0.30, 1, 10, _CLOUDWATCH),
    Price(Unit.ALARMS, 0.10, 1, 10, _CLOUDWATCH),
    Price(Unit.DASHBOARDS, 3.00, 1, 3, _CLOUDWATCH),
    Price(Unit.NOTICES, 0.50, 1_000_000, 1_000_000, _SNS),
)


def dollars(usage: Mapping[Unit, float], *, allowances: bool) -> float:
    """What a month of this usage costs, in US dollars."""
    return sum(price.dollars(usage.get(price.unit, 0.0), allowances=allowances) for price in PRICES)
