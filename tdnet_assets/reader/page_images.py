"""One page of a PDF as a picture, made in a process of its own.

What belongs here: the pixels. A browser that shows a picture runs nothing of the document: no
script, no form, no link, and nothing of what a file may be instead of a PDF. What does not: the
process and its limits (``resources/file_workers.py``).
"""

import struct
import zlib
from typing import Final, NamedTuple

from tdnet_assets.tdnet.errors import TdnetError

WIDTH: Final = 1_100
_TALLEST: Final = 4_000
_ORDER: Final = struct.Struct(">I")
_COLOURS: Final = 3


class PageImageError(TdnetError):
    """There is no picture of the page; the message says why."""


class PageImage(NamedTuple):
    """A PNG, its size in pixels, and how many pages the document has."""

    png: bytes
    width: int
    height: int
    pages: int


def order_of(number: int, content: bytes) -> bytes:
    """A page of a document (from 1) and the document, as :func:`page_image` takes them."""
    return _ORDER.pack(number) + content


def page_image(order: bytes) -> PageImage:
    """The picture of a page.

    Args:
        order: of :func:`order_of`.

    Raises:
        PageImageError: PDFium cannot open the document, or it has no such page.
    """
    import pypdfium2  # noqa: PLC0415 - only the worker needs it

    (number,) = _ORDER.unpack_from(order)
    try:
        document = pypdfium2.PdfDocument(order[_ORDER.size :])
    except pypdfium2.PdfiumError as error:
        raise PageImageError(f"the document cannot be opened as a PDF: {error}") from None
    pages = len(document)
    if not 1 <= number <= pages:
        raise PageImageError(f"the document has {pages} pages, and no page {number}")
    try:
        page = document[number - 1]
        scale = min(WIDTH / max(page.get_width(), 1), _TALLEST / max(page.get_height(), 1))
        bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
    except pypdfium2.PdfiumError as error:
        raise PageImageError(f"page {number} cannot be drawn: {error}") from None
    rows = bytes(bitmap.buffer)
    if bitmap.n_channels != _COLOURS:
        raise PageImageError(f"page {number} has {bitmap.n_channels} channels of colour, not 3")
    png = _png(rows, bitmap.width, bitmap.height, bitmap.stride)
    return PageImage(png, bitmap.width, bitmap.height, pages)


def _png(rows: bytes, width: int, height: int, stride: int) -> bytes:
    """Rows of RGB as a PNG, or of grey where nothing has a colour."""
    size = width * _COLOURS
    lines = [rows[place * stride : place * stride + size] for place in range(height)]
    reds = [line[0::3] for line in lines]
    is_grey = all(
        line[1::3] == red and line[2::3] == red for line, red in zip(lines, reds, strict=True)
    )
    kind, lines = (0, reds) if is_grey else (2, lines)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + line for line in lines), 5)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
