"""``tdnet search``: what a person types, and what is printed."""

import csv
import io
import json
import re
from datetime import date

import pytest
from click.testing import CliRunner

from tdnet_assets.cli.main import main
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets_tests.commands import variables
from tdnet_assets_tests.lake_days import disclosure, put_day
from tdnet_assets_tests.test_document_search import put_texts

DAY = date(2026, 6, 10)


@pytest.fixture
def ask(platform):
    """Run ``tdnet search`` in this process."""
    lake = LakeResource(config=platform)
    titles = ("自己株式の取得に関するお知らせ", "決算短信", "（訂正）決算短信")
    put_day(lake, DAY, [disclosure(DAY, place, title=title) for place, title in enumerate(titles)])
    put_texts(
        lake,
        DAY,
        [
            (0, "pdf", 1, "取締役会において決議"),
            (1, "pdf", 2, "はじめに\n当社は、自己株\n式の消却を行いました。\nおわりに"),
            (2, "pdf", 1, "自己株式の数を\x1b[31m訂正"),
        ],
    )

    def run(*arguments):
        return CliRunner().invoke(main, ["search", *arguments], env=variables(platform))

    return run


def test_the_matching_line_and_its_page_are_shown_newest_first(ask):
    done = ask("自己株式")

    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split() == [
        *("disclosed_at", "code", "company_name", "title", "kind", "page", "line", "disclosure_id"),
    ]
    found = [line.split()[-1] for line in lines if re.search(r"\d{14}$", line.strip())]
    assert found == [f"20260610{number:06d}" for number in (2, 1, 0)]
    (line,) = (line for line in lines if line.strip().endswith("000001"))
    assert "当社は、自己株式の消却を行いました。" in line
    assert re.search(r" pdf +2 ", line)
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (("自己株式", "-訂正"), (1, 0)),
        (("自己株式 －訂正",), (1, 0)),
        (('"自己株式の 消却"',), (1,)),
        (("自己株式", "消却"), (1,)),
        (("--in", "title", "自己株式"), (0,)),
        (("自己株式", "--in", "text"), (2, 1)),
        (("自己株式", "--limit", "1"), (2,)),
        (("自己株式", "--from", "2026-06-11"), ()),
        (("自己株式", "--category", "earnings"), (2, 1)),
        (("決算短信", "-自己株式"), ()),
    ],
)
def test_words_and_options_narrow_the_answer(ask, arguments, numbers):
    done = ask(*arguments, "--format", "json")

    assert done.exit_code == 0, done.output
    assert [int(row["disclosure_id"][8:]) for row in json.loads(done.stdout)] == list(numbers)


def test_csv_has_every_column_and_no_text_that_does_anything(ask):
    done = ask("訂正", "--in", "text", "--format", "csv")

    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["kind"], row["page"], row["match"], row["pages"]) == ("pdf", "1", "訂正", "1")
    assert "\x1b" not in done.stdout


def test_a_search_for_nothing_is_refused_in_one_line(ask):
    done = ask("-訂正")

    assert done.exit_code == 2
    assert "has no word to look for" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_category_is_refused_with_those_there_are(ask):
    done = ask("自己株式", "--category", "earning")

    assert done.exit_code == 2
    assert "there is earnings" in done.stderr


def test_an_unknown_code_is_said_so(ask):
    done = ask("自己株式", "--code", "72031")

    assert done.exit_code == 0
    assert "no disclosure of 72031 in these days" in done.stderr
    assert not done.stdout
