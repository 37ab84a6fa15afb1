"""``tdnet company``: what a person reads first of a company."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner

from benchmarks.aws_proxy import proxy
from benchmarks.years import Traffic
from tdnet_assets.cli.main import main
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.earnings import EARNINGS_TABLE
from tdnet_assets.tables.forecast_revisions import REVISIONS_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import variables
from tdnet_assets_tests.lake_days import disclosure, put_day

INTERIM, REVISED, FULL = date(2025, 11, 10), date(2026, 2, 3), date(2026, 5, 12)
YEAR_END = date(2026, 3, 31)


@pytest.fixture
def company(platform):
    def invoke(code):
        return CliRunner().invoke(
            main, ["company", code], env=variables(platform), catch_exceptions=False
        )

    return invoke


@pytest.fixture
def lake(platform):
    return LakeResource(config=platform)


def _at(day):
    return datetime(day.year, day.month, day.day, 15, 0, tzinfo=TOKYO)


def _put(lake, table, day, **values):
    row = dict.fromkeys(table.schema) | {
        "disclosure_id": f"{day:%Y%m%d}000001",
        "code": "72030",
        "disclosed_at": _at(day),
        "consolidation": "Consolidated",
        "fiscal_year_end": YEAR_END,
    }
    lake.write_table(table.name, day, table.frame([row | values]), {})
    kind = "revision" if table is REVISIONS_TABLE else "earnings"
    listed = {"disclosed_at": _at(day), "title": "決算短信", "xbrl_url": "x.zip", "xbrl_kind": kind}
    put_day(lake, day, [disclosure(day, 1, code="72030", **listed)])


@pytest.fixture
def interim(lake):
    _put(
        lake,
        EARNINGS_TABLE,
        INTERIM,
        title="第２四半期決算短信",
        standard="ifrs",
        period="Q2",
        period_end=date(2025, 9, 30),
        this_year_end=YEAR_END,
        revenue=Decimal(450),
        revenue_change=Decimal("-0.019"),
        this_year_revenue_forecast=Decimal(1000),
        eps=Decimal("178.50"),
        net_income=Decimal(-5),
        this_year_net_income_forecast=Decimal(-20),
    )


def _lines(result):
    assert result.exit_code == 0, result.stderr
    return [line.split() for line in result.stdout.splitlines() if line]


@pytest.mark.usefixtures("interim")
def test_an_interim_result_stands_beside_the_year_s_forecast(company):
    name, report, period, head, revenue, income, eps, *listed = _lines(company("７２０３"))

    assert name == ["72030", "Ｇ－見本商事", "東"]
    assert report == ["2025-11-10", "15:00", "第２四半期決算短信"]
    assert period[0] == "Q2"
    assert period[-1] == "20251110000001"
    assert head == ["result", "on", "the", "year", "year's", "forecast", "reached"]
    assert revenue == ["revenue", "450", "-1.9%", "1,000", "45%"]
    assert income == ["net_income", "-5", "-20"]
    assert eps == ["eps", "178.5"]
    assert listed[-1][-1] == "20251110000001"


@pytest.mark.usefixtures("interim")
def test_a_year_s_result_is_held_against_the_last_forecast_before_it(lake, company):
    _put(
        lake,
        REVISIONS_TABLE,
        REVISED,
        item="revenue",
        period="full_year",
        period_end=YEAR_END,
        current=Decimal(800),
        is_difference=False,
    )
    _put(
        lake,
        EARNINGS_TABLE,
        FULL,
        title="決算短信",
        standard="ifrs",
        period="FY",
        period_end=YEAR_END,
        next_year_end=date(2027, 3, 31),
        revenue=Decimal(880),
        next_year_revenue_forecast=Decimal(1234567),
    )

    _, _, period, head, revenue, *_ = _lines(company("72030"))

    assert period[0] == "FY"
    assert head[-2:] == ["next", "year"]
    assert revenue == ["revenue", "880", "800", "110%", "1,234,567"]


def test_the_ten_newest_disclosures_are_listed_and_a_company_without_reports_says_so(lake, company):
    for back in range(12):
        day = FULL - timedelta(days=back)
        put_day(lake, day, [disclosure(day, 1, code="141A0")])

    lines = _lines(company("141a"))

    assert lines[1] == ["no", "report", "of", "results", "in", "the", "lake"]
    assert [line[-1][:8] for line in lines[-10:]] == [
        f"{FULL - timedelta(days=back):%Y%m%d}" for back in reversed(range(10))
    ]


def test_of_a_company_that_reports_nothing_older_than_what_is_shown_is_opened(
    lake, platform, aws_endpoint
):
    today = datetime.now(TOKYO).date()
    long_ago = today - timedelta(days=2000)
    _put(lake, EARNINGS_TABLE, long_ago, title="決算短信", period="FY", period_end=YEAR_END)
    for back in range(1, 12):
        day = today - timedelta(days=back)
        put_day(lake, day, [disclosure(day, 1, code="72030")])
    reported = today - timedelta(days=30)
    figures = {"period": "Q1", "period_end": reported, "revenue": Decimal(7)}
    _put(lake, EARNINGS_TABLE, reported, title="第１四半期", **figures)
    traffic = Traffic()

    with proxy(aws_endpoint, traffic.pass_on) as address:
        env = variables(platform.changed(aws_endpoint_url=address))
        lines = _lines(CliRunner().invoke(main, ["company", "72030"], env=env))

    assert lines[1][2] == "第１四半期"
    assert ["revenue", "7"] in lines
    opened = [target for target, _ in traffic.passed if "list-type" not in target]
    assert any(f"date={reported}" in target for target in opened)
    assert not any(f"date={long_ago}" in target for target in opened)


@pytest.mark.usefixtures("interim")
def test_an_unknown_company_is_said_so_with_what_is_like_it(company):
    result = company("7202")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "tdnet: no disclosure of 72020 in these days; there is 72030\n"
