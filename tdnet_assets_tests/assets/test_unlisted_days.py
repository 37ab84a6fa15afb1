"""A day whose list could not be read is no progress, whatever was made of what is stored."""

from datetime import date

import pytest

DAY, NEXT_DAY = date(2026, 6, 10), date(2026, 6, 11)
FAULTS = ("bare_page", "wrong_charset", "html_instead", "close")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_that_read_no_list_ends_at_0_percent(site, pipeline, fault):
    site.set_day(DAY, 12)
    getattr(site.faults, fault)("I_list_001")

    record = pipeline.record(pipeline.materialize(DAY))

    assert (record.status, record.progress, record.total_count) == ("failed", 0, 0)


@pytest.mark.slow
def test_only_the_days_that_were_listed_are_progress(site, pipeline):
    for day in (DAY, NEXT_DAY):
        site.set_day(day, 12)
    site.faults.wrong_charset("I_list_001_20260611")

    record = pipeline.record(pipeline.materialize(DAY, NEXT_DAY))

    assert (record.status, record.progress, record.total_count) == ("failed", 50, 12)
