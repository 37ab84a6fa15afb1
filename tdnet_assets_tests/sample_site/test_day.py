import datetime as dt
import hashlib
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from tdnet_assets.sample_site.business_days import is_business_day, natural_size
from tdnet_assets.sample_site.companies import companies, company_of
from tdnet_assets.sample_site.day import (
    LARGEST_DAY,
    SampleRow,
    days_that_may_show,
    draw_rows,
    list_order,
    living_day,
    planned_day,
)
from tdnet_assets.sample_site.linked_files import filing
from tdnet_assets.sample_site.page import list_page
from tdnet_assets.sample_site.periods import Period, forecast_year, reported_period
from tdnet_assets.tdnet.listing import TOKYO

DAY = dt.date(2026, 2, 13)


def rows_of(day: dt.date, size: int, seed: int = 0) -> list[SampleRow]:
    return [plan.row for plan in planned_day(day, size, seed, changes=False).values()]


def digest() -> str:
    rows = rows_of(DAY, 300)
    sha256 = hashlib.sha256(b"".join(list_page(DAY, page, rows) for page in (1, 2, 3)))
    for row in [row for row in rows if row.xbrl_name][:20]:
        sha256.update(filing(row, DAY, row.pdf_name, pdf_bytes=None))
        sha256.update(filing(row, DAY, row.xbrl_name or "", pdf_bytes=None))
    sha256.update(filing(rows[0], DAY, rows[0].pdf_name, pdf_bytes=50_000))
    return sha256.hexdigest()


def test_pages_and_files_are_the_same_bytes_in_another_process():
    code = "from tdnet_assets_tests.sample_site.test_day import digest; print(digest())"
    other = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "12345", "PYTHONPATH": ":".join(sys.path)},
    )
    assert other.stdout.strip() == digest()


def test_another_seed_gives_another_day():
    assert rows_of(DAY, 50) == rows_of(DAY, 50)
    assert rows_of(DAY, 50) != rows_of(DAY, 50, seed=1)


@pytest.mark.parametrize("size", [0, 1, 99, 2694, LARGEST_DAY])
def test_a_day_has_exactly_the_size_that_was_asked_for(size: int):
    assert len(rows_of(DAY, size)) == size


def test_a_day_beyond_its_serial_numbers_is_refused():
    with pytest.raises(ValueError, match="0 to 6000 disclosures, not 6001"):
        planned_day(DAY, LARGEST_DAY + 1, 0, changes=False)


def test_rows_are_ordered_by_time_descending_then_code_ascending():
    rows = rows_of(DAY, 2694)
    assert rows == sorted(rows, key=list_order)
    keys = [(row.time, row.code) for row in rows]
    assert all(a[0] > b[0] or (a[0] == b[0] and a[1] <= b[1]) for a, b in pairwise(keys))


@pytest.mark.slow
def test_ids_are_unique_across_neighbouring_days_of_the_largest_size():
    days = [DAY + dt.timedelta(days=days) for days in (0, 1, 29, 30)]
    ids = [row.disclosure_id for day in days for row in rows_of(day, LARGEST_DAY)]
    assert len(set(ids)) == 4 * LARGEST_DAY
    assert all(re.fullmatch(r"20\d{6}[45]\d{5}", disclosure_id) for disclosure_id in ids)


def test_some_disclosures_were_registered_earlier_and_none_later():
    days = [
        (
            DAY - dt.datetime.strptime(row.disclosure_id[:8], "%Y%m%d").replace(tzinfo=TOKYO).date()
        ).days
        for row in rows_of(DAY, 2694)
    ]
    assert 0.35 < sum(lag > 0 for lag in days) / 2694 < 0.5
    assert 0.02 < sum(lag > 7 for lag in days) / 2694 < 0.08
    assert min(days) == 0
    assert max(days) <= 30


def test_a_disclosure_can_be_found_from_the_date_in_its_id():
    assert all(DAY in days_that_may_show(row.disclosure_id) for row in rows_of(DAY, 1000))


