"""Captures: the raw list pages of one reading of a day, and the manifest that describes them.

What belongs here: how a capture is stored before it is parsed, found again, and read back. A
capture is immutable; a reading that finds just the pages of the latest capture stores nothing.

What does not: the order in which pages are asked for and when a reading is good
(``resources/source/paging.py``).
"""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from pydantic import TypeAdapter, ValidationError

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import DamagedObjectError, LakeError, LakeResource, sha256

TDNET = "tdnet"
"""The source of a capture whose manifest names none."""

# Metadata of a page: of its bytes as they came, and what to ask with whether it is still the same.
PAGE_DIGEST, _VALIDATOR = "content-sha256", "content-last-modified"
_READ_AGAIN = (
    "if TDnet lists the day still, `tdnet verify --repair` has it read again, else bring back the "
    "object's earlier version"
)


@dataclass(frozen=True, slots=True)
class CapturedPage:
    """One stored page: ``status`` is HTTP's, ``total`` its 全N件 (None when it is unreadable).

    ``unread_rows`` counts the rows that it announces and that could not be read of it.
    """

    number: int
    key: str
    status: int
    sha256: str
    bytes: int
    total: int | None
    last_modified: str | None
    received_at: str
    headers: Mapping[str, str]
    unread_rows: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all of it could be read: only then may it be asked for with a condition."""
        return self.total is not None and not self.unread_rows


@dataclass(frozen=True, slots=True)
class Capture:
    """One reading of a day's list; ``problem`` says why it is not complete.

    ``source`` says whose pages they are, and so how they are read. ``continues`` is the id of an
    earlier capture of all pages where this one has only those above known ground: together with it,
    and with what else continues it until then, it shows every row.
    """

    id: str
    day: date
    base_url: str
    complete: bool
    total: int | None
    problem: str | None
    pages: tuple[CapturedPage, ...]
    source: str = TDNET
    continues: str | None = None

    @property
    def begun_at(self) -> datetime:
        """When the reading began (aware, UTC)."""
        return layout.capture_time(self.id)

    @property
    def whole_at(self) -> datetime:
        """When the newest reading of all pages that it stands on began (aware, UTC)."""
        return layout.capture_time(self.continues or self.id)

    def page(self, number: int) -> CapturedPage | None:
        """The stored page of this number."""
        return next((page for page in self.pages if page.number == number), None)

    def to_json(self) -> bytes:
        """The manifest's bytes."""
        content = {**asdict(self), "day": self.day.isoformat()}
        return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Capture":
        """The capture that a manifest describes.

        Raises:
            ValueError: it describes none.
        """
        return _MANIFEST.validate_json(content)


_MANIFEST = TypeAdapter(Capture)


@dataclass(frozen=True, slots=True)
class SeenPage:
    """Page 1 as a look has stored it, of which no capture has been made yet."""

    content: bytes
    last_modified: str


@dataclass(frozen=True, slots=True)
class CaptureStore:
    """The captures in the lake."""

    lake: LakeResource

    def latest(self, day: date) -> Capture | None:
        """The newest finished capture of a day that can be read."""
        return self.newest(day, self.ids(day))

    def newest(self, day: date, ids: Sequence[str]) -> Capture | None:
        """The last of these captures, in their order, that can be read."""
        for capture_id in reversed(ids):
            with suppress(DamagedObjectError):  # told by whoever needs that very capture
                if capture := self.get(day, capture_id):
                    return capture
        return None

    def get(self, day: date, capture_id: str) -> Capture | None:
        """One finished capture; None where there is none of this id.

        Raises:
            DamagedObjectError: its manifest is there and cannot be read.
        """
        key = layout.manifest_key(day, capture_id)
        content = self.lake.read(key)
        if content is None:
            return None
        if wrong := what_is_wrong_with_a_manifest(content, day, capture_id):
            raise self._damaged(key, wrong)
        return Capture.from_json(content)

    def oldest_day(self) -> date | None:
        """The oldest day of which anything was captured; None in an empty lake."""
        for stored in self.lake.list(layout.ALL_CAPTURES):
            return layout.day_of_key(stored.key)
        return None

    def read(self, page: CapturedPage) -> bytes:
        """A page's bytes as they came from TDnet.

        Raises:
            DamagedObjectError: the object is missing or is not what the manifest says.
        """
        stored = self.lake.read(page.key)
        if stored is None:
            raise self._damaged(page.key, "named by a manifest, but not there")
        try:
            content = expanded_page(stored)
        except ValueError as error:
            raise self._damaged(page.key, str(error)) from error
        if sha256(content) != page.sha256:
            raise self._damaged(page.key, "its sha256 is not the manifest's")
        return content

    def _damaged(self, key: str, seen: str) -> DamagedObjectError:
        found = self.lake.head(key)
        etag = found.etag if found else None
        return DamagedObjectError(self.lake.uri(key), seen, _READ_AGAIN, etag=etag)

    def put_page(
        self, day: date, capture_id: str, number: int, content: bytes, validator: str | None = None
    ) -> str:
        """Store a page's bytes; gives its key."""
        key = layout.page_key(day, capture_id, number)
        metadata = {PAGE_DIGEST: sha256(content)} | ({_VALIDATOR: validator} if validator else {})
        # No time inside the gzip, so the same page is the same object.
        self._put(key, gzip.compress(content, mtime=0), "application/gzip", metadata)
        return key

    def put_seen(self, day: date, seen: SeenPage, at: datetime) -> None:
        """Store what a look has seen, for the reading that follows: no capture is made of it.

        Raises:
            LakeError: it is not stored.
        """
        validator = seen.last_modified
        if validator.isascii() and validator.isprintable():  # as S3 takes it
            self.put_page(day, layout.capture_id(at), 1, seen.content, validator)

    def seen_since(self, day: date, capture: Capture | None) -> SeenPage | None:
        """What a look has stored last, if that was after this capture.

        None also where nothing can be made of it: the page is asked for then as any other.
        """
        prefix = layout.captures_prefix(day)
        after = layout.manifest_key(day, capture.id) if capture else None
        keys = [stored.key for stored in self.lake.list(prefix, after=after)]
        pages = [key for key in keys if key == layout.page_key(day, layout.capture_of_key(key), 1)]
        found = self.lake.read_with_head(pages[-1]) if pages else None
        if found is None:
            return None
        stored, head = found
        validator = head.metadata.get(_VALIDATOR)
        with suppress(ValueError):
            content = expanded_page(stored)
            if validator and sha256(content) == head.metadata.get(PAGE_DIGEST):
                return SeenPage(content, validator)
        return None

    def put_manifest(self, capture: Capture) -> None:
        """Store the manifest, which makes the capture a finished one."""
        key = layout.manifest_key(capture.day, capture.id)
        self._put(key, capture.to_json(), "application/json", {})

    def _put(
        self, key: str, content: bytes, content_type: str, metadata: Mapping[str, str]
    ) -> None:
        if not self.lake.put_new(key, content, content_type=content_type, metadata=metadata):
            raise LakeError(
                f"{self.lake.uri(key)} is there with other content: two readings began in the same "
                "microsecond, or something else put it there; read the day's list again"
            )

    def ids(self, day: date) -> list[str]:
        """The ids of a day's finished captures, those that have a manifest, in their order."""
        found = (stored.key for stored in self.lake.list(layout.captures_prefix(day)))
        return sorted(layout.capture_of_key(key) for key in found if layout.is_manifest(key))

    def ids_between(self, first: date, last: date) -> dict[date, list[str]]:
        """The same of each day from ``first`` to ``last`` that has any, in one listing."""
        found: dict[date, list[str]] = {}
        for stored in self.lake.list(layout.ALL_CAPTURES, after=layout.captures_prefix(first)):
            day = layout.day_of_key(stored.key)
            if day is not None and day > last:
                break
            if day is not None and layout.is_manifest(stored.key):
                found.setdefault(day, []).append(layout.capture_of_key(stored.key))
        return {day: sorted(ids) for day, ids in found.items()}


