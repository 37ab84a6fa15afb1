"""A lake of years out of one day: its tables again for other days, with ids and dates of those.

What belongs here: how a day is made another one. What does not: what is asked of such a lake
(``years.py``).

Each day has the rows of the model, of other companies: all companies come round in some days, so
that one reports about four times a year, as on the exchange.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import polars as pl

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.store import SIZE, LakeError, LakeResource, StoredTable
from tdnet_assets.tables.recipes import RECIPES

COMPANIES = 3900
_IDS = ("disclosure_id", "other_id")
_DATE_DIGITS = 8
_OF_THE_BYTES = ("Content-Type", "sha256", SIZE)
_SATURDAY = 5
_NOISE = 1_000_000


def weekdays(first: date, last: date) -> list[date]:
    """The days from first to last that are neither a Saturday nor a Sunday, newest first."""
    days = (last - timedelta(days=back) for back in range((last - first).days + 1))
    return [day for day in days if day.weekday() < _SATURDAY]


def grow(lake: LakeResource, model: date, days: Iterable[date], companies: int = COMPANIES) -> None:
    """Put every table of a model day again for other days.

    Args:
        lake: where the model is, and the copies are put.
        model: a day that is whole.
        days: other days than the model.
        companies: how many there are in all.
    """
    tables = {name: lake.read_table(name, model) for name in RECIPES}
    stored = {name: table for name, table in tables.items() if table}
    circle = _circle(stored["disclosures"].frame, companies)
    for day in days:
        names = circle.shifted((model - day).days)
        for name, table in stored.items():
            said = {n: value for n, value in table.metadata.items() if n not in _OF_THE_BYTES}
            lake.write_table(name, day, _of_day(table, names, day - model), said)
        _put_capture(lake, model, day)


class _Circle:
    """The companies in a circle: those of the model stand first, and each day takes the next."""

    def __init__(self, codes: Sequence[str], companies: int) -> None:
        others = (f"{number}0" for number in range(1300, 9999))
        fill = [code for code in others if code not in set(codes)]
        self._codes = [*codes, *fill[: max(0, companies - len(codes))]]
        self._of_model = len(codes)

    def shifted(self, days: int) -> dict[str, str]:
        """Which company stands for each of the model's, so many days away from it."""
        by = days * self._of_model
        return {
            code: self._codes[(place + by) % len(self._codes)]
            for place, code in enumerate(self._codes[: self._of_model])
        }


def _circle(listed: pl.DataFrame, companies: int) -> _Circle:
    return _Circle(listed["code"].unique().sort().to_list(), companies)


def _of_day(table: StoredTable, names: dict[str, str], by: timedelta) -> pl.DataFrame:
    """A table of the model as that of another day."""
    changes = []
    for name, type_ in table.frame.schema.items():
        column = pl.col(name)
        if name in _IDS:
            day = column.str.head(_DATE_DIGITS).str.to_date("%Y%m%d") + by
            changes.append(day.dt.strftime("%Y%m%d") + column.str.slice(_DATE_DIGITS))
        elif name == "code":
            changes.append(column.replace_strict(names, default=column))
        elif isinstance(type_, pl.Decimal) and "disclosure_id" in table.frame.columns:
            # Other figures on each day: the same ones would take hardly any space in a copy.
            noise = pl.concat_str(pl.col("disclosure_id"), column.cast(pl.String)).hash(
                abs(by.days)
            )
            changes.append((column + (noise % _NOISE).cast(type_)).cast(type_))
        elif type_ == pl.Date or isinstance(type_, pl.Datetime):
            changes.append((column + by).cast(type_))
    return table.frame.with_columns(changes)


def _put_capture(lake: LakeResource, model: date, day: date) -> None:
    """The manifest of the model's list as that of another day; its pages stay where they are."""
    capture = CaptureStore(lake).latest(model)
    if capture is None:
        raise LakeError(f"no list of {model} in the lake: collect it first")
    begun = layout.capture_id(capture.begun_at + (day - model))
    content = json.loads(capture.to_json()) | {"day": str(day), "id": begun}
    lake.put_new(
        layout.manifest_key(day, begun),
        json.dumps(content).encode(),
        content_type="application/json",
        metadata={},
    )
