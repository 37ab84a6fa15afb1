"""``listing_pages``: the raw bytes of a day's list, page by page, and the manifest of the capture.

What belongs here: the asset. What does not: paging (``resources/source/paging.py``), HTTP
(``resources/source/polite_http.py``), what rows say (the next asset).
"""

import dagster as dg

from tdnet_assets.assets.steps import CheckResult, CollectionDay, DailyStep, Materialized
from tdnet_assets.resources.day_states import LIST_COMPLETE, listing_origin
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.captures import Capture, CaptureStore
from tdnet_assets.tables.recipes import RECIPES
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.listing import page_count, page_name

NAME = "listing_pages"

SPEC = dg.AssetSpec(
    NAME,
    description="The list pages of a day as TDnet sent them, stored before they are parsed. A "
    "new capture is kept whenever any page has changed; older ones are never touched. A day that "
    "TDnet lists no more is taken from the lake, without a request.",
    group_name=RECIPES[NAME].work,
    kinds={"s3", "html"},
    code_version=RECIPES[NAME].reader,
    metadata={
        "dagster/column_schema": dg.TableSchema(
            [dg.TableColumn("html", "bytes", "a list page of the day, as TDnet sent it")]
        )
    },
)


async def materialize(day: CollectionDay) -> Materialized:
    """Read the day's list until it is whole; store what is new of it."""
    requests_before = day.source.counts.requests
    store = CaptureStore(day.lake)
    reading = day.reading or await day.source.read_day(store, day.date)
    day.reading = None
    if isinstance(reading, TdnetError):
        raise reading
    capture = reading.capture
    day.capture = capture.id
    listing = listing_origin(capture, store.ids(day.date))
    return Materialized(
        version=listing.version if listing else "",
        metadata={
            "dagster/partition_row_count": capture.total or 0,
            "dagster/uri": day.lake.uri(layout.captures_prefix(day.date)),
            "pages": page_count(capture.total or 0) if capture.continues else len(capture.pages),
            "capture": capture.id,
            "all_pages_read": dg.MetadataValue.timestamp(capture.whole_at),
            "changed": reading.changed,
            "readings": reading.readings,
            "from": "TDnet" if reading.readings else "the lake: TDnet lists the day no more",
            "requests": day.source.counts.requests - requests_before,
            "bytes": sum(page.bytes for page in capture.pages),
            "list": dg.MetadataValue.url(f"{capture.base_url}/{page_name(day.date, 1)}"),
            "manifest": dg.MetadataValue.url(
                day.lake.console_url(layout.manifest_key(day.date, capture.id))
            ),
        },
        checks=[
            CheckResult(
                LIST_COMPLETE,
                passed=reading.error is None,
                description=str(reading.error or _how_complete(capture)),
                metadata={"total": capture.total or 0, "pages": len(capture.pages)},
            )
        ],
    )


def _how_complete(capture: Capture) -> str:
    total = f"全{capture.total or 0}件"
    if capture.continues is None:
        return f"{total} on every page"
    return f"{total}: what is new, down to what all pages had in {capture.continues}"


LISTING_PAGES_STEP = DailyStep(
    spec=SPEC,
    checks={
        LIST_COMPLETE: "Every page, or each with something new, gave the same 全N件, and the rows "
        "add up."
    },
    materialize=materialize,
)