@dataclass(slots=True)
class CaptureWriter:
    """One capture in the making.

    A page that differs from the latest capture's is stored as soon as it is here, before anybody
    parses it; one that is the same is in the lake already, and is stored again only if the capture
    turns out to be a new one. ``is_new`` says that it does for certain.
    """

    store: CaptureStore
    day: date
    base_url: str
    id: str
    known: Capture | None
    is_new: bool = False
    _held: dict[int, bytes] = field(default_factory=dict)

    def keep(self, number: int, content: bytes) -> str:
        """Store (or hold back) a page's bytes; gives the key where they are or would be."""
        known = self.known.page(number) if self.known else None
        if known and known.sha256 == sha256(content):
            self._held[number] = content
            return layout.page_key(self.day, self.id, number)
        return self.store.put_page(self.day, self.id, number, content)

    def finish(
        self,
        pages: tuple[CapturedPage, ...],
        *,
        complete: bool,
        problem: str | None,
        continues: str | None = None,
    ) -> tuple[Capture, bool]:
        """Store what is left and the manifest; gives the capture and whether it is a new one."""
        if (
            self.known
            and not self.is_new
            and (self.known.complete, self.known.problem) == (complete, problem)
            and self._shows_the_same(self.known, pages, continues)
        ):
            return self.known, False
        for number, content in self._held.items():
            self.store.put_page(self.day, self.id, number, content)
        capture = Capture(
            id=self.id,
            day=self.day,
            base_url=self.base_url,
            complete=complete,
            total=pages[-1].total if pages else None,
            problem=problem,
            pages=pages,
            continues=continues,
        )
        self.store.put_manifest(capture)
        return capture, True

    @staticmethod
    def _shows_the_same(
        known: Capture, pages: tuple[CapturedPage, ...], continues: str | None
    ) -> bool:
        """Whether the known capture has just these pages, or begins with them above the ground."""
        begins = known.pages[: len(pages)] if continues else known.pages
        same = [(page.number, page.sha256) for page in begins] == [
            (page.number, page.sha256) for page in pages
        ]
        return same and (continues is not None or known.continues is None)


def expanded_page(stored: bytes) -> bytes:
    """A stored page's bytes as they came from TDnet.

    Raises:
        ValueError: it is not a whole gzip file.
    """
    try:
        return gzip.decompress(stored)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"not a whole gzip file: {error}") from error


def what_is_wrong_with_a_manifest(content: bytes, day: date, capture_id: str) -> str:
    """Why these bytes are not the manifest of that capture; empty where they are."""
    try:
        capture = Capture.from_json(content)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        where = ".".join(map(str, wrong["loc"])) or "the whole"
        return f"not a capture's manifest: {where}: {wrong['msg']}"
    if (capture.day, capture.id) != (day, capture_id):
        return f"the manifest of {capture.day}, {capture.id}"
    if capture.source != TDNET:
        return f"of the source {capture.source!r}, which this version cannot read"
    return ""
