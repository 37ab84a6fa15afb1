"""What keeps the pages of a browser on this machine from reaching services on loopback.

What belongs here: which requests are refused, in front of an ASGI application. A page anywhere can
make its browser send requests to 127.0.0.1, also under a name of its own that it lets point there.
It cannot leave out ``Origin`` where it sends data, nor write ``Host``, nor set most headers without
asking first. What does not: what the services answer.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_SIGNED = "AWS4-HMAC-SHA256 "
_SAFE_METHODS = ("GET", "HEAD")
_POLICY_VIOLATION = 1008
_ORDER = "action"
_HEALTH = "/_ministack/health"

_Scope = Mapping[str, Any]
_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Rule = Callable[[_Scope, Mapping[str, str]], str | None]


def guarded(application: Application, rule: Rule) -> Application:
    """The application behind what is refused for every service, and behind its own rule.

    Args:
        application: an ASGI application on a loopback address.
        rule: why a request is refused, from its scope and its headers by lower-case name.
    """

    async def guard(scope: Any, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        headers = {name.decode("latin1").lower(): value for name, value in _texts(scope)}
        reason = _refusal(scope, headers) or rule(scope, headers)
        if reason is None:
            await application(scope, receive, send)
        else:
            await _refuse(send, reason)

    return guard


def embedded_aws_rule(scope: _Scope, headers: Mapping[str, str]) -> str | None:
    """What is not signed, as no page can sign, may only look; nobody may use the emulator's own."""
    path = scope["path"]
    if path == _HEALTH and scope["method"] in _SAFE_METHODS and not scope["query_string"]:
        return None
    if path.lstrip("/").startswith(("_", "health")):
        return f"{path[:80]!r} is not of AWS"
    if headers.get("authorization", "").startswith(_SIGNED):
        return None
    if scope["method"] not in _SAFE_METHODS:
        return "it is not signed"
    # AWS also takes orders in the query of a GET.
    orders = {name.lower() for name, _ in parse_qsl(scope["query_string"].decode("latin1"), True)}
    return "it is an order that is not signed" if _ORDER in orders else None


def sample_site_rule(scope: _Scope, headers: Mapping[str, str]) -> str | None:
    """Whatever changes the site must be JSON, which a page may not send without asking."""
    if scope["method"] in _SAFE_METHODS:
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return None if kind == "application/json" else "its content type is not application/json"


def _texts(scope: _Scope) -> list[tuple[bytes, str]]:
    return [(name, value.decode("latin1")) for name, value in scope["headers"]]


def _refusal(scope: _Scope, headers: Mapping[str, str]) -> str | None:
    hosts = [value for name, value in _texts(scope) if name.lower() == b"host"]
    port = scope["server"][1]
    if len(hosts) != 1 or hosts[0] not in {f"{name}:{port}" for name in _LOOPBACK_NAMES}:
        return f"its host is {', '.join(hosts)[:80]!r}, not 127.0.0.1:{port}"
    if "origin" in headers:
        return f"a page of {headers['origin'][:80]!r} sends it"
    # A person may follow a link to an object; a page may not load one.
    if headers.get("sec-fetch-mode", "navigate") != "navigate":
        return "a page in a browser sends it"
    if "sec-fetch-site" in headers and scope["method"] not in _SAFE_METHODS:
        return "a page in a browser sends it"
    return None


async def _refuse(send: _Send, reason: str) -> None:
    body = f"refused: {reason}; this service is for programs on this machine\n".encode()
    await send(
        {
            "type": "http.response.start",
            "status": 403,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),  # its body is not read
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
