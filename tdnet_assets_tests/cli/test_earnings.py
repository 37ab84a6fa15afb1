"""``tdnet earnings`` and ``tdnet revisions``: what is found, in each form."""

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from click.testing import CliRunner

from tdnet_assets import catalog
from tdnet_assets.cli.main import main
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tables.earnings import EARNINGS_VIEW
from tdnet_assets.tables.earnings_summary import EARNINGS_SUMMARY_VIEW
from tdnet_assets.tables.recipes import COLLECTION, names
from tdnet_assets_tests.commands import variables
from tdnet_assets_tests.conftest import NOW, new_platform
from tdnet_assets_tests.pipeline import Pipeline

DAY = date(2026, 5, 14)
REPORTS = ["financial_facts", "forecast_revisions", "earnings", "report_figures", "report_links"]


@pytest.fixture
def tdnet(made):
    """Invokes the command in this process, led to the made days."""

    def invoke(*arguments):
        environment = variables(made.config)
        result = CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        return result

    return invoke


@pytest.fixture(scope="module")
def made(aws_endpoint, instance, tmp_path_factory):
    """A day with reports and revisions, and the day before it: only read here, so made once."""
    site = SampleSite(clock=lambda: NOW)
    for day in (DAY - timedelta(days=1), DAY):
        site.set_day(day, 60)
    with serve(site) as base_url:
        config = new_platform(aws_endpoint, base_url, tmp_path_factory.mktemp("made"))
        pipeline = Pipeline(config, instance)
        pipeline.materialize(DAY - timedelta(days=1), DAY, select=[*names(COLLECTION), *REPORTS])
        yield pipeline


def test_reports_of_a_day_a_company_and_a_range_are_found_in_every_form(tdnet, made):
    stored = made.table("earnings", DAY)
    first = stored.row(0, named=True)
    of_day = ("--from", str(DAY), "--to", str(DAY))

    rows = json.loads(tdnet("earnings", *of_day, "--format", "json").stdout)
    assert [row["disclosure_id"] for row in rows] == stored["disclosure_id"].to_list()
    assert list(rows[0]) == ["date", *EARNINGS_SUMMARY_VIEW.schema]
    assert Decimal(rows[0]["net_income"]) == first["net_income"]
    assert rows[0]["is_current"] is True

    both = tdnet("earnings", "--format", "csv").stdout
    before = made.table("earnings", DAY - timedelta(days=1))
    found = list(csv.DictReader(io.StringIO(both)))
    assert [row["disclosure_id"] for row in found] == [
        *before["disclosure_id"],
        *stored["disclosure_id"],
    ]

    company = ("--code", first["code"], *of_day)
    wide = tdnet("earnings", *company, "--all", "--format", "parquet").stdout_bytes
    whole = pl.read_parquet(wide)
    assert whole.columns == ["date", *EARNINGS_VIEW.schema]
    assert set(whole["code"]) == {first["code"]}

    long = json.loads(tdnet("earnings", *company, "--long", "--format", "json").stdout)
    figures = catalog.scan_earnings_figures(
        config=made.config, code=first["code"], first=DAY, last=DAY
    )
    assert len(long) == figures.collect().height > 20
    (net,) = (
        row
        for row in long
        if (row["disclosure_id"], row["item"], row["period"], row["kind"])
        == (first["disclosure_id"], "net_income", "current", "result")
    )
    assert Decimal(net["value"]) == first["net_income"]

    against = json.loads(tdnet("earnings", *company, "--surprises", "--format", "json").stdout)
    (net,) = (
        row
        for row in against
        if (row["disclosure_id"], row["item"]) == (first["disclosure_id"], "net_income")
    )
    assert (Decimal(net["value"]), net["date"]) == (first["net_income"], str(DAY))


def test_revisions_are_found_as_they_are_stored(tdnet, made):
    stored = made.table("forecast_revisions", DAY)
    of_day = ("--from", str(DAY), "--to", str(DAY))

    rows = json.loads(tdnet("revisions", *of_day, "--format", "json").stdout)

    assert len(rows) == stored.height > 0
    assert {row["disclosure_id"] for row in rows} == set(stored["disclosure_id"])
    code = stored["code"][0]
    of_company = json.loads(tdnet("revisions", "--code", code, *of_day, "--format", "json").stdout)
    assert len(of_company) == stored.filter(code=code).height
    newest = json.loads(tdnet("revisions", "--limit", "1", "--format", "json").stdout)
    assert [row["disclosed_at"] for row in newest] == [stored["disclosed_at"].max().isoformat()]


def test_a_table_shows_the_main_columns(tdnet, made):
    number = made.table("earnings", DAY)["disclosure_id"][0]

    for form in ((), ("--all",), ("--long",), ("--surprises",)):
        said = tdnet("earnings", *form).stdout
        assert number in said
        assert "dividend_year_end" not in said.splitlines()[1]
    assert "change_rate" in tdnet("revisions").stdout
