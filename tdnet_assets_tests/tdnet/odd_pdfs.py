"""PDFs as companies and attackers make them: locked, scanned, endless, and with given words."""

import hashlib
import zlib
from collections.abc import Sequence

_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %b >>"


def assembled(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects, the first of which is its catalog."""
    content, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return b"%bxref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R %b >>\n%b" % (
        content,
        size,
        table,
        size,
        trailer,
        b"startxref\n%d\n%%%%EOF\n" % len(content),
    )


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), entries, data)


def _document(*page_objects: bytes) -> list[bytes]:
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        *page_objects,
    ]


def scan() -> bytes:
    """One page that is nothing but a picture."""
    picture = b"q 595 0 0 842 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q"
    return assembled(_document(_PAGE % b"/Contents 4 0 R", stream(picture)))


def endless(megabytes: int = 200) -> bytes:
    """A PDF of 2 KB with a page that draws nothing, so many MB long."""
    inner = zlib.compressobj(9)
    nothing = b"q Q " * (1 << 18)
    drawn = b"".join(inner.compress(nothing) for _ in range(megabytes)) + inner.flush()
    filters = b"/Filter [/FlateDecode /FlateDecode]"
    return assembled(
        _document(_PAGE % b"/Contents 4 0 R", stream(zlib.compress(drawn, 9), filters))
    )


def locked(password: bytes = b"secret") -> bytes:
    """A PDF that wants a password: standard security, revision 2, 40 bits."""
    owner = _rc4(hashlib.md5(_padded(b"owner")).digest()[:5], _padded(password))  # noqa: S324
    identity = b"0123456789abcdef"
    permissions = (-4).to_bytes(4, "little", signed=True)
    key = hashlib.md5(_padded(password) + owner + permissions + identity).digest()[:5]  # noqa: S324
    user = _rc4(key, _PADDING)
    encryption = b"<< /Filter /Standard /V 1 /R 2 /O <%b> /U <%b> /P -4 >>" % (
        owner.hex().encode(),
        user.hex().encode(),
    )
    objects = [*_document(_PAGE % b""), encryption]
    named = identity.hex().encode()
    return assembled(objects, b"/Encrypt 4 0 R /ID [<%b> <%b>]" % (named, named))


def _padded(password: bytes) -> bytes:
    return (password + _PADDING)[:32]


def _rc4(key: bytes, data: bytes) -> bytes:
    box, swapped = list(range(256)), 0
    for place in range(256):
        swapped = (swapped + box[place] + key[place % len(key)]) % 256
        box[place], box[swapped] = box[swapped], box[place]
    first = second = 0
    answer = bytearray()
    for byte in data:
        first = (first + 1) % 256
        second = (second + box[first]) % 256
        box[first], box[second] = box[second], box[first]
        answer.append(byte ^ box[(box[first] + box[second]) % 256])
    return bytes(answer)
