"""How much of the lake is opened for what other days say of a day's reports."""

import re
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from benchmarks.aws_proxy import proxy
from tdnet_assets.assets.related_reports import (
    earlier_forecasts,
    of_day,
    reports_of_their_periods,
)
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables.report_figures import REPORT_FIGURES_COPY, REPORT_FIGURES_TABLE
from tdnet_assets.tdnet.listing import TOKYO

LAST = date(2026, 5, 29)
CODES = [f"{number}0" for number in range(1300, 1320)]


def _figure(day, code, kind, **changes):
    return dict.fromkeys(REPORT_FIGURES_TABLE.schema) | {
        "disclosure_id": f"{day:%Y%m%d}00{code}",
        "code": code,
        "published_at": datetime.combine(day, time(15), TOKYO),
        "is_correction": False,
        "standard": "jp",
        "period_end": day - timedelta(days=40),
        "item": "FY",
        "kind": kind,
        **changes,
    }


def _figures(day, **changes):
    return REPORT_FIGURES_TABLE.frame(
        _figure(day, code, kind, **changes) for code in CODES for kind in ("report", "forecast")
    )


@pytest.fixture
def opened(platform, aws_endpoint):
    """What a look at other days finds, and the objects that it opens."""

    def look(ask, day):
        targets = []

        def passed(request, send):
            targets.append(unquote(request.target))
            return send()

        with proxy(aws_endpoint, passed) as address:
            through = LakeResource(config=platform.changed(aws_endpoint_url=address))
            found = ask(SimpleNamespace(date=day, lake=through, recalled={}))
        names = {re.search(r"[^/]+/[a-z]+=[^/]+(?=/data\.parquet)", one) for one in targets}
        return found, sorted({name[0] for name in names if name})

    return look


@pytest.mark.slow
def test_what_a_day_opens_is_the_same_however_large_the_lake_is(platform, opened):
    lake = LakeResource(config=platform)
    days = [LAST - timedelta(days=7 * week) for week in range(156)]
    for day in days:
        lake.write_table(REPORT_FIGURES_TABLE.name, day, _figures(day), {})
    for year in range(2023, 2027):
        yearly_copy(lake, REPORT_FIGURES_COPY).bring_up_to_date(year)
    new = days[1]
    lake.write_table(REPORT_FIGURES_TABLE.name, new, _figures(new, standard="ifrs"), {})
    copy, own = REPORT_FIGURES_COPY.name, f"{REPORT_FIGURES_TABLE.name}/date={new}"

    def links(reports):
        return opened(lambda day: reports_of_their_periods(day, of_day(day, reports)), LAST)

    end = LAST - timedelta(days=90)
    found, objects = links(_figures(LAST, period_end=end))
    assert objects == [own, f"{copy}/year=2026"]
    assert found.height == len(CODES) * sum(end <= day < LAST for day in days)

    found, objects = opened(lambda day: earlier_forecasts(day, CODES[:3]), LAST)
    assert objects == [own, f"{copy}/year=2025", f"{copy}/year=2026"]
    assert found.height == 3 * sum(LAST - timedelta(days=230) <= day < LAST for day in days)

    # A correction of an old report opens the copies of that report's time too, and no day of it.
    old = date(2023, 7, 1)
    found, objects = links(_figures(LAST, period_end=old))
    assert objects == [own, *(f"{copy}/year={year}" for year in range(2023, 2027))]
    age = timedelta(days=400)
    near = [old <= day <= old + age or LAST - age <= day for day in days[1:]]
    assert found.height == len(CODES) * sum(near)
