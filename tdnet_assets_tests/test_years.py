"""What is asked of a lake, as it grows by years: the small form of ``benchmarks.years``."""

from datetime import date, timedelta

import pytest

from benchmarks.aws_proxy import proxy
from benchmarks.grown_lake import grow, weekdays
from benchmarks.years import Traffic
from tdnet_assets import catalog
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables import YEARLY_COPIES

DAY = date(2026, 6, 10)
COMPANIES = 200
QUESTIONS = (
    catalog.scan_disclosures,
    catalog.scan_facts,
    catalog.scan_earnings,
    catalog.scan_forecast_revisions,
    catalog.scan_surprises,
)


@pytest.fixture
def requests(platform, aws_endpoint):
    """How many requests each question takes, of a company's last quarter and of a month."""

    def asked(code):
        traffic = Traffic()
        with proxy(aws_endpoint, traffic.pass_on) as address:
            config = platform.changed(aws_endpoint_url=address)
            counts = {}
            for scan in QUESTIONS:
                for days, of in ((90, code), (30, None)):
                    traffic.passed.clear()
                    first = DAY - timedelta(days=days)
                    scan(config=config, first=first, last=DAY, code=of).collect()
                    counts[scan.__name__, of] = len(traffic.passed)
        return counts

    return asked


@pytest.mark.slow
def test_what_is_asked_of_a_company_or_a_month_is_the_same_in_a_lake_of_twice_the_years(
    pipeline, site, requests
):
    site.set_day(DAY, 40)
    pipeline.materialize(DAY)
    code = pipeline.table("earnings", DAY)["code"][0]
    half, whole = DAY - timedelta(days=120), DAY - timedelta(days=240)

    def grown(first, last):
        grow(pipeline.lake, DAY, weekdays(first, last), COMPANIES)
        for year in (2025, 2026):
            for table in YEARLY_COPIES:
                yearly_copy(pipeline.lake, table).bring_up_to_date(year)
        return requests(code)

    small = grown(half, DAY - timedelta(days=1))
    large = grown(whole, half - timedelta(days=1))

    # The larger one begins a year earlier, whose copy is within what is looked back at.
    more = {question: large[question] - small[question] for question in small}
    assert set(more.values()) <= {0, 1}
    assert large["scan_earnings", code] <= 15


@pytest.mark.slow
def test_the_reports_of_a_company_are_read_from_the_copy_and_are_those_of_the_days(
    platform, pipeline, site, aws_endpoint
):
    site.set_day(DAY, 40)
    pipeline.materialize(DAY)
    lake = LakeResource(config=platform)
    grow(lake, DAY, weekdays(DAY - timedelta(days=30), DAY - timedelta(days=1)), COMPANIES)
    code = pipeline.table("earnings", DAY)["code"][0]

    def reports(config=platform):
        found = catalog.scan_earnings(config=config, code=code).collect()
        return found.sort("disclosure_id")

    by_days = reports()
    for table in YEARLY_COPIES:
        yearly_copy(lake, table).bring_up_to_date(2026)

    assert by_days.height > 0
    assert reports().equals(by_days)
    traffic = Traffic()
    with proxy(aws_endpoint, traffic.pass_on) as address:
        reports(platform.changed(aws_endpoint_url=address))
    # Of reports and links: the listing of the days, and the copy, whose footer is 200 KB long.
    assert len(traffic.passed) == 4
