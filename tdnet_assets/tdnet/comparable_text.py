"""Text as it is compared, so that a search finds what a person sees.

What belongs here: which characters look or mean the same, and which white space is only there
because of how a page was set. What does not: what is searched for (``search_query.py``).

A PDF breaks its lines inside words, spreads letters (``決 算 短 信``), and spells a letter in many
ways: ``ＡＢＣ``, ``ﾃﾞｼﾞﾀﾙ``, ``㈱``, ``⾧``. Compared are NFKC without regard to case and accents,
with one kind of dash and of quotation mark, without characters that nobody sees; white space counts
only between letters of scripts that separate words by it, and any run of it is one space. It is one
table of characters and three patterns, in Python and in polars alike, and takes linear time.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

import polars as pl

# From here on scripts set words without space: symbols, kana, ideographs, Hangul.
_WITHOUT_SPACES: Final = 0x2000
# Where characters are that are compared as others.
_RANGES: Final = (
    range(0x20),
    range(0x41, 0x5B),
    range(0x7F, 0xAC00),
    range(0xF900, 0x10000),
    range(0x1D400, 0x1D800),
    range(0x1F100, 0x1F300),
    range(0x2F800, 0x2FA20),
    range(0xE0000, 0xE0200),
)
_DROPPED: Final = frozenset(("Cc", "Cf", "Mn", "Cn"))
_VOICED, _HALF_VOICED = "\u3099", "\u309a"
_VOICE_MARKS: Final = {_VOICED: "\u3099\u309b\uff9e", _HALF_VOICED: "\u309a\u309c\uff9f"}
# What NFKC leaves apart although it looks the same in a document: hyphens and dashes, which fonts
# and encodings exchange, the wave dash of JIS and CP932, quotation marks, and radicals that PDF
# writers put in the place of the ideograph itself.
_LOOK_ALIKE: Final = str.maketrans(
    "‐‒–—―−〜‘’“”⺒⺝⺠⺩⻁⻄⻆⻑⻘⻝⻣⻤⻨⻩⻫⻭⻯⻲",
    "------~''\"\"巳月民王虎西角長青食骨鬼麦黄斉歯竜亀",
)


class Comparable(NamedTuple):
    """A text as it is compared, and for each of its characters the place that it comes from."""

    text: str
    places: list[int]


def comparable(text: str) -> str:
    """The text as it is compared; comparable text stays as it is."""
    return comparable_with_places(text).text


def comparable_with_places(text: str) -> Comparable:
    """The text as it is compared, with places (from 0) in the text as it is written."""
    table = _table()
    letters: list[str] = []
    places: list[int] = []
    space = -1  # where white space began that has not been decided on
    for place, written in _pieces(text):
        for letter in table.get(written, written):
            if letter == " ":
                space = place if space < 0 else space
                continue
            if space >= 0 and letters and _needs_space(letters[-1]) and _needs_space(letter):
                letters.append(" ")
                places.append(space)
            space = -1
            letters.append(letter)
            places.append(place)
    return Comparable("".join(letters), places)


def comparable_expression(written: pl.Expr) -> pl.Expr:
    """What :func:`comparable` gives, for a column of texts."""
    table = _table()
    # The first pattern that fits counts: pairs stand before the letters that they begin with.
    compared = written.str.replace_many(list(table), list(table.values()), leftmost=True)
    return (
        compared.str.replace_all("  +", " ")
        .str.replace_all(r"([\x{2000}-\x{10FFFF}]) ", "$1")
        .str.replace_all(r" ([\x{2000}-\x{10FFFF}])", "$1")
        .str.strip_chars(" ")
    )


def may_hold(written: pl.Expr, text: str) -> pl.Expr:
    """Whether a column of texts as they are written may hold what is compared as this.

    Never wrong where it says no, and some twenty times cheaper than comparing.
    """
    return pl.all_horizontal(
        written.str.contains_any([letter, *_written_as().get(letter, ())])
        for letter in sorted(set(text) - {" "})
    )


def is_set_without_spaces(letter: str) -> bool:
    """Whether a character is of a script that has no spaces between words."""
    return ord(letter) >= _WITHOUT_SPACES


def _needs_space(letter: str) -> bool:
    return not is_set_without_spaces(letter)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The characters of a text with their places; a kana with a mark of its own is one."""
    place = 0
    for pair in _pair_pattern().finditer(text):
        yield from enumerate(text[place : pair.start()], start=place)
        yield pair.start(), pair[0]
        place = pair.end()
    yield from enumerate(text[place:], start=place)


@cache
def _pair_pattern() -> re.Pattern[str]:
    firsts = "".join(sorted({pair[0] for pair in _pairs()}))
    return re.compile(f"[{firsts}][{''.join(_VOICE_MARKS.values())}]")


@cache
def _table() -> dict[str, str]:
    """What is compared as something else: pairs first, then single characters."""
    letters = map(chr, chain.from_iterable(_RANGES))
    singles = {one: became for one in letters if (became := _compared_as(one)) != one}
    return {**_pairs(), **singles}


@cache
def _pairs() -> dict[str, str]:
    """Kana with a voice mark that is a character of its own, in any width."""
    letters = map(chr, chain(range(0x3041, 0x30FF), range(0xFF66, 0xFF9E)))
    kana = [one for one in letters if _compared_as(one)]  # a mark is drawn on no other mark
    pairs: dict[str, str] = {}
    for one in kana:
        for mark, spellings in _VOICE_MARKS.items():
            whole = unicodedata.normalize("NFKC", one + mark)
            if len(whole) > 1:  # no such letter, but the mark is drawn on it all the same
                whole = unicodedata.normalize("NFKC", one) + mark
            pairs |= {one + spelling: whole for spelling in spellings}
    return pairs


@cache
def _written_as() -> dict[str, list[str]]:
    """The spellings of each compared character, besides itself."""
    spellings: dict[str, list[str]] = {}
    for written, letters in _table().items():
        for letter in set(letters):
            spellings.setdefault(letter, []).append(written)
    return spellings


def _compared_as(letter: str) -> str:
    if letter.isspace():
        return " "
    if any(letter in spellings for spellings in _VOICE_MARKS.values()):
        return ""  # behind a kana it is part of a pair; elsewhere it is a speck
    folded = unicodedata.normalize("NFKC", letter.translate(_LOOK_ALIKE)).casefold()
    apart = unicodedata.normalize("NFKD", folded).translate(_LOOK_ALIKE)
    kept = (
        one for one in apart if one in _VOICE_MARKS or unicodedata.category(one) not in _DROPPED
    )
    return unicodedata.normalize("NFC", "".join(kept))
