"""Business days, sizes of days and times of day of the sample TDnet site.

What belongs here: when disclosures appear, as pure functions of the date. What does not: which
ones (``day.py``).
"""

import datetime as dt

from tdnet_assets.sample_site.companies import chance

# Public holidays that fall on a weekday, month and day, substitutes included.
_HOLIDAYS = {
    2025: "0101 0113 0211 0224 0320 0429 0505 0506 0721 0811 0915 0923 1013 1103 1124",
    2026: "0101 0112 0211 0223 0320 0429 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123",
    2027: "0101 0111 0211 0223 0322 0429 0503 0504 0505 0719 0811 0920 0923 1011 1103 1123",
    2028: "0110 0211 0223 0320 0503 0504 0505 0717 0811 0918 0922 1009 1103 1123",
    2029: "0101 0108 0212 0223 0320 0430 0503 0504 0716 0917 0924 1008 1123",
    2030: "0101 0114 0211 0320 0429 0503 0506 0715 0812 0916 0923 1014 1104",
}
_YEAR_END = {"1231", "0101", "0102", "0103"}

SMALLEST_BUSINESS_DAY, LARGEST_BUSINESS_DAY = 60, 320
_SATURDAY = 5

# Share of rows in per cent of the times that matter; the rest spreads over the day.
_PEAKS = {
    "15:30": 41.0,
    "16:00": 15.0,
    "15:00": 4.5,
    "15:40": 1.5,
    "15:45": 1.5,
    "17:00": 3.0,
    "11:30": 3.0,
    "12:00": 1.5,
    "08:00": 1.5,
    "18:00": 1.5,
}
# Share in per cent of the five-minute marks of an hour, beyond the peaks.
_HOURS = {0: 0.15, 1: 0.1, 7: 0.2, 8: 1.2, 9: 2.0, 10: 2.0, 11: 2.5, 12: 1.5, 13: 2.5, 14: 3.5}
_HOURS |= {15: 4.0, 16: 5.0, 17: 2.5, 18: 1.2, 19: 0.8, 20: 0.4, 21: 0.2, 22: 0.1, 23: 0.15}
_TIMES = dict(_PEAKS)
for _hour, _share in _HOURS.items():
    for _minute in range(0, 60, 5):
        _mark = f"{_hour:02d}:{_minute:02d}"
        _TIMES[_mark] = _TIMES.get(_mark, 0.0) + _share / 12
TIMES_OF_DAY = tuple(_TIMES)
TIME_WEIGHTS = tuple(_TIMES.values())
"""How often each time of :data:`TIMES_OF_DAY` occurs, in per cent or so."""


def is_business_day(day: dt.date) -> bool:
    """Whether the exchange is open: no weekend, public holiday or year end.

    Holidays are known for 2025 to 2030; other years have weekends and year ends only.
    """
    month_and_day = f"{day:%m%d}"
    return (
        day.weekday() < _SATURDAY
        and month_and_day not in _YEAR_END
        and month_and_day not in _HOLIDAYS.get(day.year, "").split()
    )


def natural_size(day: dt.date, seed: int) -> int:
    """How many disclosures the day has by itself: 0, or 60 to 320 on a business day."""
    if not is_business_day(day):
        return 0
    draw = chance("size", seed, day)
    # Quarterly reports are due 45 days after the quarter: the middle of these months is heavy.
    season = day.month in (2, 5, 8, 11) and 6 <= day.day <= 15  # noqa: PLR2004 - days of a month
    low, high = (200, LARGEST_BUSINESS_DAY) if season else (SMALLEST_BUSINESS_DAY, 170)
    if draw.random() < 1 / 12:
        high = LARGEST_BUSINESS_DAY
    return round(low + (high - low) * draw.random())


def business_day_on_or_before(day: dt.date) -> dt.date:
    """The day itself, or the last business day before it."""
    while not is_business_day(day):
        day -= dt.timedelta(days=1)
    return day
