"""One request to a webhook: to the host that was meant, within bounds, and nowhere else.

What belongs here: the request. What does not: what it says (``tdnet/watching/notice_text.py``), and
when it is tried again (``sender.py``).

The name is looked up once, every address that it has is judged, and the connection goes to an
address that was judged: a name that answers otherwise a moment later leads nowhere. No proxy of the
environment, no redirect and no cookie; of the answer only the status, ``Retry-After`` and a few
bytes are read, within one deadline for all of it. Private networks are allowed, since a company's
own chat is there; what belongs to the machine or to its cloud (loopback, link-local, metadata) is
not, apart from loopback in the local environment, for trying things out.
"""

import http.client
import ipaddress
import math
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

from tdnet_assets.tdnet.errors import TdnetAssetsError
from tdnet_assets.tdnet.watching.watch_file import address_problem

DEADLINE_SECONDS = 10.0
LONGEST_RETRY_AFTER_SECONDS = 86_400.0
_CONNECT_SECONDS = 5.0
# A socket without any would not wait at all.
_SHORTEST_SECONDS = 0.001
_HTTP, _HTTPS = 80, 443
_ANSWER_BYTES = 2_000
_SHOWN_ANSWER = 200
# What is shorter is a word of the path; a token is longer, and known by its beginning.
_TELLTALE = 8
_BETWEEN_PARTS = re.compile(r"[/?&=;]")
# What clouds answer machines with, outside the link-local range.
_METADATA = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "fd20:ce::254"))
)
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class DeliveryError(TdnetAssetsError):
    """A destination has not taken a message; the message says why, without anything secret.

    Args:
        seen: what was seen.
        unconfirmed: it may have been taken nevertheless: a request went out, and no clear answer
            came back.
        retry_after: how long the destination wants to be left alone, in seconds.
    """

    def __init__(
        self, seen: str, *, unconfirmed: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(seen)
        self.unconfirmed = unconfirmed
        self.retry_after = retry_after


def post(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    host: str = "",
    loopback: bool = False,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> None:
    """Send a body to a webhook; returning means that the status of its answer was 2xx.

    Args:
        address: of the webhook; it is in no message, since it may be a secret.
        body: JSON.
        headers: besides those of every request.
        host: the one host that the address may have; empty where it stands in the watch file.
        loopback: whether this machine may be meant.
        deadline_seconds: for all of it, from the look-up of the name on.

    Raises:
        DeliveryError: it was not taken, or nobody knows.
    """
    name, port, target, encrypted = _parts(address, host)
    ends = time.monotonic() + deadline_seconds
    places = _judged(name, port, loopback=loopback)
    sent = False
    try:
        with _connection(places, name, port, encrypted, ends) as connection:
            sent = True
            named = {"Host": _host_header(name, port, encrypted), "User-Agent": "tdnet_assets"}
            connection.request("POST", target, body, {**named, **headers})
            answer = connection.getresponse()
            status, pause = answer.status, answer.getheader("Retry-After")
            said = _read(answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
        raise DeliveryError(f"{name}: {reason}", unconfirmed=sent) from None
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own
        # A gateway may say 5xx of what has arrived behind it.
        raise DeliveryError(
            f"{name} answered {status}: {_shown(said, target)}",
            unconfirmed=status >= 500,  # noqa: PLR2004 - as above
            retry_after=_seconds(pause),
        )


def _parts(address: str, host: str) -> tuple[str, int, str, bool]:
    """Host, port, request target, and whether it is encrypted.

    Raises:
        DeliveryError: it is not an address that a message may go to.
    """
    try:
        problem = address_problem(address)
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        problem = "is not an address"
    if problem:
        raise DeliveryError(f"the webhook's address {problem}")
    name = parts.hostname or ""
    if host and name != host:
        raise DeliveryError(f"the webhook's address is not one of {host}, which the file names")
    encrypted = parts.scheme == "https"
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return name, port or (_HTTPS if encrypted else _HTTP), target, encrypted


def _judged(name: str, port: int, *, loopback: bool) -> list[tuple[str, int]]:
    """The addresses of a name, all of which may be talked to.

    Raises:
        DeliveryError: it has none, or one that may not.
    """
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DeliveryError(f"{name}: the name has no address") from None
    places = list(dict.fromkeys((str(place[0]), port) for *_, place in found))
    for text, _ in places:
        if problem := refused_address(text, loopback=loopback):
            raise DeliveryError(f"{name} leads to {problem}, where no message goes")
    return places


def refused_address(text: str, *, loopback: bool) -> str:
    """Why an address may not be talked to; empty if it may."""
    address: _Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        address = inner or address
    if address.is_loopback:
        return "" if loopback else "this machine itself"
    if address.is_link_local or address in _METADATA:
        return "the machine's own network (link-local, metadata)"
    if address.is_unspecified or address.is_multicast or address in _ZERO:
        return "no single machine"
    return ""


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_ZERO = ipaddress.ip_network("0.0.0.0/8")


@contextmanager
def _connection(
    places: Sequence[tuple[str, int]],
    name: str,
    port: int,
    encrypted: bool,
    ends: float,
) -> Iterator[http.client.HTTPConnection]:
    """A connection to a judged address; at the deadline it is cut, whatever is being waited for.

    Raises:
        TimeoutError: it was cut, or there was none in time.
    """
    raw = _connected(places, ends)
    lever = raw.dup()  # stays ours when TLS takes the socket over
    is_late = threading.Event()
    left = max(0.0, ends - time.monotonic())
    late = threading.Timer(left, _cut, (lever, is_late))
    late.daemon = True
    late.start()
    used: socket.socket = raw
    try:
        raw.settimeout(max(left, _SHORTEST_SECONDS))
        if encrypted:
            used = ssl.create_default_context().wrap_socket(raw, server_hostname=name)
        connection = http.client.HTTPConnection(name, port)
        connection.sock = used
        yield connection
    except (OSError, http.client.HTTPException) as error:
        if is_late.is_set():
            raise TimeoutError from error
        raise
    finally:
        late.cancel()
        used.close()
        lever.close()


def _connected(places: Sequence[tuple[str, int]], ends: float) -> socket.socket:
    """A connection to the first of some addresses that takes one, by a monotonic moment.

    Raises:
        OSError: none of them did, the last one's; ``TimeoutError`` when the time is over.
    """
    refused: OSError = TimeoutError()
    for place in places:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError from refused
        try:
            return socket.create_connection(place, timeout=min(_CONNECT_SECONDS, left))
        except OSError as error:
            refused = error
    raise refused


def _host_header(name: str, port: int, encrypted: bool) -> str:
    host = f"[{name}]" if ":" in name else name
    return host if port == (_HTTPS if encrypted else _HTTP) else f"{host}:{port}"


def _cut(lever: socket.socket, is_late: threading.Event) -> None:
    is_late.set()  # first: whoever is woken asks why
    # Shut down, not closed: whoever waits for the connection is woken by it.
    with suppress(OSError):
        lever.shutdown(socket.SHUT_RDWR)


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The beginning of an answer's body; nothing of one that breaks off: its status counts."""
    try:
        return answer.read(_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return b""


def _shown(said: bytes, target: str) -> str:
    """The beginning of an answer, unless it repeats a part of the address that may be a secret."""
    text = said.decode(errors="replace")
    parts = (part[:_TELLTALE] for part in _BETWEEN_PARTS.split(target) if len(part) >= _TELLTALE)
    if any(part in text or part in unquote(text) for part in parts):
        return "(it repeats the address, which is not shown)"
    return repr(text[:_SHOWN_ANSWER])


def _seconds(pause: str | None) -> float | None:
    """How long a ``Retry-After`` asks for, as a number of seconds or a date, within a day."""
    if pause is None:
        return None
    try:
        seconds = float(pause)
    except ValueError:
        try:
            moment = parsedate_to_datetime(pause)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return None if math.isnan(seconds) else min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)
