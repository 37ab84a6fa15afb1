"""Damaged and hostile XBRL archives: each must be read, or end in a refusal of ours, and soon.

What belongs here: making them from archives of the sample site (flipped bits, cut ends, injected
markup and entities, games with members), and counting how each ends. What does not: archives that a
person thought of (``tdnet_assets_tests/tdnet/xbrl/``).

``python -m benchmarks.fuzz_archives [COUNT] [SEED]``, by default 100,000 and 1; some five minutes
for 100,000. The same seed makes the same archives. Archives at the reader's limits are timed first.
"""

import contextlib
import datetime as dt
import io
import random
import resource
import sys
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tdnet_assets.sample_site.day import planned_day
from tdnet_assets.sample_site.linked_files import filing
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.xbrl.archive import MAXIMUM_CONTEXTS, MAXIMUM_FACTS, read_archive
from tdnet_assets.tdnet.xbrl.facts import FilingFacts
from tdnet_assets.tdnet.xbrl.inline import MAXIMUM_TEXT_CHARACTERS
from tdnet_assets.tdnet.xbrl.labels import labels
from tdnet_assets.tdnet.xbrl.markup import MAXIMUM_DOCUMENT_BYTES, MAXIMUM_MARKUP

COUNT, SEED = 100_000, 1
SAMPLE_DAY = dt.date(2026, 5, 14)
_SUFFIX = "-ixbrl.htm"

# What is put into a document, or in the place of some of it.
_MARKUP = (
    b"<!DOCTYPE html [<!ENTITY a '9'>]>",
    b"<!---->",
    b"<!-- -->" * 200,
    b"&a;",
    b"&#0;",
    b"&#x10FFFF;",
    b"<![CDATA[9]]>",
    b"<?xml version='1.0'?>",
    b"<b>" * 300,
    b"</html>",
    b"\x00",
    b"\xff\xfe",
    b'xmlns:ix="urn:x" ',
    b' xsi:nil="true"',
    b' continuedAt="a"',
    b'<ix:continuation id="a" continuedAt="a">1</ix:continuation>',
    b'scale="30" ',
    b'sign="-" ',
    b'format="ixt:zerodash" ',
    "－".encode(),
    "１２".encode(),
    b"9" * 100,
    b"1e999",
    b"2025-02-30",
)
_NAMES = (
    "../../etc/passwd",
    "/a-ixbrl.htm",
    "XBRLData/Summary/a\\b-ixbrl.htm",
    "manifest.xml",
    "XBRLData/Attachment/manifest.xml",
    "XBRLData/Summary/x-ixbrl.htm",
    "XBRLData/Attachment/x-ixbrl.htm",
    "x-lab.xml",
    "a" * 5_000 + _SUFFIX,
    "old.xbrl",
)


@dataclass(slots=True)
class Outcome:
    """How the archives ended.

    Attributes:
        ends: how many of each end: ``read``, ``read in part``, or the class of a refusal.
        escaped: number and traceback of each that ended in an error that is not ours.
        slowest_seconds: CPU time of the slowest, archive and labels.
        slowest: its number, which with the seed makes it again.
    """

    ends: Counter[str] = field(default_factory=Counter)
    escaped: dict[int, str] = field(default_factory=dict)
    slowest_seconds: float = 0
    slowest: int = 0


def fuzz(count: int, seed: int) -> Outcome:
    """Read that many damaged archives."""
    of_day = samples()
    outcome = Outcome()
    for number in range(count):
        content = damaged(of_day, random.Random(f"{seed} {number}"))  # noqa: S311 - not a secret
        started = time.process_time()
        try:
            end = _end(content)
        except Exception:  # noqa: BLE001 - any other error is what is looked for
            end = "escaped"
            outcome.escaped[number] = traceback.format_exc()
        seconds = time.process_time() - started
        outcome.ends[end] += 1
        if seconds > outcome.slowest_seconds:
            outcome.slowest_seconds, outcome.slowest = seconds, number
    return outcome


def _end(content: bytes) -> str:
    with contextlib.suppress(TdnetError):
        labels(content)
    try:
        read: FilingFacts = read_archive(content)
    except TdnetError as error:
        return type(error).__name__
    return "read" if read.is_whole else "read in part"


def samples() -> list[dict[str, bytes]]:
    """The members of one archive of each size that a day of the sample site has."""
    rows = [plan.row for plan in planned_day(SAMPLE_DAY, 60, 0, changes=False).values()]
    archives = [
        filing(row, SAMPLE_DAY, row.xbrl_name, pdf_bytes=None) for row in rows if row.xbrl_name
    ]
    return [_members(content) for content in sorted(archives, key=len)[:: len(archives) // 6]]


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def damaged(samples: list[dict[str, bytes]], chance: random.Random) -> bytes:
    """One archive with some damage."""
    members = list(chance.choice(samples).items())
    game = chance.choice((_inside, _inside, _member_games, _outside))
    return game(members, chance)


def _inside(members: list[tuple[str, bytes]], chance: random.Random) -> bytes:
    """Documents that a whole zip holds are damaged."""
    wanted = [at for at, (name, _) in enumerate(members) if name.endswith((_SUFFIX, ".xml"))]
    for at in chance.sample(wanted, min(len(wanted), chance.randint(1, 2))):
        name, content = members[at]
        for _ in range(chance.choice((1, 1, 2, 8))):
            content = chance.choice(_CHANGES)(content, chance)
        members[at] = name, content
    return _packed(members, chance)


def _member_games(members: list[tuple[str, bytes]], chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(members))
        name, content = members[at]
        move = chance.randrange(6)
        if move == 0:
            members.pop(at)
        elif move == 1:
            members.append((chance.choice(_NAMES), content))
        elif move == 2:
            members.append((name, content))
        elif move == 3:
            members[at] = name.swapcase(), content
        elif move == 4:
            members[at] = name, chance.choice(members)[1]
        else:
            members += [
                (f"{name}{number}{_SUFFIX}", b"") for number in range(chance.choice((3, 1_100)))
            ]
        if not members:
            break
    return _packed(members, chance)


def _outside(members: list[tuple[str, bytes]], chance: random.Random) -> bytes:
    """The bytes of the zip are damaged."""
    content = _packed(members, chance)
    for _ in range(chance.choice((1, 1, 3))):
        content = chance.choice((_flipped, _cut, _without, _doubled))(content, chance)
    return content


def _flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 4, 32))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randint(0, len(content))]


