"""Fiscal years and quarters of the invented issuers.

What belongs here: dates of periods. What does not: what was earned in them
(``figures.py``).
"""

import calendar
import datetime as dt
from dataclasses import dataclass

WHOLE_YEAR = 4
"""The quarter of a period that is a whole fiscal year."""

_SHORTEST_CLOSING_DAYS = 15
_LONGEST_OPEN_DAYS = 40
_MONTHS_A_QUARTER = 3


@dataclass(frozen=True, slots=True)
class Period:
    """The part of a fiscal year that a report covers: its first one to four quarters."""

    fiscal_year_end: dt.date
    quarter: int
    """1 to 3 cumulative, 4 the whole year."""

    @property
    def start(self) -> dt.date:
        """First day of the fiscal year."""
        return month_end(self.fiscal_year_end, -12) + dt.timedelta(days=1)

    @property
    def end(self) -> dt.date:
        """Last day of the covered quarters."""
        return month_end(self.fiscal_year_end, _MONTHS_A_QUARTER * (self.quarter - 4))

    def moved(self, years: int, *, quarter: int | None = None) -> "Period":
        """The same quarters, or others, of a fiscal year that many years later."""
        return Period(month_end(self.fiscal_year_end, 12 * years), quarter or self.quarter)


def reported_period(fiscal_month: int, day: dt.date) -> Period:
    """The latest period that a company with that last fiscal month can have closed by the day.

    Args:
        fiscal_month: month, 1 to 12, in whose last day the fiscal year ends.
        day: the day of the report.
    """
    closed_by = day - dt.timedelta(days=_SHORTEST_CLOSING_DAYS)
    year_end = month_end(dt.date(closed_by.year + 1, fiscal_month, 1), 0)
    quarters = [
        Period(month_end(year_end, -12 * years), quarter)
        for years in range(3)
        for quarter in (4, 3, 2, 1)
    ]
    return max((period for period in quarters if period.end <= closed_by), key=lambda p: p.end)


def forecast_year(fiscal_month: int, day: dt.date) -> Period:
    """The fiscal year that a company with that last fiscal month forecasts on the day.

    It may have ended already: its figures come out weeks later.
    """
    open_since = day - dt.timedelta(days=_LONGEST_OPEN_DAYS)
    year_end = month_end(dt.date(open_since.year, fiscal_month, 1), 0)
    return Period(year_end if year_end >= open_since else month_end(year_end, 12), WHOLE_YEAR)


def month_end(day: dt.date, months: int) -> dt.date:
    """The last day of the month that lies so many months after the day's own."""
    months += day.year * 12 + day.month - 1
    year, month = divmod(months, 12)
    return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])
