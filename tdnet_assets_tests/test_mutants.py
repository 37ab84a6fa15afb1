"""The single changes that ``make mutants`` tries, and where it looks for the tests of a module."""

import difflib
from pathlib import Path

import pytest

from benchmarks.mutants import changes_of, is_change, mirrored

ROOT = Path(__file__).parents[1]


def lines_instead_of(text):
    """What each change puts in the place of the lines that it changes."""
    for change in changes_of(Path("any.py"), text):
        assert is_change(change, text)
        added = difflib.ndiff(text.splitlines(), change.text.splitlines())
        yield " ".join(line[2:].strip() for line in added if line.startswith("+ "))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b < 3", {"a = (b <= 3)", "a = b < (4)", "a = b < (2)"}),
        ("a = b and c", {"a = (b or c)", "a = (b)", "a = (c)"}),
        ("a = not b", {"a = (b)"}),
        ("a = f(b, c)", {"a = f(c, b)"}),
        ("a = max(b, key=c)", {"a = max(b)", "a = min(b, key=c)"}),
        ("a = [b for b in c if b]", {"a = [b for b in c]"}),
        ("if a:\n    raise ValueError('長い ' + b)", {"if not (a):", "pass"}),
        ("def f(a=True):\n    return a", {"def f(a=False):", "return None"}),
        ("async def f():\n    await check()", {"pass"}),
        ('"""A page."""\na: int\n', set()),
    ],
)
def test_a_module_has_these_single_changes(text, expected):
    assert set(lines_instead_of(text)) == expected


def test_a_change_behind_japanese_text_on_its_line_is_where_it_should_be():
    (_, swapped) = lines_instead_of('f("売上高", b)')
    assert swapped == "f(b, '売上高')"


@pytest.mark.parametrize(
    ("module", "folder", "file"),
    [
        ("tdnet/files.py", "tdnet", "tdnet/test_files.py"),
        ("tdnet/reports/report_periods.py", "tdnet/reports", None),
        ("config.py", "", "test_config.py"),
    ],
)
def test_the_tests_of_a_module_are_in_the_folder_that_mirrors_its_own(module, folder, file):
    tests = Path("tdnet_assets_tests")

    found = mirrored(ROOT, Path("tdnet_assets", module))

    assert found == (tests / folder, file and tests / file)
