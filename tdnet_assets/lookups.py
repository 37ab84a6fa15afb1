"""What a person typed or pointed at, as the catalogue is asked for it: codes, words, one file.

What belongs here: whatever is the same for the commands and for the reader: a short code, a word of
a title, a disclosure by its number. What does not: which files answer a question (``catalog.py``).
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from difflib import get_close_matches

import polars as pl

from tdnet_assets import catalog
from tdnet_assets.catalog import QueryError
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, sha256
from tdnet_assets.tdnet.categories import CATEGORIES
from tdnet_assets.tdnet.identifiers import as_printed, is_code, is_disclosure_id
from tdnet_assets.tdnet.listing import normalize_title

# A number names the day of its registration; nearly all are listed within days of it.
_LISTED_WITHIN = timedelta(days=7)


class FileNotStoredError(QueryError):
    """The lake does not have the file, or not as it was stored; the message says why."""


def near(written: str, names: Iterable[str]) -> str:
    """The end of a sentence that names what was perhaps meant; empty when nothing is like it."""
    alike = get_close_matches(written, sorted(names), n=3)
    return f"; there is {', '.join(alike)}" if alike else ""


def whole_code(
    config: PlatformConfig, code: str | None, first: date | None, last: date | None
) -> str | None:
    """All 5 characters of a code as it was typed, in whichever width and case.

    4 characters stand for an issuer only where they can mean no other.

    Raises:
        QueryError: the days hold several codes that begin so.
    """
    if code is None:
        return None

    def beginning_so(written: str) -> Iterable[str]:
        listed = catalog.scan_disclosures(config=config, first=first, last=last)
        begins_so = pl.col("code").is_between(pl.lit(f"{written}0"), pl.lit(f"{written}9"))
        return listed.filter(begins_so).select("code").unique().collect()["code"]

    return completed(code, beginning_so)


def completed(code: str, beginning_so: Callable[[str], Iterable[str]]) -> str:
    """All 5 characters of a code that was typed, as TDnet prints it; what is no code stays.

    Args:
        code: as typed.
        beginning_so: the known codes that begin with 4 characters.

    Raises:
        QueryError: of 4 characters, several codes begin so.
    """
    written = as_printed(code)
    meant = f"{written}0"
    if not is_code(meant):
        return written
    if others := set(beginning_so(written)) - {meant}:
        raise QueryError(
            f"{written} can mean {' or '.join(sorted({meant, *others}))}: write all 5 characters"
        )
    return meant


def require_category(category: str | None) -> None:
    """Refuse a category that there is not.

    Raises:
        QueryError: it says which there are.
    """
    if category is not None and category not in CATEGORIES:
        alike = near(category, CATEGORIES)
        raise QueryError(f"no category {category!r}{alike}: use one of {', '.join(CATEGORIES)}")


def mentions(text: str) -> pl.Expr:
    """Rows with this in the title, an earlier title or the company's name, as all are compared."""
    wanted = pl.lit(normalize_title(text).lower())

    def comparable(written: pl.Expr) -> pl.Expr:
        folded = written.str.normalize("NFKC").str.replace_all(r"\s+", " ")
        return folded.str.strip_chars().str.to_lowercase()

    def holds(written: pl.Expr) -> pl.Expr:
        return comparable(written).str.contains(wanted, literal=True)

    return (
        holds(pl.col("title"))
        | holds(pl.col("company_name"))
        | pl.col("previous_titles").list.eval(holds(pl.element())).list.any()
    )


def stored_file(config: PlatformConfig, disclosure_id: str, kind: str) -> tuple[str, bytes]:
    """The key and the bytes of a stored file, which are those that were fetched.

    Raises:
        QueryError: the number is not one.
        FileNotStoredError: the lake does not have the file as it was fetched.
    """
    if not is_disclosure_id(disclosure_id):
        raise QueryError(f"{disclosure_id!r} is not a disclosure number: it has 14 digits")
    rows = files_of(config, disclosure_id)
    wanted = rows.filter(pl.col("kind") == kind)
    if wanted.is_empty():
        kinds = ", ".join(rows["kind"]) or "no file at all"
        raise FileNotStoredError(f"the lake knows of {kinds} of {disclosure_id}, not of its {kind}")
    row = wanted.row(0, named=True)
    if row["status"] != "stored":
        why = f": {row['error']}" if row["error"] else ""
        raise FileNotStoredError(f"the {kind} of {disclosure_id} is {row['status']}{why}")
    lake = LakeResource(config=config)
    key = layout.document_key(row["date"], disclosure_id, kind)
    content = lake.read(key)
    if content is None or sha256(content) != row["sha256"]:
        seen = "is not there" if content is None else "is damaged: its sha256 is another"
        raise FileNotStoredError(
            f"{lake.object_key(key)} {seen}; `tdnet verify --from {row['date']} "
            f"--until {row['date']} --repair` asks for it again while TDnet has it"
        )
    return key, content


def files_of(config: PlatformConfig, disclosure_id: str) -> pl.DataFrame:
    """The expected files of a disclosure, as rows of ``documents`` with their ``date``."""
    days = disclosure_of(config, disclosure_id)["date"].to_list()
    # Of a number that is not listed there is no file, on whichever day it would be looked for.
    first, last = (min(days), max(days)) if days else (date.min, date.min)
    files = catalog.scan_documents(config=config, first=first, last=last)
    return files.filter(pl.col("disclosure_id") == disclosure_id).collect()


def disclosure_of(
    config: PlatformConfig, disclosure_id: str, as_of: datetime | None = None
) -> pl.DataFrame:
    """The row of a disclosure, as the lake has it or had it at a moment; empty without one."""
    # It is looked for about the day in its number, then in all days.
    spans: list[tuple[date | None, date | None]] = [(None, None)]
    try:
        registered = date.fromisoformat(disclosure_id[:8])
        spans.insert(0, (registered - _LISTED_WITHIN, registered + _LISTED_WITHIN))
    except (ValueError, OverflowError):
        pass  # the number begins with no date: all days are looked at
    found = pl.DataFrame()
    for first, last in spans:
        listed = catalog.scan_disclosures(config=config, first=first, last=last, as_of=as_of)
        found = listed.filter(pl.col("disclosure_id") == disclosure_id).collect()
        if found.height:
            break
    return found
