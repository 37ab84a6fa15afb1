"""Damages list pages in many ways: each ends as a page or in our own refusal, and soon.

``python -m benchmarks.fuzz_listing [--pages 100000] [--seed 0]`` prints what became of them and
the slowest one, in processor time. The same pages come from the same seed.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tdnet_assets.sample_site.page import list_page
from tdnet_assets.sample_site.site import SampleSite
from tdnet_assets.tdnet.listing import ListPageError, parse_list_page

DAY = date(2026, 6, 10)
ROWS = 6

_MARKUP = (
    b"<tr>", b"</tr>", b"<td>", b"</td>", b"<table>", b"</table>", b"<div>", b"<p>", b"</p>",
    b"<s>", b"</s>", b"<b>", b"<font color=red>", b"</font>", b"<a href='x.pdf'>", b"</a>",
    b"<h1>", b"<ul><li>", b"<form>", b"<select>", b"<option>", b"<button>", b"<object>",
    b"<template>", b"<svg>", b"<math><mtext>", b"<frameset>", b"<title>", b"<textarea>",
    b"<script>", b"</script>", b"<plaintext>", b"<!--", b"-->", b"<![CDATA[", b"<?",
)  # fmt: skip
_ENTITIES = (
    b"&#0;", b"&#xD800;", b"&#x202E;", b"&#99999999999;", b"&nbsp;", b"&amp;lt;", b"&lol;", b"&",
    b"&lt;b&gt;", "e\N{COMBINING ACUTE ACCENT}".encode(), "\N{COMBINING DOT BELOW}".encode(),
    b"\0", b"\xff", b"\xe3\x80", b"\r", b"'", b'"', b"<", b">", b"=",
)  # fmt: skip

Game = Callable[[random.Random, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the pages: how many of each kind, and the slowest."""

    kinds: Counter[str]
    slowest_seconds: float
    slowest_page: bytes


def pages(count: int, seed: int) -> Iterator[bytes]:
    """Damaged pages, each by one to three games one after the other."""
    site = SampleSite(seed=seed)
    site.set_day(DAY, ROWS)
    whole = list_page(DAY, 1, site.rows(DAY))
    generator = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(count):
        page = whole
        for game in generator.choices(GAMES, k=generator.randint(1, 3)):
            page = game(generator, page)
        yield page


def run(count: int, seed: int) -> Outcome:
    """Read the pages; whatever is not our own refusal is raised."""
    kinds: Counter[str] = Counter()
    slowest, slowest_page = 0.0, b""
    for page in pages(count, seed):
        started = time.process_time()
        try:
            read = parse_list_page(page, day=DAY, page=1)
        except ListPageError as error:
            kinds[type(error).__name__] += 1
        else:
            kinds["read with rejects" if read.rejects else "read"] += 1
        seconds = time.process_time() - started
        if seconds > slowest:
            slowest, slowest_page = seconds, page
    return Outcome(kinds, slowest, slowest_page)


def _flip_bits(generator: random.Random, page: bytes) -> bytes:
    spoilt = bytearray(page)
    for _ in range(generator.choice((1, 1, 2, 20, 200))):
        spoilt[generator.randrange(len(spoilt))] ^= 1 << generator.randrange(8)
    return bytes(spoilt)


def _cut(generator: random.Random, page: bytes) -> bytes:
    end = generator.randrange(len(page)) + 1
    return page[:end] + generator.choice((b"", b"</html>"))


def _drop(generator: random.Random, page: bytes) -> bytes:
    start = generator.randrange(len(page))
    return page[:start] + page[start + generator.randint(1, 2_000) :] + b" "


def _repeat(generator: random.Random, page: bytes) -> bytes:
    start = generator.randrange(len(page))
    piece = page[start : start + generator.randint(1, 3_000)]
    return page[:start] + piece * generator.choice((2, 3, 50)) + page[start:]


def _insert(generator: random.Random, page: bytes) -> bytes:
    for _ in range(generator.randint(1, 10)):
        place = generator.randrange(len(page))
        page = page[:place] + generator.choice(_MARKUP + _ENTITIES) + page[place:]
    return page


def _nest(generator: random.Random, page: bytes) -> bytes:
    """Many open elements in one place, of one kind or of two by turns, some never the same."""
    place = _place(generator, page)
    kinds = generator.choices(_MARKUP, k=generator.randint(1, 2))
    count = generator.choice((10, 100, 1_000, 3_000, 100_000 // len(b"".join(kinds))))
    deep = b"".join(kinds) * count
    if generator.random() < 0.2:
        deep = b"".join(b"<p><b a=%d>" % number for number in range(count))
    return page[:place] + deep + page[place:]


def _stuff(generator: random.Random, page: bytes) -> bytes:
    """One thing again and again where a title, a history or an attribute is."""
    place = _place(generator, page)
    count = generator.choice((10, 100, 900, 2_000, 50_000))
    kind = generator.randrange(4)
    if kind == 0:
        stuffing = b"<a " + b" ".join(b"a%d=b" % number for number in range(count)) + b">"
    elif kind == 1:
        stuffing = "e\u0301".encode() * count + "\u0316".encode() * count
    else:
        stuffing = generator.choice(_ENTITIES) * count
    return page[:place] + stuffing + page[place:]


def _place(generator: random.Random, page: bytes) -> int:
    found = page.find(generator.choice((b"kjTitle", b"<a href", b"kjHistroy", b"kaijiSum", b"<td")))
    return max(0, page.find(b">", max(0, found))) + 1


GAMES: tuple[Game, ...] = (_flip_bits, _cut, _drop, _repeat, _insert, _nest, _stuff)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="where to write the slowest page")
    arguments = parser.parse_args()
    outcome = run(arguments.pages, arguments.seed)
    for kind, count in outcome.kinds.most_common():
        print(f"{count:>9,} {kind}")
    print(f"slowest   {outcome.slowest_seconds:.3f} s, {len(outcome.slowest_page):,} bytes")
    if arguments.keep:
        arguments.keep.write_bytes(outcome.slowest_page)


if __name__ == "__main__":
    main()
