"""Where the archive begins: one day in the lake, written at the first start and never moved later.

What belongs here: deciding and keeping it, so that every process has the same partitions. What does
not: the partitions (``partitions.py``).
"""

import logging
from datetime import date

from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.lake.captures import CaptureStore
from tdnet_assets.resources.lake.layout import FIRST_DAY
from tdnet_assets.resources.lake.store import ConflictError, DamagedObjectError, LakeResource

_LOGGER = logging.getLogger(__name__)


def with_first_day(config: PlatformConfig, today: date) -> PlatformConfig:
    """The configuration with the day that partitions begin at, for who builds the definitions.

    Nothing is asked where ``TDNET_FIRST_DAY`` says it, nor of a source that lists days without
    limit: any day may be had there. Where the lake does not answer, the configuration stays as it
    is and the log says so: partitions then begin at the earliest day that there is at all, so that
    no partition is missing.

    Args:
        config: with the addresses of running services.
        today: in Japan.
    """
    listed = config.oldest_listed_day(today)
    if config.first_day or listed is None:
        return config
    lake = LakeResource(config=config)
    try:
        first = begun_by(lake, min(listed, CaptureStore(lake).oldest_day() or listed))
    except Exception as error:  # noqa: BLE001 - whatever ails S3, the code location must load
        _LOGGER.warning(
            "partitions begin at the earliest day, since %s could not be asked for the first day "
            "of the archive: %s; mend that and reload, or set TDNET_FIRST_DAY",
            lake.uri(FIRST_DAY),
            error,
        )
        return config
    return config.changed(first_day=str(first))


def stored_first_day(lake: LakeResource) -> date | None:
    """The first day of the archive as the lake says it; None before the first start.

    Raises:
        DamagedObjectError: what is stored is not a day.
        LakeError: S3 refused or failed.
    """
    content, head = lake.read_with_head(FIRST_DAY) or (None, None)
    return None if content is None else _day(lake, content, head.etag if head else None)


def begun_by(lake: LakeResource, day: date) -> date:
    """The first day of the archive, moved to ``day`` if it was later or was not said yet.

    Raises:
        DamagedObjectError: what is stored is not a day.
        LakeError: S3 refused or failed.
    """
    while True:
        content, head = lake.read_with_head(FIRST_DAY) or (None, None)
        etag = head.etag if head else None
        if content is not None and (known := _day(lake, content, etag)) <= day:
            return known
        try:
            lake.put_expected(
                FIRST_DAY, f"{day}\n".encode(), content_type="text/plain", expected=etag
            )
        except ConflictError:
            continue  # another process was faster, and has only moved it earlier
        return day


def _day(lake: LakeResource, content: bytes, etag: str | None) -> date:
    try:
        return date.fromisoformat(content.decode("ascii").strip())
    except ValueError:
        raise DamagedObjectError(
            lake.uri(FIRST_DAY),
            f"{content[:40]!r} is not a day",
            "delete it: it is written anew when the code location is loaded",
            etag=etag,
        ) from None
