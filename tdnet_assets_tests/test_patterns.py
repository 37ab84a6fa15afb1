"""Every regular expression that meets what others wrote takes time in proportion to it."""

import ast
import importlib
import inspect
import itertools
import math
import pkgutil
import re
import re._constants as codes
import re._parser as parser
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import tdnet_assets.resources
import tdnet_assets.tdnet

# Enough for the clock; what is not linear has shown itself by then.
LONGEST = 30_000
SECONDS = 0.01
# Twice the input takes twice the time, up to noise; a square takes four times.
MOST_GROWTH = 3.2
ATTEMPTS = 4
REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


def modules() -> list[Any]:
    return [
        importlib.import_module(found.name)
        for package in (tdnet_assets.tdnet, tdnet_assets.resources)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.ispkg
    ]


def held(value: object, name: str) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """The patterns in a value, each with the name by which the code calls it."""
    if isinstance(value, re.Pattern):
        yield name, value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from held(inner, name)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for field in value._fields:
            yield from held(getattr(value, field), field)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from held(inner, name)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for field in value.__dataclass_fields__:
            yield from held(getattr(value, field), field)


def cases() -> list[Any]:
    found, seen = [], set()
    for module in modules():
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            for called, pattern in held(value, name):
                methods = set(re.findall(rf"\b{called}\.(\w+)", source))
                methods &= {"search", "match", "fullmatch", "findall", "finditer", "sub", "split"}
                if not methods or pattern in seen:
                    continue  # imported: it is tried where it is used
                seen.add(pattern)
                way = "fullmatch" if methods == {"fullmatch"} else min(methods - {"fullmatch"})
                found.append(pytest.param(pattern, way, id=f"{module.__name__}.{name}:{len(seen)}"))
    return found


def examples(tree: Any) -> Iterator[tuple[str, str]]:
    """Of each part that is repeated or chosen: what stands before it, and the part."""
    before = ""
    for code, argument in tree:
        for inner in parts(code, argument):
            for prefix, pump in examples(inner):
                yield before + prefix, pump
        if code in REPEATS:
            yield before, sample(argument[2])
        elif code is codes.BRANCH:
            yield from ((before, sample(choice)) for choice in argument[1])
        before += sample([(code, argument)])


def parts(code: Any, argument: Any) -> list[Any]:
    """The sub-patterns of a part of a pattern."""
    if code in REPEATS:
        return [argument[2]]
    if code is codes.SUBPATTERN:
        return [argument[-1]]
    if code is codes.BRANCH:
        return list(argument[1])
    return [argument] if code is codes.ATOMIC_GROUP else []


def sample(tree: Any) -> str:
    """A shortest text that the pattern matches, or nearly."""
    text = ""
    for code, argument in tree:
        if code is codes.LITERAL:
            text += chr(argument)
        elif code is codes.NOT_LITERAL or code is codes.ANY:
            text += "x"
        elif code is codes.IN:
            text += member(argument)
        elif code is codes.BRANCH:
            text += sample(argument[1][0])
        elif code in REPEATS:
            text += sample(argument[2]) * max(1, min(argument[0], 20))
        elif parts(code, argument):
            text += sample(parts(code, argument)[0])
    return text


def member(choices: Any) -> str:
    code, argument = choices[0]
    if code is codes.NEGATE:
        return next(letter for letter in "x1 <\"'" if not re.match(_set(choices[1:]), letter))
    return {"LITERAL": lambda: chr(argument), "RANGE": lambda: chr(argument[0])}.get(
        str(code), lambda: {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " "}.get(str(argument), "x")
    )()


def _set(choices: Any) -> str:
    texts = []
    for code, argument in choices:
        if code is codes.RANGE:
            texts.append(f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}")
        elif code is codes.LITERAL:
            texts.append(re.escape(chr(argument)))
    return f"[{''.join(texts)}]"


def attacks(pattern: re.Pattern[Any]) -> set[tuple[str, str]]:
    """What to begin with and what to repeat: each part, the whole, and pieces of both."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin1")
    tree = parser.parse(text, pattern.flags & ~re.UNICODE)
    whole = sample(tree)
    found = {pump for pump in examples(tree) if pump[1]}
    found |= {("", whole[:end]) for end in range(1, len(whole) + 1)}
    found |= {("", text) for before, pump in found for text in (pump, before + pump)}
    found |= {("", space) for space in (" ", "0", "<", '"', "<a b='", 'a="')}
    return found


def seconds(pattern: re.Pattern[Any], way: str, before: str, pump: str, count: int) -> float:
    content: Any = before + pump * count + "\N{NUL}"
    if isinstance(pattern.pattern, bytes):
        content = content.encode("latin1")
    call = getattr(pattern, way)
    arguments = ("", content) if way == "sub" else (content,)
    started = time.process_time()
    result = call(*arguments)
    if way == "finditer":
        for _ in result:
            pass
    return time.process_time() - started


def growth(pattern: re.Pattern[Any], way: str, before: str, pump: str) -> float:
    """How many times longer the last doubling of the input took; 1 for what takes no time."""
    # One by one at first: what doubles with each turn must be seen before it takes an hour.
    sizes = itertools.chain(range(8, 48), (64 * 2**power for power in range(30)))
    for count in sizes:
        if count * len(pump) > LONGEST:
            return 1.0
        if seconds(pattern, way, before, pump, count) <= SECONDS:
            continue
        whole = min(seconds(pattern, way, before, pump, count) for _ in range(3))
        half = min(seconds(pattern, way, before, pump, count // 2) for _ in range(3))
        if whole > SECONDS:
            return math.inf if count < 64 else whole / max(half, SECONDS / 8)
    return 1.0


@pytest.mark.slow  # all of them together
@pytest.mark.parametrize(("pattern", "way"), cases())
def test_twice_the_text_takes_twice_the_time(pattern, way):
    for before, pump in sorted(attacks(pattern)):
        # A busy machine may spoil one measurement, not each.
        assert any(growth(pattern, way, before, pump) <= MOST_GROWTH for _ in range(ATTEMPTS)), (
            f"{way} of {before!r} and then {pump!r} again and again"
        )


@pytest.mark.parametrize(
    "pattern",
    [r"(a|a)*b", r"(\s*)*x", r"tdnet.*-(ed|re)", r"(x+)+y", r"\s*(<\?.*?\?>\s*|<!--.*?-->\s*)*<a"],
)
def test_an_expression_that_goes_back_is_found_out(pattern):
    compiled = re.compile(pattern)

    assert any(
        growth(compiled, "search", before, pump) > MOST_GROWTH
        for before, pump in sorted(attacks(compiled))
    )


def test_no_expression_hides_inside_a_call():
    functions = {"match", "search", "fullmatch", "sub", "split", "findall", "finditer"}
    hidden = [
        f"{module.__name__}:{node.lineno}"
        for module in modules()
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "re"
        and node.attr in functions
    ]

    assert hidden == []
