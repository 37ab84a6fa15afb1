"""What a step of a day's work is: an asset, its checks, and how it is made of one day.

What belongs here: the shapes that every asset module uses. What does not: in which order steps run
and what a failure stops (``day_run.py``), and which steps there are (``definitions.py``).
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

import dagster as dg
import polars as pl

from tdnet_assets.assets.day_files import DayFiles
from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.store import (
    DamagedObjectError,
    LakeResource,
    ScannedTable,
    StoredTable,
)
from tdnet_assets.resources.source.disclosure_source import DisclosureSource, ListReading
from tdnet_assets.tables.recipes import RECIPES, Recipe
from tdnet_assets.tables.table import Table
from tdnet_assets.tables.wholeness import DayState, Origin, origin_metadata
from tdnet_assets.tdnet.errors import TdnetAssetsError, TdnetError
from tdnet_assets.tdnet.sightings import Disclosure

_Stored = TypeVar("_Stored", StoredTable, ScannedTable)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one day; a failed one fails the asset's materialization of that day.

    One that only warns is about what was filed, not about how it was collected: it is shown and
    the day stands.
    """

    name: str
    passed: bool
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    only_warns: bool = False

    @property
    def fails(self) -> bool:
        """Whether the day is not whole because of it."""
        return not self.passed and not self.only_warns


@dataclass(frozen=True, slots=True)
class Materialized:
    """What a step made of a day: metadata for the UI and the results of its checks.

    ``version`` is that of the stored table.
    """

    version: str
    metadata: Mapping[str, Any]
    checks: Sequence[CheckResult] = ()


class IncompleteDayError(TdnetAssetsError):
    """An asset of a day is not whole: a check failed, or what it is made from is not there."""


def _present() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Day:
    """One day of a run, with everything that a step needs; ``say`` tells a person how far it is."""

    date: date
    lake: LakeResource
    index: DisclosureIndexResource
    progress: RunProgress
    state: DayState
    say: Callable[[str], None]
    versions: dict[str, str] = field(default_factory=dict, kw_only=True)
    """Of each input as the step at hand has read it."""
    damaged: set[str] = field(default_factory=set, kw_only=True)
    """Tables that were found unreadable and are to be put anew."""
    recalled: dict[Hashable, pl.DataFrame] = field(default_factory=dict, kw_only=True)
    """What a step has found in other days, by all that it depends on: the next need not look."""
    now: Callable[[], datetime] = field(default=_present, kw_only=True)
    """The present, aware."""

    def made_from(self, recipe: Recipe) -> dict[str, str]:
        """The versions of a recipe's inputs: as they were read, or as they are stored."""
        return {
            name: self.versions.get(name) or self.state.version(name) or ""
            for name in recipe.inputs
        }

    def read(self, table: str) -> StoredTable:
        """An input of the step at hand.

        Raises:
            IncompleteDayError: it is not in the lake.
        """
        stored = self.lake.read_table(table, self.date)
        if stored is None:
            raise IncompleteDayError(f"no {table} of {self.date} yet: materialize them first")
        self.versions[table] = Origin.from_metadata(stored.metadata).version
        return stored

    def scan(self, table: str) -> ScannedTable:
        """As :meth:`read`, for a large input of which not everything is wanted."""
        found = self.lake.scan_table(table, self.date)
        if found is None:
            raise IncompleteDayError(f"no {table} of {self.date} yet: materialize them first")
        self.versions[table] = Origin.from_metadata(found.metadata).version
        return found

    def scan_own(self, table: str) -> ScannedTable | None:
        """As :meth:`read_own`, for a large table."""
        return self._own(table, self.lake.scan_table)

    def read_own(self, table: str) -> StoredTable | None:
        """The step's own table as it is; None where it is not there, or is damaged.

        A damaged one is made again from its inputs; a warning says so.
        """
        return self._own(table, self.lake.read_table)

    def _own(self, table: str, read: "Callable[[str, Any], _Stored | None]") -> _Stored | None:
        try:
            return read(table, self.date)
        except DamagedObjectError as damage:
            self.say(f"WARNING: {damage}; it is made again")
            self.damaged.add(table)
            return None

    def refresh(self) -> None:
        """Read the stored state of the day again: another process has changed it."""
        recipes = self.state.recipes
        self.versions.clear()
        self.state = read_day_state(self.lake, self.index, self.date)
        self.state.recipes = recipes

    def put_beside(
        self, table: Table, rows: Sequence[Mapping[str, Any]], metadata: Mapping[str, str]
    ) -> None:
        """Store what belongs to the step's table; a day that never had any such row has no file.

        Raises:
            ConflictError: another writer has stored it meanwhile.
        """
        head = self.lake.table_head(table.name, self.date)
        if rows or head:
            expected = head.etag if head else None
            self.lake.put_table(
                table.name,
                self.date,
                table.frame(rows),
                metadata,
                expected=expected,
                damaged=table.name in self.damaged,
            )
            self.damaged.discard(table.name)

    def put(
        self,
        table: str,
        frame: pl.DataFrame | pl.LazyFrame,
        checks: Sequence[CheckResult],
        *,
        before: StoredTable | ScannedTable | None = None,
        row_group_size: int | None = None,
        metadata: Mapping[str, str] | None = None,
        footer: Mapping[str, str] | None = None,
    ) -> Materialized:
        """Store a table with what it was made from, unless another writer has stored it meanwhile.

        Args:
            table: its name.
            frame: its rows; lazy ones are never in memory all at once.
            checks: the results of its own checks.
            before: the table as it was read, where its rows went into the new ones.
            row_group_size: rows that are written and read together; polars' own when None.
            metadata: more of the object's own, besides what it was made from.
            footer: key-value metadata inside the file.

        Returns:
            The step's result, with the checks and without metadata for the UI.

        Raises:
            ConflictError: the table is another one than ``before``, or than the day's state says.
        """
        made_from = self.made_from(RECIPES[table])
        failed = [check.name for check in checks if check.fails]
        metadata = {**(metadata or {}), **origin_metadata(RECIPES[table], made_from, failed)}
        write = self.lake.put_table(
            table,
            self.date,
            frame,
            metadata,
            expected=before.etag if before else self.state.etags.get(table),
            row_group_size=row_group_size,
            footer=footer,
            damaged=table in self.damaged,
        )
        self.damaged.discard(table)
        self.state.etags[table] = write.etag
        version = Origin.from_metadata({**metadata, "sha256": write.sha256}).version
        return Materialized(version, {}, checks)


