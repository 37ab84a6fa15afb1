"""The pages in a real browser: both languages and widths, a silent console, keys, and axe-core."""

import pytest

from tdnet_assets_tests.e2e.browser import opened_browser
from tdnet_assets_tests.e2e.dagster_ui import eventually
from tdnet_assets_tests.reader.accessibility import axe_source, serious_faults
from tdnet_assets_tests.reader.tour import LANGUAGES, NARROW, WIDE, in_language, served, stops

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def address(collected):
    with served(collected.config) as found:
        yield found


@pytest.fixture
def page(chromium, profile):
    with opened_browser(chromium, profile) as opened:
        yield opened


def test_every_page_is_seen_whole_in_both_languages_on_a_desk_and_on_a_phone(
    page, address, collected
):
    for stop in stops(address, collected.days):
        for width, height in (WIDE, NARROW):
            page.size(width, height)
            for place, language in enumerate(LANGUAGES):
                page.load(address + in_language(stop, language))
                seen = page.wait_for(stop.seen[place], seconds=20)
                assert ("再配布" in seen) == (language == "ja"), stop
                assert page.complaints() == [], stop
                # Nothing is cut off, and nothing makes the page wider than the screen.
                assert page.evaluate("document.documentElement.scrollWidth") <= width, stop
                assert page.evaluate("document.documentElement.lang") == language


def test_a_person_filters_searches_and_opens_a_document(page, address, collected):
    page.size(*WIDE)
    page.load(f"{address}/?lang=ja")
    page.evaluate(
        "document.getElementById('category').value = 'earnings';"
        "document.querySelector('.filters button').click()"
    )
    page.wait_for("60件中", seconds=20)
    assert page.evaluate("new URL(location).searchParams.get('category')") == "earnings"
    page.evaluate("document.querySelector('td.title a').click()")
    page.wait_for("本文", "この文書は見本です", seconds=20)
    drawn = "(() => { const i = document.querySelector('.sheet img'); return i.naturalWidth })()"
    assert eventually(lambda: page.evaluate(drawn) or None, seconds=30) == 1100
    page.evaluate(
        "document.getElementById('find').value = '見本です';"
        "document.querySelector('.find').submit()"
    )
    page.wait_for("PDF 1", "この文書は見本です", seconds=30)
    assert page.evaluate("document.querySelectorAll('.found mark').length") > 0


def test_a_whole_day_looks_other_than_one_that_is_not_or_is_not_there(page, address, collected):
    page.size(*WIDE)
    stops(address, collected.days)  # waits for the first look at the days
    page.load(f"{address}/?lang=en")
    marks = {
        kind: page.evaluate(
            f"(() => {{ const s = getComputedStyle(document.querySelector('.strip .{kind} .mark'));"
            " return s.backgroundColor + s.backgroundImage + s.borderTopStyle })()"
        )
        for kind in ("whole", "not_whole", "not_yet")
    }

    assert len(set(marks.values())) == 3, marks


def test_a_chart_can_be_read_as_a_table_and_with_the_pointer(page, address):
    page.size(*WIDE)
    page.load(f"{address}/companies/86990?lang=ja")
    page.evaluate("document.querySelector('.charts summary').click()")

    table = page.evaluate("document.querySelector('.charts table').innerText")
    hint = page.evaluate("document.querySelector('.charts .year title').textContent")
    whole = page.evaluate("document.querySelector('.tiles .big span').title")

    assert "2025/03" in table
    assert "実績" in hint
    assert whole.endswith("円")
    assert "," in whole


def test_the_keyboard_alone_reaches_the_content_and_the_search(page, address):
    page.size(*WIDE)
    page.load(f"{address}/?lang=en")
    page.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    page.press("/")
    assert page.evaluate("document.activeElement.id") == "find"


def test_axe_core_finds_no_serious_fault_in_light_and_dark(
    page, address, collected, pytestconfig, tmp_path
):
    source = axe_source(pytestconfig.cache.mkdir("axe-core"), tmp_path)
    for stop in stops(address, collected.days):
        for size, dark in ((WIDE, False), (NARROW, True)):
            page.size(*size, dark=dark)
            page.load(address + in_language(stop, "ja"))
            assert serious_faults(page, source) == [], (stop, dark)
