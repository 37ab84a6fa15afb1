"""Names that TDnet gives to things: disclosure numbers, file names, security codes.

What belongs here: the forms of those names, and refusing everything else, so that a link on a page
can never lead to another folder or another host. What does not: reading the page (``listing.py``).
"""

import re
import unicodedata
from typing import Literal

from tdnet_assets.tdnet.errors import TdnetError, shown

XbrlKind = Literal["earnings", "revision"]

# Exactly as linked: a bare ASCII name. ``[0-9]``, because ``\d`` takes full-width digits too.
PDF_NAME = re.compile(r"1401(?P<disclosure_id>[0-9]{14})\.pdf")
XBRL_NAME = re.compile(r"(?P<prefix>[0-9]{4})(?P<disclosure_id>[0-9]{14})\.zip")
DISCLOSURE_ID = re.compile(r"[0-9]{14}")

# Codes set since 2024 hold letters in places 2 and 4, today without B E I O Q V Z. Those seven are
# accepted all the same: refusing one would lose a company, and no other text has this shape.
SECURITY_CODE = re.compile(r"[0-9][0-9A-Z][0-9][0-9A-Z][0-9]")

XBRL_KINDS: dict[str, XbrlKind] = {"0812": "earnings", "0912": "revision"}


class IdentifierError(TdnetError):
    """A link is not the bare name of a TDnet file."""


def parse_pdf_name(name: str) -> str:
    """The disclosure id in the name of a PDF.

    Args:
        name: file name as linked from the list page, e.g. ``140120260610567076.pdf``.

    Returns:
        The 14-digit disclosure id, e.g. ``20260610567076``. Its date is that of the registration,
        never to be taken for the day of the disclosure.

    Raises:
        IdentifierError: any other name: a path, a URL, another prefix or extension.
    """
    match = PDF_NAME.fullmatch(name)
    if match is None:
        raise IdentifierError(
            f"the PDF link is {shown(name)}, not 1401 + 14 digits + .pdf: do not fetch it; "
            "compare the page with the site"
        )
    return match["disclosure_id"]


def parse_xbrl_name(name: str) -> tuple[str, XbrlKind | None]:
    """The disclosure id and the kind of an XBRL archive, from its name.

    Args:
        name: file name as linked from the list page, e.g. ``081220260610567076.zip``.

    Returns:
        The 14-digit disclosure id, and the kind: ``earnings`` for prefix 0812, ``revision`` for
        0912, None for a prefix that has no meaning here yet.

    Raises:
        IdentifierError: any other name: a path, a URL, another extension.
    """
    match = XBRL_NAME.fullmatch(name)
    if match is None:
        raise IdentifierError(
            f"the XBRL link is {shown(name)}, not 4 + 14 digits + .zip: do not fetch it; "
            "compare the page with the site"
        )
    return match["disclosure_id"], XBRL_KINDS.get(match["prefix"])


def is_disclosure_id(text: str) -> bool:
    """Whether this is a disclosure id: 14 ASCII digits."""
    return DISCLOSURE_ID.fullmatch(text) is not None


def as_printed(written: str) -> str:
    """A code or a disclosure id that a person typed, as TDnet prints it: ``１４１a0`` is 141A0."""
    return unicodedata.normalize("NFKC", written).strip().upper()


def is_code(code: str) -> bool:
    """Whether this is a security code as TDnet prints it: 5 characters, e.g. 72030 or 587A4."""
    return SECURITY_CODE.fullmatch(code) is not None


def four_character_code(code: str) -> str | None:
    """The everyday code of an issuer, e.g. 7203 for 72030.

    Returns:
        The first 4 characters where the 5th is 0. None otherwise: 585A0 and 585A4 are different
        issuers, and cutting the 5th character would merge them.
    """
    return code[:4] if is_code(code) and code[4] == "0" else None