def _nobody(day: date, rows: Sequence[Disclosure]) -> None:
    """Nobody waits for the rows."""


@dataclass(slots=True)
class CollectionDay(Day):
    """A day of a run that may ask TDnet; ``new_rows`` is set by ``disclosures``.

    ``capture`` is the capture that ``listing_pages`` has just read, None where it read none.
    """

    source: DisclosureSource
    concurrency: int
    counts_documents: bool
    files: DayFiles
    capture: str | None = None
    reading: ListReading | TdnetError | None = None
    """The list as it has just been read, or why it could not be; None to read it."""
    new_rows: frozenset[str] = frozenset()
    rows_stored: Callable[[date, Sequence[Disclosure]], None] = _nobody
    """Is told of a day's rows each time that they are stored; returns at once, never raises."""
    _listed: int = 0
    _rejected: int = 0

    def count_listed(self, disclosures: int, rejects: int, *, new: int) -> None:
        """Count the day's rows as they grow; they settle here unless ``documents`` does it."""
        more, unread = max(0, disclosures - self._listed), max(0, rejects - self._rejected)
        self._listed += more
        self._rejected += unread
        self.progress.listed(more, unread)
        if not self.counts_documents:
            new = min(new, more)
            self.progress.settled(collected=new, skipped=more - new)


_DayT_contra = TypeVar("_DayT_contra", bound=Day, contravariant=True)


def _always_holds(day: Day, shown: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class DailyStep(Generic[_DayT_contra]):
    """A daily asset: its spec, the names and meanings of its checks, and how a day is made.

    A day whose table is what would be made is not made again: its last result is shown. A step
    needs nothing of its own for that, unless it answers for more than its table.

    Attributes:
        spec: of the asset.
        checks: their meanings by name.
        materialize: makes a day.
        still_holds: of a day whose table is unchanged, whether what was shown of it last is true
            still; takes the metadata's values by label. It counts what making it would count.
        counts_of_a_run: labels of metadata that say what a run did: 0 where nothing is made.
    """

    spec: dg.AssetSpec
    checks: Mapping[str, str]
    materialize: Callable[[_DayT_contra], Awaitable[Materialized]]
    still_holds: Callable[[_DayT_contra, Mapping[str, Any]], bool] = _always_holds
    counts_of_a_run: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The asset's name."""
        return self.spec.key.to_user_string()

    @property
    def recipe(self) -> Recipe:
        """What the asset is made from, as Dagster is told."""
        inputs = tuple(dep.asset_key.to_user_string() for dep in self.spec.deps)
        work = RECIPES[self.name].work if self.name in RECIPES else ""
        return Recipe(self.name, inputs, work, self.spec.code_version or "")

    def check_specs(self) -> list[dg.AssetCheckSpec]:
        """The checks as Dagster declares them."""
        return [
            dg.AssetCheckSpec(name, asset=self.spec.key, description=text)
            for name, text in self.checks.items()
        ]