def _without(content: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(content))
    return content[:start] + content[start + chance.choice((1, 100, 10_000)) :]


def _doubled(content: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(content))
    end = start + chance.choice((1, 100, 10_000))
    return content[:end] + content[start:]


def _injected(content: bytes, chance: random.Random) -> bytes:
    # Mostly where markup is, because that is where it means something.
    start = chance.randint(0, len(content))
    if chance.random() < 0.8:
        start = content.find(chance.choice((b"<", b">", b" ", b'"')), start) + 1
    replaced = chance.choice((0, 0, 1, 10))
    return content[:start] + chance.choice(_MARKUP) + content[start + replaced :]


def _swapped(content: bytes, chance: random.Random) -> bytes:
    old, new = chance.sample(_WORDS, 2)
    return content.replace(old, new, chance.choice((1, 1, 3, -1)))


_WORDS = (
    b"ix:nonFraction",
    b"ix:nonNumeric",
    b"ixt:numdotdecimal",
    b"ixt:dateyearmonthdaycjk",
    b"xbrli:context",
    b"xbrli:instant",
    b"xbrli:unit",
    b"JPYPerShares",
    b"CurrentYearDuration",
    b"PriorYearDuration",
    b"contextRef",
    b"unitRef",
    b"tse-ed-t:",
    b"scale",
    b"decimals",
)
_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flipped, _cut, _without, _doubled),
    *(_injected, _injected, _injected, _swapped, _swapped),
)


def _packed(members: list[tuple[str, bytes]], chance: random.Random) -> bytes:
    packed = io.BytesIO()
    method = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", method) as target:
        warnings.simplefilter("ignore")  # of names that are there twice, which is the point
        for name, content in members:
            target.writestr(zipfile.ZipInfo(name), content, method)
    return packed.getvalue()


def at_limits() -> dict[str, bytes]:
    """The dearest archives that the reader still reads, by the limit that they reach."""
    number = '<i:nonFraction name="t:A" contextRef="Y" unitRef="J" scale="3">{}</i:nonFraction>'
    text = '<i:nonNumeric name="t:A" contextRef="Y">'
    depth = 200
    context = (
        '<x:context id="{}"><x:period><x:instant>2026-03-31</x:instant></x:period></x:context>'
    )
    return {
        f"{MAXIMUM_FACTS:,} facts": _archive(number.format("1,234") * MAXIMUM_FACTS),
        f"{MAXIMUM_FACTS:,} cells that cannot be read": _archive(
            number.format("1") + number.format("-") * (MAXIMUM_FACTS - 1)
        ),
        f"{MAXIMUM_CONTEXTS:,} contexts": _archive(
            number.format("1") + "".join(context.format(n) for n in range(MAXIMUM_CONTEXTS - 1))
        ),
        f"{MAXIMUM_TEXT_CHARACTERS:,} characters of repeated text": _archive(
            text * depth + "a" * (MAXIMUM_TEXT_CHARACTERS // depth) + "</i:nonNumeric>" * depth
        ),
        f"{MAXIMUM_MARKUP:,} tags": _archive(number.format("1") + "<b/>" * (MAXIMUM_MARKUP - 50)),
        f"{MAXIMUM_DOCUMENT_BYTES:,} bytes": _archive(
            number.format("1") + " " * (MAXIMUM_DOCUMENT_BYTES - 1_000)
        ),
    }


def _archive(body: str) -> bytes:
    head = (
        '<h xmlns:i="http://www.xbrl.org/2008/inlineXBRL" xmlns:t="urn:t" '
        'xmlns:x="http://www.xbrl.org/2003/instance"><x:context id="Y"><x:period><x:forever/>'
        '</x:period></x:context><x:unit id="J"><x:measure>JPY</x:measure></x:unit>'
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("tse-rvfc-ixbrl.htm", f"{head}{body}</h>")
    return packed.getvalue()


def main() -> None:
    """Fuzz, time the limits, and exit with 1 if any error escaped."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    for name, content in at_limits().items():
        started = time.process_time()
        end = _end(content)
        print(f"{name:48} {(time.process_time() - started) * 1000:8.0f} ms  {end}")
    print(f"peak memory {_peak_memory()} MiB\n")
    outcome = fuzz(count, seed)
    for end, many in outcome.ends.most_common():
        print(f"{end:48} {many:8,}")
    print(
        f"slowest: number {outcome.slowest} of seed {seed}, {outcome.slowest_seconds * 1000:.0f} "
        f"ms; peak memory {_peak_memory()} MiB"
    )
    for number, escaped in outcome.escaped.items():
        print(f"number {number} of seed {seed} escaped:\n{escaped}")
    sys.exit(1 if outcome.escaped else 0)


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
