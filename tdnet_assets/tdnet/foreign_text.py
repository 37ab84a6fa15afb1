"""Text that strangers wrote, fit for where it is shown.

What belongs here: what must not reach a terminal, a spreadsheet or a rendered description as it
is. What does not: refusals, which show what they saw by ``errors.shown``.
"""

import re

# Controls, marks that reorder what is read, and line ends that only some programs know.
_INVISIBLE = (
    *range(0x20),
    *range(0x7F, 0xA0),
    0x061C,
    *(0x200E, 0x200F),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    0xFEFF,
)
VISIBLE = {code: f"\\u{code:04x}" for code in _INVISIBLE}
"""For ``str.translate``: each such character as an escape that Python and JSON read alike."""

# Full-width too: a spreadsheet in a Japanese locale reads them as the narrow ones.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# Not the underscore: within words, as in names, it means nothing.
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~]")


def visible(text: str) -> str:
    """The text with every control and every mark that reorders it as a visible escape."""
    return text.translate(VISIBLE)


def in_spreadsheet(text: str) -> str:
    """The text for a cell of a spreadsheet, which would compute what begins with ``= + - @``.

    Such a text gets an apostrophe before it, the spreadsheets' own mark of text.
    """
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def in_markdown(text: str) -> str:
    """The text where Markdown is rendered: no link, image or markup of its own."""
    return _MARKDOWN.sub(r"\\\g<0>", visible(text))
