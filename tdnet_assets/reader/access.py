"""Who is let in, how much at once, and what every answer carries: in front of the application.

What belongs here: names of the host, the token, limits, headers, the log. What does not: what is
answered.

A page anywhere can make its browser send requests to this machine, also under a name of its own
that it lets point here: so only known names are answered. The token comes in a header or a cookie,
never in an address, where logs and histories would keep it.
"""

import hashlib
import hmac
import ipaddress
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tdnet_assets.config import ReaderSettings
from tdnet_assets.reader.problems import PROBLEM_JSON, ProblemError

LOGGER: Final = logging.getLogger("tdnet_assets.reader")
COOKIE: Final = "tdnet_reader"
LOOPBACK_NAMES: Final = frozenset(("127.0.0.1", "localhost", "[::1]"))
LOGIN: Final = "/login"
HEALTH: Final = "/health"
STATIC: Final = "/static/"

REQUESTS_AT_ONCE: Final = 128
LONGEST_ADDRESS: Final = 4_000
LONGEST_FORM: Final = 2_000
_METHODS: Final = ("GET", "HEAD", "OPTIONS")

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex, nofollow",
}


def is_loopback_address(host: str) -> bool:
    """Whether a server that binds this answers this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Door:
    """What is asked of whoever comes.

    Attributes:
        settings: token, names and origins.
        bound: the address that the server binds.
    """

    settings: ReaderSettings = field(default_factory=ReaderSettings)
    bound: str = "127.0.0.1"

    @property
    def names(self) -> frozenset[str]:
        """The names that a request may give the host."""
        bound = f"[{self.bound}]" if ":" in self.bound else self.bound
        return LOOPBACK_NAMES | {bound, *self.settings.hosts}

    @property
    def cookie(self) -> str:
        """What the cookie holds: made from the token, and not the token itself."""
        return hmac.new(self.settings.token.encode(), b"reader", hashlib.sha256).hexdigest()

    def is_known(self, host: str) -> bool:
        """Whether a ``Host`` header, with or without its port, is one of our names."""
        name, colon, port = host.strip().lower().rpartition(":")
        if not colon or not port.isdecimal():
            name = host.strip().lower()
        return name in self.names

    def is_token(self, given: str) -> bool:
        """Whether this is the token, in a time that tells nothing of it."""
        return hmac.compare_digest(given.encode(), self.settings.token.encode())

    def is_open_to(self, headers: Headers) -> bool:
        """Whether these headers bring the token, or none is needed."""
        if not self.settings.token:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        cookie = _cookie(headers.get("cookie", ""))
        return hmac.compare_digest(cookie.encode(), self.cookie.encode())


class Gate:
    """The ASGI application behind the door."""

    def __init__(
        self, application: ASGIApp, door: Door, *, requests_at_once: int = REQUESTS_AT_ONCE
    ) -> None:
        """Stand in front of the application.

        Args:
            application: what answers.
            door: who may come.
            requests_at_once: more are asked to come again.
        """
        self._application = application
        self._door = door
        self._limit = requests_at_once
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        status = [0]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                self._add_headers(MutableHeaders(scope=message), headers)
            await send(message)

        self._inside += 1
        try:
            if (refusal := self._refusal(scope, headers)) is not None:
                await _refuse(scope, answer, refusal)
            elif scope["method"] == "OPTIONS":
                await _send(answer, 204, {"allow": ", ".join(_METHODS)}, b"")
            else:
                await self._application(scope, receive, answer)
        finally:
            self._inside -= 1
            # Never the query or a header: words of a search, and whatever somebody put there.
            seconds = time.perf_counter() - started
            path = scope["path"].encode("unicode_escape").decode()[:200]
            LOGGER.info("%s %s %s %.0f ms", scope["method"], path, status[0], seconds * 1000)

    def _refusal(self, scope: Scope, headers: Headers) -> ProblemError | None:
        path, method = scope["path"], scope["method"]
        # A load balancer asks for the health by the task's address.
        if path != HEALTH and not self._door.is_known(headers.get("host", "")):
            return ProblemError(
                421,
                "this server does not go by that name: use 127.0.0.1, or add the name to "
                "TDNET_READER_HOSTS",
            )
        if len(scope["query_string"]) + len(scope.get("raw_path") or b"") > LONGEST_ADDRESS:
            return ProblemError(414, f"the address has more than {LONGEST_ADDRESS:,} characters")
        if method not in _METHODS and not (method == "POST" and path == LOGIN):
            return ProblemError(405, f"{method} is not answered here: everything is read with GET")
        if self._inside > self._limit:
            return ProblemError(503, "too many ask at once: come again in a second")
        is_free = path in (LOGIN, HEALTH) or path.startswith(STATIC)
        if not is_free and method != "OPTIONS" and not self._door.is_open_to(headers):
            return ProblemError(401, "send the token as `Authorization: Bearer …`, or log in")
        return None

    def _add_headers(self, answer: MutableHeaders, request: Headers) -> None:
        for name, value in _HEADERS.items():
            answer.setdefault(name, value)
        origin = request.get("origin", "").lower()
        if origin and origin in self._door.settings.origins:
            answer["access-control-allow-origin"] = request["origin"]
            answer["access-control-allow-headers"] = "authorization"
            answer["access-control-expose-headers"] = "etag, link"
            answer["cross-origin-resource-policy"] = "cross-origin"
            answer.add_vary_header("origin")


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


async def _refuse(scope: Scope, send: Send, problem: ProblemError) -> None:
    headers: dict[str, str] = {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        accepted = Headers(scope=scope).get("accept", "")
        if "text/html" in accepted and not scope["path"].startswith("/api/"):
            await _send(send, 303, {"location": LOGIN}, b"")
            return
        headers["www-authenticate"] = "Bearer"
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = ", ".join(_METHODS)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "1"
    await _send(send, problem.status, {"content-type": PROBLEM_JSON, **headers}, problem.to_json())


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    pairs: Iterable[tuple[bytes, bytes]] = [
        (name.encode("latin1"), value.encode("latin1")) for name, value in headers.items()
    ]
    length = (
        [] if status == HTTPStatus.NO_CONTENT else [(b"content-length", str(len(body)).encode())]
    )
    await send({"type": "http.response.start", "status": status, "headers": [*pairs, *length]})
    await send({"type": "http.response.body", "body": body})
