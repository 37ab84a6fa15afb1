"""The one partition definition: a day of the Tokyo calendar, today included.

A disclosure belongs to the JST day whose list shows it. Days without disclosures (weekends,
holidays) are ordinary partitions with no rows, so there are no exclusions.
"""

from datetime import date

import dagster as dg

# Ten years: as far back as the exchange's own archive reaches, so that licensed history fits.
FIRST_DAY = "2016-01-01"
TIMEZONE = "Asia/Tokyo"
# One run holds at most a month: the window of TDnet, and what one failed run can cost.
DAYS_PER_RUN = 31

DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=TIMEZONE, end_offset=1)


def day_of(partition_key: str) -> date:
    """The day that a partition key names."""
    return date.fromisoformat(partition_key)
