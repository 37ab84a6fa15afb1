"""The watch file on its disk: read, validated, and read again when it has changed.

What belongs here: reading it. What does not: what may stand in it (``tdnet/watching``).
"""

import logging
import threading
from pathlib import Path

from tdnet_assets.config import ConfigurationError, PlatformConfig
from tdnet_assets.tdnet.watching.watch_file import WatchFileError, read_watch_file
from tdnet_assets.tdnet.watching.watch_list import WatchList

_LOGGER = logging.getLogger(__name__)


def read_watch_list(config: PlatformConfig) -> WatchList:
    """The watch-lists of the configuration; none where no file is named.

    Raises:
        ConfigurationError: the file cannot be read.
        WatchFileError: it is not valid.
    """
    if not config.watches:
        return WatchList()
    path = Path(config.watches)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(
            f"the watch file {path} cannot be read: {reason}; set TDNET_WATCHES to one that is "
            "there, or leave it out"
        ) from None
    try:
        return read_watch_file(text)
    except WatchFileError as error:
        raise WatchFileError(f"{path} is not valid:\n{error}") from None


class WatchSource:
    """The watch-lists for somebody who lives long; threads may share it.

    A file that has become invalid does not end the watching: the last valid one stands, and each
    new fault is logged once.
    """

    def __init__(self, config: PlatformConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._list = WatchList()

    def current(self) -> WatchList:
        """The watch-lists as the file has them now."""
        with self._lock:
            mark = self._mark()
            if mark != self._read_at:
                self._read_at = mark
                try:
                    self._list = read_watch_list(self._config)
                except (ConfigurationError, WatchFileError) as error:
                    _LOGGER.error("the watch file is passed over: %s", error)  # noqa: TRY400 - the message says it all
            return self._list

    def _mark(self) -> tuple[int, int]:
        try:
            found = Path(self._config.watches).stat() if self._config.watches else None
        except OSError:
            return (-1, -1)
        return (found.st_mtime_ns, found.st_size) if found else (0, 0)
