"""Reading an answer's body within bounds, undoing gzip piece by piece.

What belongs here: which encodings are undone, and when reading ends. What does not: whose body it
is, and what it should say.
"""

import zlib

import httpx

from tdnet_assets.resources.source.answers import SourceError, TransientSourceError
from tdnet_assets.tdnet.errors import shown

# zlib's 31 is gzip with its header.
_GZIP_ONLY = 31
_MOST_GZIP_MEMBERS = 100


async def read_body(response: httpx.Response, limit: int, name: str) -> bytes:
    """The body of an open answer, expanded.

    Args:
        response: opened for streaming.
        limit: bytes, compressed and expanded alike, beyond which it is not read further.
        name: what a message calls it.

    Raises:
        TransientSourceError: it ended early or cannot be decompressed.
        SourceError: it is larger than the limit, or in an encoding that was not asked for.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise SourceError(
            f"{name}: the body is encoded as {shown(encoding)}, which was not asked for",
            status=response.status_code,
        )
    inflater = _GzipBody() if encoding == "gzip" else None
    body, received = bytearray(), 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        try:
            body += inflater.decompress(chunk, limit + 1 - len(body)) if inflater else chunk
        except zlib.error as error:
            raise TransientSourceError(
                f"{name}: the body cannot be decompressed: {error}", status=response.status_code
            ) from error
        # Compressed bytes count too: they may expand to nothing.
        if max(len(body), received) > limit:
            raise SourceError(
                f"{name}: the body is larger than {limit:,} bytes: not read further",
                status=response.status_code,
            )
    # A length that does not agree is refused by the connection; a gzip stream says its own end.
    if inflater and not inflater.ended:
        raise TransientSourceError(
            f"{name}: the compressed body ends too early", status=response.status_code
        )
    return bytes(body)


class _GzipBody:
    """Undoes gzip piece by piece; httpx would expand one a thousandfold before it can be looked at.

    A body may be several gzip files, one behind the other: together they are the content.
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_ONLY)
        self._members = 1

    @property
    def ended(self) -> bool:
        """Whether the content could end here."""
        return self._member.eof

    def decompress(self, chunk: bytes, most: int) -> bytes:
        """The content of the next piece of the body, or its first ``most`` bytes.

        Raises:
            zlib.error: it is not gzip, or has too many members.
        """
        content = self._member.decompress(chunk, most)
        while len(content) < most and self._member.eof and (rest := self._member.unused_data):
            if self._members == _MOST_GZIP_MEMBERS:
                raise zlib.error(f"it has more than {_MOST_GZIP_MEMBERS} members")
            self._members += 1
            self._member = zlib.decompressobj(_GZIP_ONLY)
            content += self._member.decompress(rest, most - len(content))
        return content