def test_half_past_three_is_the_peak_and_night_hours_occur():
    rows = rows_of(DAY, LARGEST_DAY)
    times = Counter(row.time for row in rows)
    assert 0.37 < times["15:30"] / LARGEST_DAY < 0.45
    assert 0.12 < times["16:00"] / LARGEST_DAY < 0.18
    assert 0.002 < sum(int(row.time[3:]) % 5 != 0 for row in rows) / LARGEST_DAY < 0.015
    assert {row.time[:2] for row in rows} >= {"00", "07", "09", "12", "19", "23"}
    assert all(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", row.time) for row in rows)


def test_codes_with_letters_codes_ending_in_four_and_twin_codes_occur():
    codes = {row.code for row in rows_of(DAY, LARGEST_DAY)}
    assert all(re.fullmatch(r"[0-9][0-9A-Z][0-9][0-9A-Z][0-9]", code) for code in codes)
    assert sum(not code.isdecimal() for code in codes) > 50
    assert sum(code.endswith("4") for code in codes) > 20
    assert {"15570", "15574", "585A0", "585A4", "141A0"} <= codes
    assert company_of("15570").name != company_of("15574").name
    assert company_of("585A0").name != company_of("585A4").name


def test_names_fit_the_list_and_carry_market_prefixes():
    names = {company.short_name for company in companies()}
    assert max(len(name) for name in names) <= 10
    prefixes = {name[0] for name in names if name[1] == "－"}
    assert prefixes == {"Ｇ", "Ｐ", "Ｒ", "Ｅ", "Ｎ"}


def test_an_unlisted_code_gets_a_company_of_its_own():
    assert company_of("72030").code == "72030"
    assert company_of("72030") == company_of("72030")


def test_earnings_reports_have_archives_and_fund_notices_have_none():
    rows = rows_of(DAY, 2694)
    for row in rows:
        company = company_of(row.code)
        if company.kind != "company":
            assert row.xbrl_name is None
        elif "決算短信" in row.title:
            assert row.xbrl_name == f"0812{row.disclosure_id}.zip"
    assert any(company_of(row.code).kind == "etf" and "決算短信" in row.title for row in rows)


def test_most_but_not_all_revisions_have_archives():
    rows = [row for row in rows_of(DAY, 2694) if "予想の修正" in row.title]
    with_archive = [row for row in rows if row.xbrl_name == f"0912{row.disclosure_id}.zip"]
    assert 0.75 < len(with_archive) / len(rows) < 0.95


def test_titles_keep_the_oddities_of_real_ones():
    titles = {row.title for row in rows_of(DAY, LARGEST_DAY)}
    assert any(title.endswith("　") for title in titles)
    assert any("  " in title for title in titles)
    assert any("&" in title for title in titles)
    assert any("訂正・数値データ訂正" in title for title in titles)
    assert any(re.search("[０-９]{4}年", title) for title in titles)
    assert any(re.search("[0-9]{4}年", title) for title in titles)
    assert any(title.startswith("令和") for title in titles)


def test_some_rows_of_a_natural_day_are_changed_later_and_not_before():
    plans = list(planned_day(DAY, 2694, 0, changes=True).values())
    changed = [plan for plan in plans if plan.changed]
    states = Counter(plan.changed.state for plan in changed if plan.changed)
    assert 5 < states["deleted"] < 25
    assert 8 < states["retitled"] < 40
    for plan in changed:
        assert plan.changed_at is not None
        assert plan.changed is not None
        assert plan.changed_at.date() >= DAY
        assert plan.at(plan.changed_at - dt.timedelta(seconds=1)) == plan.row
        assert plan.at(plan.changed_at) == plan.changed
        assert plan.changed.history.startswith(f"{plan.changed_at:%Y/%m/%d %H:%M} ")
        if plan.changed.state == "retitled":
            assert plan.changed.previous_title == plan.row.title != plan.changed.title


def test_added_rows_have_new_ids_the_asked_time_and_code():
    ids = {row.disclosure_id for row in rows_of(DAY, 100)}
    added = draw_rows(DAY, 5, 0, position=100, time="10:05", code="141A0")
    assert {(row.time, row.code) for row in added} == {("10:05", "141A0")}
    assert ids.isdisjoint(row.disclosure_id for row in added)


@pytest.mark.parametrize(
    "day",
    [
        dt.date(2026, 2, 14),  # a Saturday
        dt.date(2026, 2, 15),  # a Sunday
        dt.date(2026, 5, 6),  # a substitute holiday
        dt.date(2026, 9, 22),  # between two holidays
        dt.date(2027, 3, 22),  # substitute of the equinox
        dt.date(2026, 12, 31),  # the exchange is closed
        dt.date(2028, 1, 3),
    ],
)
def test_weekends_holidays_and_the_year_end_are_empty(day: dt.date):
    assert not is_business_day(day)
    assert natural_size(day, 0) == 0


def test_business_days_have_sixty_to_three_hundred_and_twenty_disclosures():
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=days) for days in range(365)]
    sizes = [natural_size(day, 0) for day in days if is_business_day(day)]
    assert 60 <= min(sizes) < 70
    assert 270 < max(sizes) <= 320
    assert 238 <= len(sizes) <= 248


