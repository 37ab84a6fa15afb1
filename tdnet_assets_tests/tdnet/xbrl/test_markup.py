"""Documents that are not trusted: what is refused, what is opened, and how long it may take."""

import contextlib
import re
import time

import pytest

from tdnet_assets.tdnet.errors import FilingError
from tdnet_assets.tdnet.xbrl import contexts, inline, transforms
from tdnet_assets.tdnet.xbrl.markup import MAXIMUM_DOCUMENT_BYTES, MAXIMUM_MARKUP, parsed
from tdnet_assets.tdnet.xbrl.transforms import TransformError, transform

ENTITY = b"<!DOCTYPE x [<!ENTITY a '5'>]>"
LAUGHS = b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE x><x/>",
        b"\xef\xbb\xbf<?xml version='1.0'?>\n<?y z?>" + ENTITY + b"<x/>",
        b"<!-- a -->" + ENTITY + b"<!-- b --><x>&a;</x>",
        b"<!-- a --><!-- b -->" + ENTITY + b"<!-- c --><!-- d --><x y='&a;'/>",
        b"<!-- <x> -->" * 1_000 + ENTITY + b"<x/>",
        b"<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/'><x/>",
        b"<!DOCTYPE x [<!ENTITY % a SYSTEM 'http://127.0.0.1:9/'> %a;]><x/>",
        b"<!DOCTYPE x [<!ENTITY a0 'ha'>" + LAUGHS + b"]><x>&a9;</x>",
        b"<!DOCTYPE x [<!ATTLIST x y CDATA '5'>]><x/>",
    ],
)
def test_a_document_type_is_refused_wherever_it_stands_and_whatever_it_defines(content):
    with pytest.raises(FilingError, match="a document type, 'x', which XBRL does not need"):
        parsed("a.htm", content)


@pytest.mark.parametrize(
    "content",
    [
        b"<!-- <!DOCTYPE x> --><x>5</x>",
        b"<?y <!DOCTYPE x> ?><!----><!-- - --><x>5</x>",
        b"<x><![CDATA[<!DOCTYPE x>]]></x>",
        b"<!--" + b"a" * 100_000 + b"-->\n<x>5</x>",
    ],
)
def test_what_only_looks_like_a_document_type_is_none(content):
    assert parsed("a.htm", content).tag == "x"


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"<b>" * 70_000 + b"</b>" * 70_000, "depth"),
        (b"<x>" + b" " * MAXIMUM_DOCUMENT_BYTES + b"</x>", "more than 5,000,000"),
        (b"<x>" + b"<b/>" * MAXIMUM_MARKUP + b"</x>", "more than 5,000,000 or 200,000"),
        (b"<x " + b"".join(b"a%d='' " % n for n in range(MAXIMUM_MARKUP)) + b"/>", "200,001 tags"),
        (b"", "no whole XML"),
        (b"   ", "no whole XML"),
        (b"<!-- a -->", "no whole XML"),
    ],
)
def test_what_no_filing_has_is_refused(content, seen):
    with pytest.raises(FilingError, match=seen):
        parsed("a.htm", content)


def _seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


HOSTILE = {
    "comments": lambda size: b"<!---->" * size + b"<!DOCTYPE x>",
    "comments before a root": lambda size: b"<!---->" * size + b"<x/>",
    "one comment": lambda size: b"<!--" + b"- " * size + b"<!DOCTYPE x>",
    "instructions": lambda size: b"<?a?>" * size + b"<!DOCTYPE x>",
    "entities": lambda size: (
        b"<!DOCTYPE x [" + b"".join(b"<!ENTITY e%d ''>" % n for n in range(size)) + b"]><x/>"
    ),
    "attributes": lambda size: b"<x " + b"".join(b"a%d='' " % n for n in range(size)) + b"/>",
    "depth": lambda size: b"<b>" * size,
    "spaces": lambda size: b" " * size * 8,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_ten_times_the_document_takes_ten_times_the_time_and_not_a_hundred(make):
    def read(content):
        try:
            parsed("a.htm", content)
        except FilingError:
            return

    small, large = make(5_000), make(50_000)
    read(small)
    quick = min(_seconds(lambda: read(small)) for _ in range(3))
    assert min(_seconds(lambda: read(large)) for _ in range(3)) < max(quick * 40, 0.2)


def _reading(found: re.Pattern):
    """How the expression is used: on a printed text as a whole, on a document's bytes anywhere."""
    if isinstance(found.pattern, str):
        return found.fullmatch
    return lambda text: found.findall(text.encode())


EXPRESSIONS = {
    f"{module.__name__}.{name}": _reading(found)
    for module in (contexts, inline, transforms)
    for name, found in vars(module).items()
    if isinstance(found, re.Pattern)
}
TRANSFORMS = {
    f"{registry.rpartition('/')[2]} {name}": transform(registry, name)
    for registry, names in transforms.REGISTRIES.items()
    for name in names
}
PIECES = (
    "1",
    "1,",
    "1.",
    "111,",
    "a",
    "-",
    " ",
    "年",
    "1年",
    "令和",
    "may ",
    "<!---->",
    "１",
    "xmlns:",
    "xmlns:a=",
    'xmlns:a="',
)


@pytest.mark.parametrize("read", [*EXPRESSIONS.values(), *TRANSFORMS.values()])
def test_no_printed_text_takes_more_than_linear_time(read):
    assert len(EXPRESSIONS) > 5

    def attempt(text):
        with contextlib.suppress(TransformError):
            read(text)

    for piece in PIECES:
        for end in ("", "!", "1", "-1.", "年"):
            text = piece * 20_000 + end
            assert _seconds(lambda text=text: attempt(text)) < 0.2
