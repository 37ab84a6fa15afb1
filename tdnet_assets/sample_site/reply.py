"""What the sample TDnet site sends for a request, however badly.

What belongs here: an answer as a value, and its way onto the wire. What does not: what is answered
(``site.py``) and which answers are spoilt (``faults.py``).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_FILLER = bytes(64 * 1024)
_LONGEST_SLEEP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; the defaults send the body as it is and at once."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    sent_bytes: int | None = None
    """Where the body breaks off, although Content-Length promises all of it; None sends all."""
    filler_bytes: int = 0
    """Zero bytes after the body, counted by Content-Length."""
    answered: bool = True
    """False closes the connection without an answer."""
    delay_seconds: float = 0.0
    drip_bytes: int = 0
    """Size of the pieces that the body is sent in, one each ``drip_seconds``; 0 sends it whole."""
    drip_seconds: float = 0.0


class ReplyResponse(Response):
    """Sends a reply; ends its connection early when the reply says so."""

    def __init__(
        self,
        reply: Reply,
        *,
        close: Callable[[Scope], None],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._reply, self._close, self._is_stopping = reply, close, is_stopping
        super().__init__(reply.body, reply.status, reply.headers)
        if reply.filler_bytes:
            self.headers["content-length"] = str(len(reply.body) + reply.filler_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        reply = self._reply
        await self._sleep(reply.delay_seconds)
        if not reply.answered:
            await self._hang_up(scope, receive)
            return
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        body = reply.body[: reply.sent_bytes]
        if reply.drip_bytes:
            for start in range(0, len(body), reply.drip_bytes):
                await self._send(send, body[start : start + reply.drip_bytes])
                await self._sleep(reply.drip_seconds)
            body = b""
        if reply.sent_bytes is not None:
            await self._send(send, body)
            await self._hang_up(scope, receive)
            return
        if reply.filler_bytes:
            await self._send(send, body)
            body = b""
            for start in range(0, reply.filler_bytes, len(_FILLER)):
                await self._send(send, _FILLER[: reply.filler_bytes - start])
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _send(self, send: Send, body: bytes) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": True})

    async def _sleep(self, seconds: float) -> None:
        # In short naps, so that a stopping server need not wait for a slow answer.
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._is_stopping():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(min(left, _LONGEST_SLEEP_SECONDS))

    async def _hang_up(self, scope: Scope, receive: Receive) -> None:
        self._close(scope)
        while (await receive())["type"] != "http.disconnect":
            pass
