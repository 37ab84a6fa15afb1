"""Verification: everything that is stored of some days, read again and held against its digest.

What belongs here: which objects there are, what is wrong with one, and how it can be mended. What
does not: mending (``cli/verify.py`` takes damaged files away and has the day collected again).
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Final

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import (
    PAGE_DIGEST,
    Capture,
    CaptureStore,
    expanded_page,
    what_is_wrong_with_a_manifest,
)
from tdnet_assets.resources.lake.store import (
    DamagedObjectError,
    LakeError,
    LakeResource,
    sha256,
)
from tdnet_assets.tables import ALL_TABLES

ASK_AGAIN, MAKE_AGAIN, BRING_BACK = "ask again", "make again", "bring back"
"""Ways to mend: TDnet still lists the day; it follows from other objects; an earlier version."""
_READS_AT_ONCE: Final = 8
_DIGEST = "sha256"


@dataclass(frozen=True, slots=True)
class StoredThing:
    """An object of a day, with the sha256 that it should have where another object says so."""

    day: date
    key: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Damage:
    """An object that is not what was stored, or is missing; ``mend`` is one of the ways above."""

    day: date
    key: str
    problem: str
    mend: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The objects of some days, and how each of them is read again."""

    lake: LakeResource
    oldest_listed_day: date | None

    def things(self, days: Iterable[date]) -> list[StoredThing]:
        """Every object of the days: raw pages and manifests, files, tables."""
        found: list[StoredThing] = []
        for day in days:
            found += self._captures(day)
            found += self._files(day)
            found += [
                StoredThing(day, layout.table_key(table.name, day))
                for table in ALL_TABLES
                if table.partition == "date" and self.lake.table_head(table.name, day)
            ]
        return found

    def damages(self, things: Iterable[StoredThing]) -> Iterator[Damage | None]:
        """What is wrong with each thing, in order; None where nothing is."""
        _ = self.lake.store  # made before the threads share it
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            yield from pool.map(self._damage, things)

    def _captures(self, day: date) -> Iterator[StoredThing]:
        store = CaptureStore(self.lake)
        for capture_id in store.ids(day):
            yield StoredThing(day, layout.manifest_key(day, capture_id))
            try:
                capture = store.get(day, capture_id)
            except DamagedObjectError:
                continue  # told when the manifest itself is read
            if capture:
                yield from _pages(capture)

    def _files(self, day: date) -> Iterator[StoredThing]:
        prefix = layout.documents_prefix(day)
        present = {found.key for found in self.lake.list(prefix)}
        recorded: dict[str, str] = {}
        try:
            table = self.lake.read_table("documents", day)
        except DamagedObjectError:
            table = None  # told when the table itself is read
        if table is not None:
            stored = table.frame.filter(table.frame["status"] == "stored")
            rows = stored.select("disclosure_id", "kind", "sha256").iter_rows()
            recorded = {layout.document_key(day, number, kind): sha for number, kind, sha in rows}
        for key in sorted(present | recorded.keys()):
            yield StoredThing(day, key, recorded.get(key))

    def _damage(self, thing: StoredThing) -> Damage | None:
        try:
            problem = self._problem(thing)
        except (LakeError, ValueError) as error:
            problem = str(error)
        if not problem:
            return None
        return Damage(thing.day, thing.key, problem, self._mend(thing))

    def _problem(self, thing: StoredThing) -> str:
        found = self.lake.read_with_head(thing.key)
        if found is None:
            return "it is not there any more"
        content, head = found
        if thing.key.endswith("manifest.json"):
            capture_id = layout.capture_of_key(thing.key)
            return what_is_wrong_with_a_manifest(content, thing.day, capture_id)
        is_page = thing.key.endswith(".html.gz")
        if is_page:
            content = expanded_page(content)
        digest = sha256(content)
        claimed = _claims(thing, head.metadata, is_page=is_page)
        wrong = [f"{where} says {one[:12]}…" for where, one in claimed.items() if one != digest]
        return f"its sha256 is {digest[:12]}…, but {' and '.join(wrong)}" if wrong else ""

    def _mend(self, thing: StoredThing) -> str:
        if thing.key.startswith(layout.TABLES_FOLDER):
            return MAKE_AGAIN
        listed = self.oldest_listed_day is None or thing.day >= self.oldest_listed_day
        return ASK_AGAIN if listed else BRING_BACK


def _pages(capture: Capture) -> Iterator[StoredThing]:
    for page in capture.pages:
        yield StoredThing(capture.day, page.key, page.sha256)


def _claims(thing: StoredThing, metadata: Mapping[str, str], *, is_page: bool) -> dict[str, str]:
    """What the bytes' digest should be, by who says so."""
    claims = {"the table or manifest": thing.digest, "the object itself": metadata.get(_DIGEST)}
    if is_page:  # the object's own digest is of the compressed bytes
        claims["the object itself"] = metadata.get(PAGE_DIGEST)
    return {where: digest for where, digest in claims.items() if digest}
