import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.xbrl import transforms
from tdnet_assets.tdnet.xbrl.transforms import TransformError, transform

REGISTRIES = {
    year: f"http://www.xbrl.org/inlineXBRL/transformation/{day}"
    for year, day in {
        2010: "2010-04-20",
        2011: "2011-07-31",
        2015: "2015-02-26",
        2020: "2020-02-12",
        2022: "2022-02-16",
    }.items()
}
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.mark.parametrize(
    ("year", "name", "printed", "canonical"),
    [
        (2010, "numcommadot", "1,234.5", "1234.5"),
        (2010, "numdotcomma", "1.234,5", "1234.5"),
        (2010, "numspacecomma", "1 234,5", "1234.5"),
        (2010, "numdash", "-", "0"),
        (2010, "datelongus", "August 7, 2025", "2025-08-07"),
        (2010, "dateslasheu", "7/8/25", "2025-08-07"),
        (2011, "numdotdecimal", " 1,234\N{NO-BREAK SPACE}567.80\n", "1234567.80"),
        (2011, "numcommadecimal", "1.234,5", "1234.5"),
        (2011, "numunitdecimal", "1,234円5銭", "1234.05"),
        (2011, "numunitdecimal", "１２円５０銭", "12.50"),
        (2011, "zerodash", "－", "0"),
        (2011, "zerodash", "—", "0"),
        (2011, "nocontent", "－", ""),
        (2011, "booleantrue", "", "true"),
        (2011, "booleanfalse", "無", "false"),
        (2011, "dateyearmonthdaycjk", "2025年８月７日", "2025-08-07"),
        (2011, "dateyearmonthdaycjk", "２０２５　年 12月 31 日", "2025-12-31"),
        (2011, "dateyearmonthdaycjk", "令和８年２月13日", "2026-02-13"),
        (2011, "dateyearmonthcjk", "25年8月", "2025-08"),
        (2011, "dateerayearmonthdayjp", "令和元年５月１日", "2019-05-01"),
        (2011, "dateerayearmonthdayjp", "平成31年4月30日", "2019-04-30"),
        (2011, "dateerayearmonthdayjp", "平成元年1月8日", "1989-01-08"),
        (2011, "dateerayearmonthdayjp", "昭和６４年１月７日", "1989-01-07"),
        (2011, "dateerayearmonthdayjp", "㍻30年3月31日", "2018-03-31"),
        (2011, "dateerayearmonthjp", "令8年3月", "2026-03"),
        (2011, "datemonthday", "8/7", "--08-07"),
        (2011, "datemonthday", "2/29", "--02-29"),
        (2011, "datedaymonthyearen", "7th of August 2025", "2025-08-07"),
        (2015, "dateyearmonthday", "2025.8.7", "2025-08-07"),
        (2015, "datemonthyear", "8/2025", "2025-08"),
        (2020, "num-dot-decimal", "12,34.5", "1234.5"),
        (2020, "num-dot-decimal", ".5", "0.5"),
        (2020, "num-comma-decimal", "1.234,5", "1234.5"),
        (2020, "fixed-zero", "なし", "0"),
        (2020, "fixed-empty", "－", ""),
        (2020, "fixed-true", "○", "true"),
        (2020, "date-jpn-era-year-month-day", "令和7年8月7日", "2025-08-07"),
        (2020, "date-year-month-day", "2025/08/07", "2025-08-07"),
        (2020, "date-monthname-day-year-en", "Aug 7, 2025", "2025-08-07"),
        (2022, "num-dot-decimal-apos", "1'234.5", "1234.5"),
    ],
)
def test_what_is_printed_becomes_its_canonical_text(year, name, printed, canonical):
    assert transform(REGISTRIES[year], name)(printed) == canonical


