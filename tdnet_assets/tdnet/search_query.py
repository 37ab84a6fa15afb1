"""What a person types to find documents, and whether a text is found by it.

    query = Query.parse('自己株式 "取得枠の拡大" -訂正')
    query.matches(text)                       # one text
    pages.filter(query.expression(pl.col("text")))  # a column of texts
    query.snippet(text)                       # the line that shows it

What belongs here: the words of a search and how a text is held against them. What does not: what
counts as the same text (``comparable_text.py``), and which texts are looked at (``catalog.py``).

Words are parts of a text, as in Japanese there are no others: there is no tokenizer, and what was
typed never becomes a pattern.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import polars as pl

from tdnet_assets.tdnet.comparable_text import (
    comparable,
    comparable_expression,
    comparable_with_places,
    is_set_without_spaces,
    may_hold,
)
from tdnet_assets.tdnet.errors import TdnetAssetsError, shown

MAXIMUM_LENGTH: Final = 1_000
MAXIMUM_WORDS: Final = 32
SNIPPET_LENGTH: Final = 80
"""Characters of a snippet, unless another number is asked for."""

_BEGINNING: Final = 256
_QUOTES: Final = '"＂“”'
_WITHOUT: Final = "-－−"


class SearchQueryError(TdnetAssetsError):
    """What was typed says nothing to look for; the message says what does."""


class Snippet(NamedTuple):
    """The line of a text that shows a word: what is before the word, the word, what is behind."""

    before: str
    match: str
    after: str

    def __str__(self) -> str:
        return f"{self.before}{self.match}{self.after}"


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: every word of ``wanted``, and none of ``unwanted``.

    The words are as they are compared: in NFKC, lower case, without the spaces that do not count.
    """

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a person typed: words, ``"exact phrases"``, and ``-without`` before either.

        A quotation mark without its other half reaches to the end.

        Raises:
            SearchQueryError: nothing is wanted, or it is longer than anybody would type.
        """
        if len(text) > MAXIMUM_LENGTH:
            raise SearchQueryError(
                f"{len(text):,} characters to search for: use at most {MAXIMUM_LENGTH:,}"
            )
        words = [(is_wanted, comparable(word)) for is_wanted, word in _words(text)]
        wanted, unwanted = (
            tuple(dict.fromkeys(word for is_wanted, word in words if word and is_wanted is side))
            for side in (True, False)
        )
        if not wanted:
            raise SearchQueryError(
                f"{shown(text)} has no word to look for: write what the documents should have, "
                'e.g. 自己株式 "取得枠の拡大" -訂正'
            )
        if len(wanted) + len(unwanted) > MAXIMUM_WORDS:
            raise SearchQueryError(
                f"{len(wanted) + len(unwanted)} words to search for: use at most {MAXIMUM_WORDS}"
            )
        return cls(wanted, unwanted)

    @property
    def words(self) -> tuple[str, ...]:
        """All words, those that are wanted first."""
        return (*self.wanted, *self.unwanted)

    def matches(self, text: str) -> bool:
        """Whether one text has every wanted word and no unwanted one."""
        compared = comparable(text)
        return all(word in compared for word in self.wanted) and not any(
            word in compared for word in self.unwanted
        )

    def expression(self, column: pl.Expr) -> pl.Expr:
        """What :meth:`matches` says of each text of a column; null where the text is null."""
        found = self.found_in(comparable_expression(column))
        wanted, unwanted = found[: len(self.wanted)], found[len(self.wanted) :]
        return pl.all_horizontal(*wanted, *(~one for one in unwanted))

    def found_in(self, compared: pl.Expr) -> list[pl.Expr]:
        """For each of :attr:`words` whether a text has it, of texts as they are compared."""
        return [compared.str.contains(word, literal=True) for word in self.words]

    def may_be_in(self, column: pl.Expr) -> pl.Expr:
        """Whether a text may have any of the words: cheap, and never wrong where it says no."""
        return pl.any_horizontal(may_hold(column, word) for word in self.words)

    def snippet(self, text: str, length: int = SNIPPET_LENGTH) -> Snippet | None:
        """The line that shows the first wanted word that the text has; None if it has none.

        A word that is broken over two lines is shown whole.

        Args:
            text: as it is written.
            length: characters that are shown at most; a longer word is not cut.
        """
        for word in self.wanted:
            if found := _place_of(word, text):
                return _snippet(text, *found, length)
        return None


def _words(text: str) -> list[tuple[bool, str]]:
    """The words as they are typed, each with whether it is wanted."""
    words: list[tuple[bool, str]] = []
    is_wanted, word, in_quotes = True, "", False
    for letter in f"{text} ":
        if letter in _QUOTES:
            words.append((is_wanted, word))
            in_quotes, word = not in_quotes, ""
            is_wanted = is_wanted or not in_quotes
        elif letter.isspace() and not in_quotes:
            words.append((is_wanted, word))
            is_wanted, word = True, ""
        elif letter in _WITHOUT and not word and not in_quotes and is_wanted:
            is_wanted = False
        else:
            word += letter
    return [*words, (is_wanted, word)]


def _place_of(word: str, text: str) -> tuple[int, int] | None:
    """Where a word as it is compared begins and ends in a text as it is written."""
    # A frequent word stands at the beginning, and a page takes a millisecond.
    for beginning in (text[:_BEGINNING], text):
        compared, places = comparable_with_places(beginning)
        start = compared.find(word)
        if start < 0:
            continue
        last = places[start + len(word) - 1]
        end = next((one for one in places[start:] if one > last), None)
        # At the end of a beginning the text may go on with what belongs to the letter before.
        if end is not None or beginning is text:
            return places[start], len(text) if end is None else end
    return None


def _snippet(text: str, start: int, end: int, length: int) -> Snippet:
    match = text[start:end].rstrip()
    end = start + len(match)
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    line_ends = [place for mark in "\r\n" if (place := text.find(mark, end)) >= 0]
    shown_match = in_one_line(match)
    before = _beside(text[line_start:start], shown_match)
    after = _beside(text[end : min(line_ends, default=len(text))][::-1], shown_match[::-1])[::-1]
    room = max(length - len(shown_match), 0)
    before_room = min(len(before), max(room // 2, room - len(after)))
    return Snippet(
        _cut(before[::-1], before_room)[::-1], shown_match, _cut(after, room - before_room)
    )


def _beside(text: str, other: str) -> str:
    """A text in one line, with a space at its end where it had one and the other text goes on."""
    line = in_one_line(text)
    return f"{line}{_space(line, other)}" if line and text[-1].isspace() else line


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: max(length - 1, 0)]}…"[:length]


def in_one_line(text: str) -> str:
    """The text with one space for any run of white space, and none inside words without spaces."""
    parts: list[str] = []
    for part in text.split():
        if parts:
            parts.append(_space(parts[-1], part))
        parts.append(part)
    return "".join(parts)


def _space(left: str, right: str) -> str:
    inside = is_set_without_spaces(left[-1]) and is_set_without_spaces(right[0])
    return "" if inside else " "
