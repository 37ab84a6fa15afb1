"""What the documents name is there: a page that leads nowhere is worse than none."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "tdnet_assets"
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "deploy/README.md",
    "README.ja.md",
    "docs/README.md",
    "docs/architecture.md",
    "docs/assistants.md",
    "docs/concepts.md",
    "docs/getting-started.md",
    "docs/reading.md",
    "docs/operations.md",
    "docs/reader.md",
    "docs/sample_site.md",
    "docs/tables.md",
    "docs/watch-lists.md",
]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
FILE = re.compile(
    r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|md|cfg|toml|yaml|csv)|tdnet_assets(?:_tests)?/[\w./]*)`"
)


def _is_there(name, page):
    """A path from the root, from the package, or of the folder that the page speaks about."""
    if any((root / name).exists() for root in (PROJECT, PACKAGE, page.parent)):
        return True
    return "/" not in name and any(PACKAGE.rglob(name))


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_a_page_names_is_there(name):
    page = PROJECT / name
    text = page.read_text()

    links = [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    files = [named for named in FILE.findall(text) if not _is_there(named, page)]

    assert links == []
    assert files == []


def test_the_index_leads_to_more_than_twenty_places():
    index = (PROJECT / "docs" / "architecture.md").read_text().partition("## Where is …?")[2]

    assert len(re.findall(r"^\| .* \| `tdnet_assets/", index, re.MULTILINE)) > 20