PRINTED = {
    ("7/8/2025", "2025-08-07"): "dateslasheu datedoteu datedaymonthyear date-day-month-year",
    ("8/7/2025", "2025-08-07"): "dateslashus datedotus datemonthdayyear date-month-day-year",
    ("2025/8/7", "2025-08-07"): "dateyearmonthday date-year-month-day",
    ("7 August 2025", "2025-08-07"): "datelonguk dateshortuk datedaymonthyearen "
    "date-day-monthname-year-en",
    ("August 7, 2025", "2025-08-07"): "datelongus dateshortus datemonthdayyearen "
    "date-monthname-day-year-en",
    ("7/8", "--08-07"): "dateslashdaymontheu datedaymonth date-day-month",
    ("8/7", "--08-07"): "dateslashmonthdayus datemonthday date-month-day",
    ("7 August", "--08-07"): "datelongdaymonthuk dateshortdaymonthuk datedaymonthen "
    "date-day-monthname-en",
    ("August 7", "--08-07"): "datelongmonthdayus dateshortmonthdayus datemonthdayen "
    "date-monthname-day-en",
    ("8/2025", "2025-08"): "datemonthyear date-month-year",
    ("2025/8", "2025-08"): "date-year-month",
    ("August 2025", "2025-08"): "datelongmonthyear dateshortmonthyear datemonthyearen "
    "date-monthname-year-en",
    ("2025 August", "2025-08"): "datelongyearmonth dateshortyearmonth dateyearmonthen "
    "date-year-monthname-en",
    ("令和7年8月7日", "2025-08-07"): "dateerayearmonthdayjp dateyearmonthdaycjk "
    "date-jpn-era-year-month-day",
    ("令和7年8月", "2025-08"): "dateerayearmonthjp dateyearmonthcjk date-jpn-era-year-month",
    ("1,234.5", "1234.5"): "numcommadot numspacedot numdotdecimal num-dot-decimal "
    "num-dot-decimal-apos",
    ("1.234,5", "1234.5"): "numdotcomma numspacecomma numcomma numcommadecimal num-comma-decimal "
    "num-comma-decimal-apos",
    ("12円50銭", "12.50"): "numunitdecimal num-unit-decimal num-unit-decimal-apos",
    ("－", "0"): "numdash zerodash fixed-zero",
    ("有", "true"): "booleantrue fixed-true",
    ("無", "false"): "booleanfalse fixed-false",
    ("―", ""): "nocontent fixed-empty",
}


def test_every_transform_of_every_registry_reads_what_its_name_says():
    read = {
        name: (found(printed), canonical)
        for (printed, canonical), names in PRINTED.items()
        for name in names.split()
        for found in [_in_any_registry(name)]
    }

    assert {name for name, (value, wanted) in read.items() if value != wanted} == set()
    assert read.keys() == {name for names in transforms.REGISTRIES.values() for name in names}


def _in_any_registry(name):
    (found,) = {known[name] for known in transforms.REGISTRIES.values() if name in known}
    return found


@pytest.mark.parametrize(
    ("year", "name", "printed"),
    [
        (2011, "numdotdecimal", "1.234,5"),
        (2011, "numdotdecimal", "12,34.5"),
        (2011, "numdotdecimal", "△5"),
        (2011, "numdotdecimal", "－"),
        (2011, "numdotdecimal", ""),
        (2011, "numcommadecimal", "1,234.5"),
        (2011, "numunitdecimal", "12"),
        (2011, "zerodash", "0"),
        (2011, "dateyearmonthdaycjk", "2025年2月29日"),
        (2011, "dateyearmonthdaycjk", "2025年8月"),
        (2011, "dateyearmonthcjk", "2025年8月7日"),
        (2011, "dateyearmonthdaycjk", "元年8月7日"),
        (2011, "dateerayearmonthdayjp", "弘化3年8月7日"),
        (2011, "datemonthday", "13/7"),
        (2011, "datedaymonthyearen", "7 " * 1_000_000),
        (2011, "datedaymonthen", "1 " + "jan " * 1_000_000 + "9"),
        (2020, "num-dot-decimal", "1.2.3"),
    ],
)
def test_a_text_of_another_form_is_refused(year, name, printed):
    with pytest.raises(TransformError, match="is printed where"):
        transform(REGISTRIES[year], name)(printed)


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        (REGISTRIES[2011], "num-dot-decimal"),
        (REGISTRIES[2020], "numdotdecimal"),
        (REGISTRIES[2010], "booleantrue"),
        ("http://www.xbrl.org/inlineXBRL/transformation/2031-01-01", "numdotdecimal"),
        ("", ""),
    ],
)
def test_an_unknown_transform_is_refused_and_never_passed_through(registry, name):
    with pytest.raises(TransformError, match="is unknown"):
        transform(registry, name)


@given(st.dates(dt.date(1989, 1, 8), dt.date(2050, 12, 31)), st.booleans())
def test_a_date_comes_back_from_both_calendars_in_any_digits(day, full_width):
    era, start = ("平成", 1988) if day < dt.date(2019, 5, 1) else ("令和", 2018)
    printed = [
        f"{day.year}年{day.month}月{day.day}日",
        f"{era}{day.year - start}年{day.month}月{day.day}日",
    ]
    if full_width:
        printed = [text.translate(FULL_WIDTH) for text in printed]
    read = transform(REGISTRIES[2011], "dateyearmonthdaycjk")
    assert [read(text) for text in printed] == [day.isoformat()] * 2