@pytest.mark.parametrize(
    ("fiscal_month", "day", "year_end", "quarter"),
    [
        (3, dt.date(2026, 2, 13), dt.date(2026, 3, 31), 3),
        (3, dt.date(2026, 5, 14), dt.date(2026, 3, 31), 4),
        (3, dt.date(2026, 8, 7), dt.date(2027, 3, 31), 1),
        (12, dt.date(2026, 2, 13), dt.date(2025, 12, 31), 4),
        (2, dt.date(2026, 4, 10), dt.date(2026, 2, 28), 4),
        (2, dt.date(2028, 4, 10), dt.date(2028, 2, 29), 4),
        (9, dt.date(2026, 5, 14), dt.date(2026, 9, 30), 2),
    ],
)
def test_the_reported_period_is_the_last_closed_quarter(
    fiscal_month: int, day: dt.date, year_end: dt.date, quarter: int
):
    assert reported_period(fiscal_month, day) == Period(year_end, quarter)


def test_a_year_that_has_just_ended_is_still_forecast():
    assert forecast_year(3, dt.date(2026, 4, 20)).end == dt.date(2026, 3, 31)
    assert forecast_year(3, dt.date(2026, 6, 10)).end == dt.date(2027, 3, 31)


@pytest.mark.parametrize("size", [180, 2694])
def test_a_living_day_has_the_shape_of_an_operating_day(size: int):
    plans = list(living_day(DAY, size, 0).values())
    assert [plan.row for plan in plans] == sorted((plan.row for plan in plans), key=list_order)
    assert len({plan.row.disclosure_id for plan in plans}) == len(plans) == size
    times = Counter(plan.row.time for plan in plans)
    assert times["15:30"] / size == pytest.approx(0.41, abs=0.05)
    assert times["16:00"] / size == pytest.approx(0.15, abs=0.05)
    assert all("07:00" <= time <= "20:05" or time >= "23:30" for time in times)
    assert any(time >= "23:30" for time in times)


@pytest.mark.parametrize("size", [180, 2694])
def test_on_a_living_day_rows_come_late_and_are_retitled_and_deleted_before_it_ends(size: int):
    plans = living_day(DAY, size, 0).values()
    late = [plan for plan in plans if plan.appears_at]
    changed = [plan for plan in plans if plan.changed]
    kinds = Counter(plan.changed.state for plan in changed if plan.changed)
    least = max(2, round(size * 0.008))
    assert len(late) >= 2
    assert kinds == {"retitled": least, "deleted": least}
    for plan in late:
        assert plan.appears_at is not None
        assert plan.row.time < f"{plan.appears_at:%H:%M}"
    for plan in changed:
        assert plan.changed_at is not None
        assert plan.changed_at.date() == DAY
        assert plan.row.time < f"{plan.changed_at:%H:%M}"
    assert living_day(DAY, size, 0) == living_day(DAY, size, 0) != living_day(DAY, size, 1)
