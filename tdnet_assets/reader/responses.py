"""How a request becomes an answer: what is asked, by whom, and what is sent if it is not known yet.

What belongs here: conditions, ranges, compression and keeping, the same for pages, the API and the
feed. What does not: what is answered.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tdnet_assets.reader.languages import Language, Words
from tdnet_assets.reader.parameters import Query
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.reader.reading_room import ReadingRoom

HTML: Final = "text/html; charset=utf-8"
_WORTH_COMPRESSING: Final = 1_000
_COMPRESSED: Final = ("text/", "application/json", "application/atom+xml", "application/problem")
_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with its type and headers."""

    content: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer before it is made.

    Attributes:
        version: of all that it shows: another one whenever the answer would be.
        make: makes it.
        is_file: a stored file: its version is the digest of its bytes, and ranges are answered.
    """

    version: str
    make: Callable[[], Answer]
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """A request, with what it is answered from."""

    reader: ReadingRoom
    request: Request
    language: Language

    @property
    def path(self) -> Mapping[str, str]:
        """The variable parts of the address."""
        return self.request.path_params

    @property
    def words(self) -> Words:
        """What is said in the reader's language."""
        return Words(self.language)

    def query(self, known: Sequence[str]) -> Query:
        """The query string; see :meth:`Query.of`."""
        pairs = [
            (name, value)
            for name, value in self.request.query_params.multi_items()
            if name != "lang" or "lang" in known
        ]
        return Query.of(pairs, known)


def respond(asking: Asking, prepared: Prepared) -> Response:
    """What is sent: nothing new, a part, or the whole."""
    request = asking.request
    etag = _etag(asking, prepared)
    common = {
        "etag": etag,
        "cache-control": "private, no-cache",
        "vary": "accept-encoding, accept-language, cookie",
    }
    if _is_known(request.headers.get("if-none-match", ""), etag):
        return Response(None, 304, common)
    answer = _made(asking, prepared)
    headers = {**common, **answer.headers}
    if prepared.is_file:
        return _file(request, answer, headers, etag)
    content = answer.content
    if _accepts_gzip(request) and _is_compressible(answer):
        content = asking.reader.library.kept(
            ("gzip", _key(asking)), etag, lambda: gzip.compress(answer.content, 4, mtime=0), len
        )
        headers["content-encoding"] = "gzip"
    return Response(content, answer.status, headers, answer.media_type)


def _made(asking: Asking, prepared: Prepared) -> Answer:
    if prepared.is_file:
        return prepared.make()
    return asking.reader.library.kept(
        _key(asking), prepared.version, prepared.make, lambda answer: len(answer.content) + 500
    )


def _key(asking: Asking) -> tuple[str, str, str]:
    return asking.request.url.path, asking.request.url.query, asking.language


def _etag(asking: Asking, prepared: Prepared) -> str:
    if prepared.is_file:
        return f'"{prepared.version}"'
    said = "\n".join((asking.reader.edition, prepared.version, *_key(asking)))
    return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:24]}"'


def _is_known(header: str, etag: str) -> bool:
    known = (part.strip().removeprefix("W/") for part in header.split(","))
    return any(one in ("*", etag.removeprefix("W/")) for one in known)


def _accepts_gzip(request: Request) -> bool:
    parts = request.headers.get("accept-encoding", "").lower().split(",")
    names = [part.strip().partition(";") for part in parts]
    return any(name == "gzip" and rest.replace(" ", "") != "q=0" for name, _, rest in names)


def _is_compressible(answer: Answer) -> bool:
    is_text = answer.media_type.startswith(_COMPRESSED)
    return is_text and len(answer.content) > _WORTH_COMPRESSING


def _file(request: Request, answer: Answer, headers: dict[str, str], etag: str) -> Response:
    headers["accept-ranges"] = "bytes"
    size = len(answer.content)
    found = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    condition = request.headers.get("if-range")
    if found is None or condition not in (None, etag) or not any(found.groups()):
        return Response(answer.content, 200, headers, answer.media_type)
    first, last = found.groups()
    if first:
        begin, end = int(first), min(int(last), size - 1) if last else size - 1
    else:
        begin, end = max(size - int(last), 0), size - 1
    if begin > end or begin >= size:
        if first and last and int(last) < int(first):
            return Response(answer.content, 200, headers, answer.media_type)
        raise ProblemError(416, f"the file has {size:,} bytes: ask for a range inside")
    headers["content-range"] = f"bytes {begin}-{end}/{size}"
    return Response(answer.content[begin : end + 1], 206, headers, answer.media_type)
