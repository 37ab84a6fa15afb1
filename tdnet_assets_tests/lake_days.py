"""Days of disclosures put into a lake directly, for tests of what is asked of it."""

import random
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.disclosures import disclosures_frame
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.sightings import Disclosure

CODES = ("13010", "141A0", "25930", "25935", "585A4", "72030", "99840")
TITLES = ("2026年3月期 決算短信〔日本基準〕", "自己株式の取得状況に関するお知らせ", "Ｑ＆Ａ")


def disclosure(day: date, number: int, **changes: object) -> Disclosure:
    """One row of a day, seen at noon."""
    seen = datetime.combine(day, time(3), UTC)
    values: dict[str, object] = {
        "disclosure_id": f"{day:%Y%m%d}{number:06d}",
        "disclosed_at": datetime.combine(day, time(8, 30), TOKYO) + timedelta(minutes=number % 400),
        "code": CODES[number % len(CODES)],
        "company_name": "Ｇ－見本商事",
        "title": TITLES[number % len(TITLES)],
        "previous_titles": (),
        "exchanges": ("東",),
        "pdf_url": None,
        "xbrl_url": None,
        "xbrl_kind": None,
        "status": "active",
        "history": "",
        "changed_at": None,
        "first_seen_at": seen,
        "last_seen_at": seen,
        "capture": layout.capture_id(seen),
    }
    return Disclosure(**{**values, **changes})  # type: ignore[arg-type]


def put_day(lake: LakeResource, day: date, rows: list[Disclosure]) -> pl.DataFrame:
    """Write the table of a day with these rows; gives them as they are read again."""
    frame = disclosures_frame(rows)
    capture = layout.capture_id(datetime.combine(day, time(3), UTC))
    lake.write_table("disclosures", day, frame, {"capture": capture})
    return frame.select(pl.lit(day).alias("date"), pl.all())


def write_day(lake: LakeResource, day: date, size: int, *, seed: int = 0) -> pl.DataFrame:
    """Write the table of a day with rows of companies chosen by chance."""
    chance = random.Random(f"{day} {seed}")  # noqa: S311 - sample data
    rows = [disclosure(day, number, code=chance.choice(CODES)) for number in range(size)]
    return put_day(lake, day, rows)
