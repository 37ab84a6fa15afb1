"""``tdnet open``: the stored file as it was fetched, or why there is none."""

import os
import subprocess
from datetime import date

import polars as pl
import pytest
from click.testing import CliRunner

from tdnet_assets.cli.main import main
from tdnet_assets.resources.lake import layout
from tdnet_assets_tests.commands import TDNET, in_terminal, variables

DAY = date(2026, 6, 10)


@pytest.fixture
def stored(site, pipeline):
    """A collected day: the numbers of a disclosure with both files, and the bytes of its PDF."""
    site.set_day(DAY, 12)
    assert pipeline.materialize(DAY, select=["listing_pages", "disclosures", "documents"]).success
    row = next(row for row in site.rows(DAY) if row.pdf_name and row.xbrl_name)
    content = pipeline.lake.read(layout.document_key(DAY, row.disclosure_id, "pdf"))
    return row.disclosure_id, content


@pytest.fixture
def tdnet(platform):
    """Invokes the command in this process, led to the test's own services."""

    def invoke(*arguments):
        return CliRunner().invoke(main, arguments, env=variables(platform), catch_exceptions=False)

    return invoke


@pytest.mark.slow
def test_a_pipe_gets_the_bytes_as_they_were_fetched(platform, stored):
    number, content = stored
    wide = number.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})

    done = subprocess.run(
        [TDNET, "open", wide], env=variables(platform), capture_output=True, check=True, timeout=60
    )

    assert done.stdout == content
    assert done.stderr == b""


def test_a_file_or_a_folder_gets_it_and_the_path_is_said(tdnet, stored, tmp_path):
    number, content = stored

    to_file = tdnet("open", number, "--to", str(tmp_path / "report.pdf"))
    to_folder = tdnet("open", number, "--kind", "xbrl", "--to", str(tmp_path))
    nowhere = tdnet("open", number, "--to", str(tmp_path / "no" / "x.pdf"))

    assert to_file.stdout == f"{tmp_path}/report.pdf\n"
    assert (tmp_path / "report.pdf").read_bytes() == content
    assert to_folder.stdout == f"{tmp_path}/{number}.zip\n"
    assert (tmp_path / f"{number}.zip").read_bytes().startswith(b"PK")
    assert nowhere.exit_code == 2
    assert "x.pdf cannot be written: No such file or directory" in nowhere.stderr


@pytest.mark.slow
def test_on_a_terminal_the_viewer_of_the_desktop_shows_it(platform, stored, tmp_path):
    number, content = stored
    viewer = tmp_path / "xdg-open"
    viewer.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/seen.pdf\n')
    viewer.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    (said,) = in_terminal(variables(platform, PATH=path, TMPDIR=str(tmp_path)), 200, "open", number)

    assert (tmp_path / "seen.pdf").read_bytes() == content
    assert said.startswith(f"{tmp_path}/tdnet-")
    assert said.endswith(f"/{number}.pdf")


def test_a_file_that_is_not_as_it_was_stored_is_not_given_but_told(tdnet, pipeline, stored):
    number, content = stored
    key = layout.document_key(DAY, number, "pdf")
    pipeline.lake.store.put(key, content[:-1] + b"?")

    damaged = tdnet("open", number)
    pipeline.lake.delete(key)
    gone = tdnet("open", number)

    assert (damaged.exit_code, damaged.stdout) == (1, "")
    assert damaged.stderr == (
        f"tdnet: {key} is damaged: its sha256 is another; `tdnet verify --from {DAY} "
        f"--until {DAY} --repair` asks for it again while TDnet has it\n"
    )
    assert (gone.exit_code, gone.stdout) == (1, "")
    assert f"{key} is not there; `tdnet verify" in gone.stderr


def test_what_the_lake_does_not_have_is_said_with_what_it_has(tdnet, pipeline, stored):
    number, _ = stored
    documents = pipeline.table("documents", DAY)
    failed = documents.with_columns(
        status=pl.lit("failed"), error=pl.lit("404 Not Found"), sha256=pl.lit(None, pl.String)
    ).filter(pl.col("disclosure_id") == number, pl.col("kind") == "pdf")
    pipeline.lake.write_table("documents", DAY, failed, {})

    unknown = tdnet("open", "20260610999999")
    other = tdnet("open", number, "--kind", "xbrl")
    not_stored = tdnet("open", number)
    wrong = tdnet("open", "7203")

    assert [done.exit_code for done in (unknown, other, not_stored, wrong)] == [1, 1, 1, 2]
    assert "the lake knows of no file at all of 20260610999999, not of its pdf" in unknown.stderr
    assert f"the lake knows of pdf of {number}, not of its xbrl" in other.stderr
    assert f"the pdf of {number} is failed: 404 Not Found" in not_stored.stderr
    assert "'7203' is not a disclosure number: it has 14 digits" in wrong.stderr
