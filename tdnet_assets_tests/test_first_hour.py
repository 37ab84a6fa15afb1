"""The pages of the first hour, and the front page in both languages: what they say works."""

import os
import re
import shlex
import subprocess
from datetime import date, datetime, timedelta
from pathlib import Path

import click
import pytest

from tdnet_assets.cli.main import main
from tdnet_assets.config import PlatformConfig
from tdnet_assets.local.services import running_services
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import TDNET

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
ENGLISH, JAPANESE = PROJECT / "README.md", PROJECT / "README.ja.md"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)]+)\)")
CONFIG = PROJECT / "tdnet_assets" / "config.py"
# Of the readers' processes and of the SDK: config.py names them elsewhere, or not at all.
OTHERS = {"DAGSTER_HOME", "AWS_ENDPOINT_URL", "AWS_REGION"}


def _blocks(page: Path) -> list[str]:
    """The blocks that are to be typed: those of no language."""
    return [block for language, block in FENCED.findall(page.read_text()) if not language]


def _commands(page: Path) -> list[str]:
    """The lines of the blocks that are to be typed."""
    return [line for line in "".join(_blocks(page)).splitlines() if line]


def _last_three_business_days() -> list[date]:
    """Three days of the sample site, in a row or about a weekend, none of them today."""
    today = datetime.now(TOKYO).date()
    days = [today - timedelta(days=back) for back in range(1, 8)]
    return sorted(day for day in days if day.weekday() < 5)[-3:]


@pytest.fixture
def first_hour(tmp_path):
    """What a line of a page prints when it is typed beside a running site, and its exit code."""
    environment = {
        **os.environ,
        "PATH": f"{TDNET.parent}{os.pathsep}{os.environ['PATH']}",
        "TDNET_HOME": str(tmp_path / "home"),
    }
    days = dict(
        zip(
            ("2026-06-08", "2026-06-09", "2026-06-10"),
            map(str, _last_three_business_days()),
            strict=True,
        )
    )
    with running_services(PlatformConfig.from_environment(environment)) as running:
        site = running.tdnet_base_url.removesuffix("/inbs")

        def typed(line: str, **changes: str) -> tuple[int, str]:
            for said, meant in {**days, "http://127.0.0.1:8080": site, **changes}.items():
                line = line.replace(said, meant)
            done = subprocess.run(
                ["/bin/bash", "-c", line],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            return done.returncode, done.stdout + done.stderr

        yield typed


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_command_of_the_first_hour_works_in_its_order(first_hour):
    said: dict[str, list[tuple[int, str]]] = {}
    code = "86990"
    for line in _commands(DOCS / "getting-started.md"):
        answer = first_hour(line, **{"86990": code})
        said.setdefault(line, []).append(answer)
        # A reader takes a company from the list.
        if line.startswith("tdnet earnings") and "surprises" not in line:
            code = re.findall(r"^\S+ \S+ +(\w{5}) ", answer[1], re.MULTILINE)[0]

    bad = "tdnet collect 2026-06-08 --until 2026-06-09"
    assert [line for line, answers in said.items() if answers[0][0]] == [bad]
    assert "could not be read" in said[bad][0][1]
    red, mended = (answer for _, answer in said["tdnet status"])
    assert "check rows_complete failed" in red
    assert "check rows_complete failed" not in mended
    assert code in said["tdnet company 86990"][0][1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_command_about_reading_works_in_its_order(first_hour):
    said = {line: first_hour(line) for line in _commands(DOCS / "reading.md")}

    assert [answer for answer in said.values() if answer[0]] == []
    csv = said["tdnet query --category earnings --from 2026-06-10 --format csv"][1]
    assert csv.startswith("date,disclosure_id,")
    assert "決算短信" in said["tdnet search 決算短信 --from 2026-06-10 --limit 3"][1]


@pytest.mark.parametrize("page", [ENGLISH, JAPANESE], ids=["en", "ja"])
def test_every_command_of_the_front_page_is_one_of_ours_with_its_options(page):
    lines = [line for line in _commands(page) if line.startswith("tdnet ")]
    assert len(lines) > 10

    for line in lines:
        _require(shlex.split(line, comments=True)[1:])


def _require(arguments: list[str]) -> None:
    """Parse a command as the command line does, without running it.

    Raises:
        click.ClickException: it is none.
    """
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        name, command_found, arguments = command.resolve_command(context, list(arguments))
        assert command_found is not None, name
        command = command_found
        context = click.Context(command, parent=context, info_name=name)
    command.make_context(command.name, list(arguments))


def test_the_front_page_has_every_variable_that_is_read_and_no_other():
    rows = re.findall(r"^\| (`[A-Z].*?) \|", ENGLISH.read_text(), re.MULTILINE)
    named = set(re.findall(r"`([A-Z_]+)`", " ".join(rows)))

    read = set(re.findall(r"\"(TDNET_[A-Z_]+[A-Z])\"", CONFIG.read_text()))
    assert named - OTHERS == read


def test_the_front_page_says_the_same_in_japanese():
    english, japanese = ENGLISH.read_text(), JAPANESE.read_text()

    assert _blocks(JAPANESE) == _blocks(ENGLISH)
    assert PICTURE.findall(japanese) == PICTURE.findall(english)
    variables = re.compile(r"`((?:TDNET|DAGSTER|AWS)_[A-Z_]+)`")
    assert variables.findall(japanese) == variables.findall(english)
    others = {"README.md", "README.ja.md"}
    assert set(LINK.findall(japanese)) - others == set(LINK.findall(english)) - others
    assert "](README.ja.md)" in english.split("\n\n")[1]
    assert "](README.md)" in japanese.split("\n\n")[1]


def test_every_page_is_led_to_from_the_index_and_shows_pictures_of_a_tour():
    index = (DOCS / "README.md").read_text()
    pages = {page.name for page in DOCS.glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()

    tours = "".join(one.read_text() for one in (PROJECT / "tdnet_assets_tests").rglob("tour.py"))
    assert {one.name for one in DOCS.glob("*.png") if f'"{one.name}"' not in tours} == set()
    shown = "".join(one.read_text() for one in (*DOCS.glob("*.md"), ENGLISH))
    assert {one.name for one in DOCS.glob("*.png") if one.name not in shown} == set()
