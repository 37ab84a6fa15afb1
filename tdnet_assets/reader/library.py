"""What the reader has read of the lake, kept for as long as the objects that it is of stay.

What belongs here: when something has to be read again, and how much is kept. What does not: what is
read (``catalog.py``).

A table's files are listed at most every quarter of a minute, whoever asks; their etags say whether
an answer still stands. So a day that changed shows within a minute, and one that did not costs the
listing.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar, cast

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake.store import LakeResource, StoredObject
from tdnet_assets.resources.lake.yearly_copies import daily_files

LISTED_EVERY_SECONDS: Final = 15.0
KEPT_BYTES: Final = 96_000_000
_LISTINGS_AT_ONCE: Final = 16

_T = TypeVar("_T")
Files = Mapping[date, StoredObject]


@dataclass(slots=True)
class _Kept:
    version: str
    value: Any
    bytes: int


@dataclass(slots=True)
class Shelf:
    """Values by key, each of one version; those used least give way when it is full.

    Of several who ask for the same at once, one makes it and the others wait.
    """

    capacity: int = KEPT_BYTES
    _kept: "OrderedDict[Hashable, _Kept]" = field(default_factory=OrderedDict)
    _making: dict[Hashable, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _bytes: int = 0

    def get(
        self, key: Hashable, version: str, make: Callable[[], _T], size: Callable[[_T], int]
    ) -> _T:
        """The value of this version, made now unless it is here.

        Args:
            key: which value.
            version: the one that is wanted; another one is replaced.
            make: makes it; what it raises is raised, and nothing is kept.
            size: of the value, in bytes.
        """
        if found := self._find(key, version):
            return cast("_T", found.value)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                if found := self._find(key, version):
                    return cast("_T", found.value)
                value = make()
                self._keep(key, _Kept(version, value, size(value)))
        finally:
            # Also of what failed: addresses that nobody has are without number.
            with self._lock:
                self._making.pop(key, None)
        return value

    def find(self, key: Hashable, version: str) -> Any:
        """The value of this version if it is here, else None."""
        found = self._find(key, version)
        return found.value if found else None

    def _find(self, key: Hashable, version: str) -> _Kept | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None or found.version != version:
                return None
            self._kept.move_to_end(key)
            return found

    def _keep(self, key: Hashable, kept: _Kept) -> None:
        with self._lock:
            if before := self._kept.pop(key, None):
                self._bytes -= before.bytes
            if kept.bytes > self.capacity // 4:
                return  # one that would drive out all others
            self._kept[key] = kept
            self._bytes += kept.bytes
            while self._bytes > self.capacity:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.bytes


class Library:
    """The lake as the reader knows it; safe to share between threads."""

    def __init__(
        self, config: PlatformConfig, *, listed_every_seconds: float = LISTED_EVERY_SECONDS
    ) -> None:
        """Read nothing yet.

        Args:
            config: where the lake is; connected.
            listed_every_seconds: how old a listing may be.
        """
        self.config = config
        self.lake = LakeResource(config=config)
        _ = self.lake.store  # made before threads share it
        self.shelf = Shelf()
        self._listed_every = listed_every_seconds
        self._listings = Shelf(capacity=32_000_000)
        self._pool = ThreadPoolExecutor(_LISTINGS_AT_ONCE, thread_name_prefix="listing")

    def files(self, table: str, first: date | None = None, last: date | None = None) -> Files:
        """A table's daily files of some days, as they were a quarter of a minute ago at most."""
        turn = (
            int(time.monotonic() / self._listed_every) if self._listed_every else time.monotonic()
        )
        return self._listings.get(
            (table, first, last),
            str(turn),
            lambda: daily_files(self.lake, table, first, last),
            lambda files: 300 * (len(files) + 1),
        )

    def version(
        self, tables: Iterable[str], first: date | None = None, last: date | None = None
    ) -> str:
        """Another one whenever a file of these tables and days has changed, come or gone.

        The tables are listed at once: of a distant S3 the listings of years take longest.
        """
        names = list(tables)
        digest = hashlib.sha256()
        listed = self._pool.map(lambda table: self.files(table, first, last), names)
        for table, files in zip(names, listed, strict=True):
            for day, found in files.items():
                digest.update(f"{table} {day} {found.etag}\n".encode())
        return digest.hexdigest()[:24]

    def close(self) -> None:
        """End the threads that list."""
        self._pool.shutdown(cancel_futures=True)

    def kept(
        self, key: Hashable, version: str, make: Callable[[], _T], size: Callable[[_T], int]
    ) -> _T:
        """A value of the shelf; see :meth:`Shelf.get`."""
        return self.shelf.get(key, version, make, size)
