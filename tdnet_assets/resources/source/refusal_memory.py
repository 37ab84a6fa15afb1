"""What a host has refused, kept from session to session: one small object of the lake.

What belongs here: when it is read and put, and what becomes of another process's. What does not:
what follows from refusals (``refusals.py``).
"""

import asyncio
import logging

from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import ConflictError, LakeResource
from tdnet_assets.resources.source.refusals import Refusals
from tdnet_assets.tdnet.errors import TdnetAssetsError

_LOGGER = logging.getLogger(__name__)


class RefusalMemory:
    """The refusals of a session, which begin where the last one ended, on whichever machine.

    A lake that cannot be asked holds no session up: the log says what is not remembered.
    """

    def __init__(self, lake: LakeResource, refusals: Refusals) -> None:
        """Ask nothing yet."""
        self._lake = lake
        self._refusals = refusals
        self._turn = asyncio.Lock()
        self._is_read = False
        self._stored = refusals.to_json()
        self._etag: str | None = None

    async def take_up(self) -> None:
        """Go on where the last session ended."""
        self._is_read = True
        try:
            async with self._turn:
                await self._read()
        except TdnetAssetsError as error:
            _LOGGER.warning("what TDnet has refused earlier sessions is not known: %s", error)

    async def keep(self) -> None:
        """Put what has changed; nothing is put where nothing has, or where nobody asked."""
        if not self._is_read:
            return
        try:
            async with self._turn:
                while (content := self._refusals.to_json()) != self._stored:
                    if await self._try_to_put(content):
                        return
                    await self._read()  # another process was faster: what it knows holds as well
        except TdnetAssetsError as error:
            _LOGGER.warning("later sessions will not know what TDnet has refused: %s", error)

    async def _read(self) -> None:
        found = await asyncio.to_thread(self._lake.read_with_head, layout.REFUSALS)
        content, self._etag = (found[0], found[1].etag) if found else (None, None)
        left = Refusals()
        if content is not None:
            try:
                left = Refusals.from_json(content)
            except ValueError as error:
                where = self._lake.uri(layout.REFUSALS)
                _LOGGER.warning("%s is read as if nothing had been refused: %s", where, error)
        self._stored = left.to_json()
        self._refusals.take_up(left)

    async def _try_to_put(self, content: str) -> bool:
        """Whether it is in the lake now, and not another process's of the meantime."""
        try:
            self._etag = await asyncio.to_thread(
                self._lake.put_expected,
                layout.REFUSALS,
                content.encode(),
                content_type="application/json",
                expected=self._etag,
            )
        except ConflictError:
            return False
        self._stored = content
        return True
