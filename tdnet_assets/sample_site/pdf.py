"""PDF files of the sample TDnet site: small, valid, the same bytes on every machine.

What belongs here: how a page of text becomes a PDF of any size. What does not: the text
(``linked_files.py``). The file is written by hand because a hundred lines of fixed structure
take 0.1 ms, and because no library's version then changes the bytes.
"""

import hashlib

SMALLEST_PDF_BYTES = 4_096
"""Any document of the sample site fits into this size."""

_END = b"%%EOF\n"
_PAGE_WIDTH, _PAGE_HEIGHT, _MARGIN = 595, 842, 72
_LINE_HEIGHT, _FONT_SIZE, _CHARACTERS_A_LINE = 20, 12, 36
_LINES_A_PAGE = (_PAGE_HEIGHT - 2 * _MARGIN) // _LINE_HEIGHT

# Objects 3 to 5: a font that readers bring along, so that none need be embedded.
_FONT = (
    (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /UniJIS-UCS2-H "
        b"/DescendantFonts [4 0 R] >>"
    ),
    (
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /DW 1000 "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> "
        b"/FontDescriptor 5 0 R >>"
    ),
    (
        b"<< /Type /FontDescriptor /FontName /HeiseiMin-W3 /Flags 4 /FontBBox [-123 -257 1001 910] "
        b"/ItalicAngle 0 /Ascent 709 /Descent -241 /CapHeight 709 /StemV 69 >>"
    ),
)


def pdf(lines: list[str], *, key: str, size: int | None = None) -> bytes:
    """A PDF that shows the lines, on as many pages as they need.

    Args:
        lines: text; long lines are broken.
        key: makes the padding this file's own.
        size: exact length in bytes; the text's own length when None.

    Raises:
        ValueError: the text alone is longer than the size.
    """
    shown = _set(lines)
    starts = range(0, max(len(shown), 1), _LINES_A_PAGE)
    first = 3 + len(_FONT)  # a page and its content are two objects, one after the other
    pages = [f"{first + 2 * number} 0 R" for number in range(len(starts))]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(pages)}] /Count {len(pages)} >>".encode(),
        *_FONT,
    ]
    for number, start in enumerate(starts):
        objects += [
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_PAGE_WIDTH} {_PAGE_HEIGHT}] "
                f"/Resources << /Font << /F1 3 0 R >> >> /Contents {first + 2 * number + 1} 0 R >>"
            ).encode(),
            _stream(_content(shown[start : start + _LINES_A_PAGE])),
        ]
    if size is None:
        return _file(objects)
    # The padding's own length and the offset in the trailer have at most as many digits as the
    # size; what that leaves over, the comment at the end takes up.
    room = size - len(_file([*objects, _stream(b"")])) - 2 * len(str(size))
    padding = hashlib.shake_128(key.encode()).digest(max(room, 0))
    return _file([*objects, _stream(padding)], size)


def blank_pdf(size: int) -> bytes:
    """A valid PDF of exactly so many bytes with one empty page.

    Raises:
        ValueError: the page alone is longer than the size.
    """
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
    ]
    return _file(objects, size)


def _set(lines: list[str]) -> list[str]:
    """The lines as they are set: long ones are broken wherever that is, as in Japanese."""
    return [
        line[start : start + _CHARACTERS_A_LINE]
        for line in lines
        for start in range(0, max(len(line), 1), _CHARACTERS_A_LINE)
    ]


def _content(lines: list[str]) -> bytes:
    text = "\n".join(
        f"<{line.encode('utf-16-be').hex().upper()}> Tj 0 -{_LINE_HEIGHT} Td" for line in lines
    )
    return f"BT /F1 {_FONT_SIZE} Tf {_MARGIN} {_PAGE_HEIGHT - _MARGIN} Td\n{text}\nET".encode()


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(data), data)


def _file(objects: list[bytes], size: int | None = None) -> bytes:
    parts = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"]
    position, offsets = len(parts[0]), []
    for number, body in enumerate(objects, start=1):
        offsets.append(position)
        parts += [b"%d 0 obj\n" % number, body, b"\nendobj\n"]
        position += sum(map(len, parts[-3:]))
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\n" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
    )
    parts += [trailer, b"startxref\n%d\n" % position]
    shortest = position + sum(map(len, parts[-2:])) + len(_END)
    if size is not None and size < shortest:
        raise ValueError(f"a PDF of this page takes at least {shortest} bytes, not {size}")
    # A comment may have any length.
    return b"".join([*parts, b"%" * ((size or shortest) - shortest), _END])
