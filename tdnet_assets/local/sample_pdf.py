"""PDF files of the sample TDnet site: small, valid, the same bytes on every machine.

What belongs here: how a page of text becomes a PDF of any size. What does not: the text
(``sample_filings.py``). The file is written by hand because a hundred lines of fixed structure
take 0.1 ms, and because no library's version then changes the bytes.
"""

from tdnet_assets.local.sample_companies import chance

SMALLEST_PDF_BYTES = 4_096
"""Any page of text fits into this size."""

_PAGE_WIDTH, _PAGE_HEIGHT, _MARGIN = 595, 842, 72
_LINE_HEIGHT, _FONT_SIZE, _CHARACTERS_A_LINE = 20, 12, 36

# Objects 5 to 7: a font that readers bring along, so that none need be embedded.
_FONT = (
    (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /UniJIS-UCS2-H "
        b"/DescendantFonts [6 0 R] >>"
    ),
    (
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /DW 1000 "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> "
        b"/FontDescriptor 7 0 R >>"
    ),
    (
        b"<< /Type /FontDescriptor /FontName /HeiseiMin-W3 /Flags 4 /FontBBox [-123 -257 1001 910] "
        b"/ItalicAngle 0 /Ascent 709 /Descent -241 /CapHeight 709 /StemV 69 >>"
    ),
)


def pdf(lines: list[str], *, key: str, size: int | None = None) -> bytes:
    """A one-page PDF that shows the lines.

    Args:
        lines: text; long lines are broken.
        key: makes the padding this file's own.
        size: exact length in bytes; the text's own length when None.

    Raises:
        ValueError: the text alone is longer than the size.
    """
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_PAGE_WIDTH} {_PAGE_HEIGHT}] "
            "/Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>"
        ).encode(),
        _stream(_content(lines)),
        *_FONT,
    ]
    if size is None:
        return _file(objects)
    # The padding's length is part of its own dictionary and of the offset in the trailer: a first
    # file with the wanted length shows how much of it is structure.
    structure = len(_file([*objects, _stream(bytes(size))])) - size
    if structure > size:
        raise ValueError(f"a PDF of this text takes at least {structure} bytes, not {size}")
    padding = chance("padding", key).randbytes(size - structure)
    return _filled(_file([*objects, _stream(padding)]), size)


def blank_pdf(size: int) -> bytes:
    """A valid PDF of exactly so many bytes, at least 400, with one empty page."""
    whole = _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
        ]
    )
    return _filled(whole, size)


def _filled(whole: bytes, size: int) -> bytes:
    # A comment line before the end mark may have any length.
    return whole[:-6] + b"%" * (size - len(whole)) + whole[-6:]


def _content(lines: list[str]) -> bytes:
    shown = [
        line[start : start + _CHARACTERS_A_LINE]
        for line in lines
        for start in range(0, max(len(line), 1), _CHARACTERS_A_LINE)
    ]
    text = "\n".join(
        f"<{line.encode('utf-16-be').hex().upper()}> Tj 0 -{_LINE_HEIGHT} Td" for line in shown
    )
    return f"BT /F1 {_FONT_SIZE} Tf {_MARGIN} {_PAGE_HEIGHT - _MARGIN} Td\n{text}\nET".encode()


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(data), data)


def _file(objects: list[bytes]) -> bytes:
    parts = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"]
    position, offsets = len(parts[0]), []
    for number, body in enumerate(objects, start=1):
        offsets.append(position)
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        position += len(parts[-1])
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    parts += [b"%010d 00000 n \n" % offset for offset in offsets]
    parts.append(
        b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, position)
    )
    return b"".join(parts)
