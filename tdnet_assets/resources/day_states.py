"""The state of a day's tables as it is stored: what everything that judges a day asks.

What belongs here: reading what the stored objects say of themselves, cheaply: for one day a listing
of its captures, the newest manifest, and a HEAD for every table; and which days that is worth
asking of. What does not: the judgement
(``tables/wholeness.py``).
"""

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

from tdnet_assets.config import LIVE_WINDOW_DAYS, PlatformConfig
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.index_feed import feed_source
from tdnet_assets.resources.lake.captures import Capture, CaptureStore
from tdnet_assets.resources.lake.store import SIZE, LakeResource, ObjectHead
from tdnet_assets.tables.recipes import RECIPES, Recipe
from tdnet_assets.tables.wholeness import DayState, Origin, version_of
from tdnet_assets.tdnet.listing import TOKYO

LIST_COMPLETE = "list_complete"
"""The check of the list itself; its result stands in the manifest of the capture."""
_DAYS_AT_ONCE = 8
_LISTING, _INDEX = "listing_pages", "disclosure_index"


def read_day_state(
    lake: LakeResource, index: DisclosureIndexResource | None, day: date
) -> DayState:
    """The stored state of one day; without an index, the index counts as not there.

    Raises:
        LakeError: S3 refused or failed; a state is never guessed.
    """
    return read_day_states(lake, index, [day])[day]


def read_day_states(
    lake: LakeResource, index: DisclosureIndexResource | None, days: Collection[date]
) -> dict[date, DayState]:
    """The stored states of some days, in their order; see :func:`read_day_state`."""
    store = CaptureStore(lake)
    # One listing of them all is cheaper where they are all that it lists.
    is_range = len(days) > 1 and (max(days) - min(days)).days + 1 == len(days)
    captures = (
        store.ids_between(min(days), max(days))
        if is_range
        else {day: store.ids(day) for day in days}
    )
    sources = index.sources(days) if index and days else {}
    _ = lake.store  # made before the threads share it
    with ThreadPoolExecutor(_DAYS_AT_ONCE) as pool:
        read = pool.map(lambda day: _day_state(store, day, captures.get(day, ())), days)
        states = dict(zip(days, read, strict=True))
    if index is not None:
        for day, state in states.items():
            state.origins[_INDEX] = _index_origin(RECIPES[_INDEX], state, sources.get(day))
    return states


def _day_state(store: CaptureStore, day: date, captures: Sequence[str]) -> DayState:
    """What S3 knows of a day, of which these captures are stored."""
    state = DayState(day)
    state.origins[_LISTING] = listing_origin(store.newest(day, captures), captures)
    for name in RECIPES:
        if name in (_LISTING, _INDEX):
            continue
        head = store.lake.table_head(name, day)
        state.origins[name] = None
        if head:
            state.origins[name] = _table_origin(head)
            state.etags[name] = head.etag
    return state


def window(today: date, config: PlatformConfig) -> tuple[date, date]:
    """First and last day of TDnet's window; of what the site lists, or is a partition, if less."""
    first = today - timedelta(days=LIVE_WINDOW_DAYS - 1)
    begins = date.fromisoformat(config.first_day) if config.first_day else first
    return max(first, begins, config.oldest_listed_day(today) or first), today


def days_of_the_window(lake: LakeResource, config: PlatformConfig, now: datetime) -> list[date]:
    """Today and the days of TDnet's window before it, newest first, back to the lake's oldest day.

    Days before the oldest were never asked for: whether they are wanted is for a person to say.
    """
    today = now.astimezone(TOKYO).date()
    first, last = window(today, config)
    first = max(first, CaptureStore(lake).oldest_day() or today)
    return [last - timedelta(days=back) for back in range((last - first).days + 1)]


def listing_origin(latest: Capture | None, captures: Iterable[str]) -> Origin | None:
    """The origin of a day's list: its version is that of the set of captures, whatever their order.

    A capture that another process stores with an earlier id is a new version like any other.
    """
    if latest is None:
        return None
    failed = () if latest.complete else (LIST_COMPLETE,)
    version = version_of(" ".join(sorted(captures)), ",".join(failed))
    return Origin(version, RECIPES[_LISTING].reader, failed, {}, latest.begun_at)


def _table_origin(head: ObjectHead) -> Origin:
    size = head.metadata.get(SIZE, str(head.bytes))
    cut = "" if size == str(head.bytes) else f"damaged: {head.bytes} of {size} bytes"
    return Origin.from_metadata(head.metadata, head.last_modified, cut)


def _index_origin(recipe: Recipe, state: DayState, source: str | None) -> Origin | None:
    """The origin of the index: its register names the objects by e-tag, which is their content.

    It is fed from content alone, so a table whose check now passes makes no other index.
    """
    if source is None:
        return None
    listed, documents = state.etags.get("disclosures"), state.etags.get("documents")
    is_current = listed is not None and source == feed_source(listed, documents)
    versions = {name: state.version(name) or "" for name in recipe.inputs}
    return Origin(source, recipe.reader, (), versions if is_current else {})
