"""Archives to test the reader with: the sample site's, and real captures where they are."""

import datetime as dt
import io
import zipfile
from functools import lru_cache
from pathlib import Path

import pytest

from tdnet_assets.sample_site.day import planned_day
from tdnet_assets.sample_site.linked_files import filing
from tdnet_assets.tdnet.xbrl.archive import read_archive

CAPTURES = Path(__file__).resolve().parents[3].parent / "shared" / "fixtures" / "xbrl"
needs_captures = pytest.mark.skipif(
    not CAPTURES.is_dir(),
    reason=f"REAL CAPTURES NOT TESTED: there are no real XBRL archives in {CAPTURES}",
)
DAYS = (dt.date(2026, 2, 13), dt.date(2026, 5, 14), dt.date(2026, 11, 10))


@lru_cache(maxsize=1)
def sample_archives() -> dict[str, bytes]:
    """Every archive of three days, by day, title and name."""
    found = {}
    for day in DAYS:
        for plan in planned_day(day, 200, 0, changes=False).values():
            name = plan.row.xbrl_name
            if name:
                key = f"{day} {plan.row.first_title} {name}"
                found[key] = filing(plan.row, day, name, pdf_bytes=None)
    return found


def summary_kind(content: bytes) -> str:
    """Kind of a sample archive's summary by its file name, e.g. ``acedjpsm`` or ``rvfc``."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(
            name
            for name in archive.namelist()
            if name.endswith("-ixbrl.htm") and "Attachment" not in name
        )
    kind = name.rpartition("/")[2].split("-")[1]
    has_ranges = any(
        fact.result_forecast == "Upper" and fact.value is not None
        for fact in read_archive(content).facts
    )
    return f"{kind} with ranges" if has_ranges else kind


@lru_cache(maxsize=1)
def archive_of_each_kind() -> dict[str, bytes]:
    """One sample archive of every :func:`summary_kind`."""
    found: dict[str, bytes] = {}
    for content in sample_archives().values():
        found.setdefault(summary_kind(content), content)
    return found
