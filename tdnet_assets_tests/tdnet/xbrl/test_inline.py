import datetime as dt
import re
import time
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tdnet_assets.tdnet.errors import FilingError
from tdnet_assets.tdnet.xbrl.facts import ATTACHMENT, SUMMARY, Member
from tdnet_assets.tdnet.xbrl.inline import (
    MAXIMUM_TEXT_CHARACTERS,
    InlineDocument,
    parse_inline,
    read_inline,
)
from tdnet_assets_tests.tdnet.xbrl.inline_documents import (
    DURATION,
    INLINE_11,
    TAXONOMY,
    context,
    document,
    number,
    text,
    unit,
)

NAME = "tse-acedjpsm-581A0-202607143581A0-ixbrl.htm"
NIL = {"n:nil": "true", "format": None}


def read(*contents, part=SUMMARY):
    """The facts of documents of which every cell can be read."""
    facts, unread = reading(*contents, part=part)
    assert unread == []
    return facts


def reading(*contents, part=SUMMARY):
    return read_inline([parse_inline(InlineDocument(NAME, part, one)) for one in contents])


def refused(*contents):
    """The one cell of the documents that cannot be read."""
    _, (unread,) = reading(*contents)
    return unread


def only(body, *args, **kwargs):
    (fact,) = read(document(body, *args, **kwargs))
    return fact


def test_a_number_has_its_element_context_unit_accuracy_and_exact_value():
    fact = only(number("1,234", scale="6", decimals="-6", sign="-"))
    assert (fact.document, fact.part, fact.order) == (NAME, "summary", 1)
    assert (fact.namespace, fact.element) == (TAXONOMY, "NetSales")
    assert (fact.context_id, fact.period_label, fact.period_type) == ("Y", "Y", "duration")
    assert (fact.period_start, fact.period_end) == (dt.date(2025, 4, 1), dt.date(2026, 3, 31))
    assert (fact.unit, fact.decimals, fact.scale) == ("JPY", -6, 6)
    assert (fact.value, fact.text, fact.is_nil) == (Decimal(-1234000000), None, False)


@pytest.mark.parametrize(
    ("printed", "attributes", "value"),
    [
        ("25.2", {"scale": "-2"}, "0.252"),
        ("0.0<br/>", {}, "0.0"),
        ("<span>1,</span><!-- x --><b>234</b>.5", {}, "1234.5"),
        (" 12.345 ", {"scale": "2"}, "1234.5"),
        ("12.345", {"scale": "6"}, "12345000"),
        ("－", {"format": "f:zerodash"}, "0"),
        ("1234", {"format": None}, "1234"),
        ("1,234.50", {"format": None}, "1234.50"),
        ("-7", {"format": None}, "-7"),
        ("1.234,5", {"format": "f:numcommadecimal"}, "1234.5"),
        ("12円50銭", {"format": "f:numunitdecimal"}, "12.50"),
        ("0", {"sign": "-"}, "0"),
    ],
)
def test_a_printed_number_has_one_exact_value(printed, attributes, value):
    assert only(number(printed, **attributes)).value == Decimal(value)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=10**13),
    st.integers(-8, 12),
    st.booleans(),
)
def test_a_number_comes_back_exactly_whatever_the_precision_of_the_caller(value, scale, negative):
    with localcontext(prec=3):
        fact = only(number(f"{value:,f}", scale=str(scale), sign="-" if negative else None))
    with localcontext(prec=100):
        assert fact.value == value.scaleb(scale) * (-1 if negative else 1)


@pytest.mark.parametrize("is_nil", ["true", "1"])
def test_nil_is_not_zero_and_takes_nothing_from_its_neighbour(is_nil):
    body = number("", **{"n:nil": is_nil, "format": None}) + number("15.8")
    first, second = read(document(body.replace("></i:nonFraction>", "/>", 1)))
    assert (first.value, first.text, first.is_nil) == (None, None, True)
    assert (second.value, second.is_nil) == (Decimal("15.8"), False)


def test_a_nil_text_is_no_text():
    fact = only(text("", **NIL))
    assert (fact.text, fact.is_nil) == (None, True)


def test_an_empty_number_is_neither_nil_nor_the_number_printed_beside_it():
    first, second = read(document(number("") + "12.3" + number("", format=None)))
    for fact in (first, second):
        assert (fact.value, fact.text, fact.is_nil) == (None, "", False)


@pytest.mark.parametrize(("decimals", "expected"), [("INF", None), ("-3", -3), (None, None)])
def test_accuracy_is_as_stated(decimals, expected):
    assert only(number(decimals=decimals)).decimals == expected


def test_the_version_of_the_year_2013_is_read_as_well():
    body = number("1,234", scale="3", format="f:num-dot-decimal")
    fact = only(body, inline=INLINE_11, registry="2020-02-12")
    assert fact.value == Decimal(1234000)


def test_a_fixed_zero_needs_no_printed_zero():
    body = number("", format="f:fixed-zero")
    assert only(body, inline=INLINE_11, registry="2020-02-12").value == 0


def test_an_unknown_version_is_refused_rather_than_overlooked():
    with pytest.raises(FilingError, match=r"2031/inlineXBRL.*overlooked"):
        read(document(number(), inline="http://www.xbrl.org/2031/inlineXBRL"))


def test_a_page_without_inline_namespace_is_refused():
    with pytest.raises(FilingError, match="no inline XBRL document"):
        read(b"<html><body>Not Found</body></html>")


def test_text_is_trimmed_and_keeps_what_is_hidden_inside_it():
    assert only(text('\r\n 7203<span style="display:none;">0</span>\r\n')).text == "72030"


def test_a_block_of_the_page_is_its_text_and_the_facts_inside_it_are_facts():
    block, inner = read(document(text(f"<p>売上高 {number('5')}</p>", escape="true")))
    assert (block.text, inner.value) == ("売上高 5", Decimal(5))
    assert (block.order, inner.order) == (1, 2)


def test_flags_and_dates_come_in_their_canonical_form():
    flag = only(text("－", format="f:booleanfalse"))
    date = only(text("2025年８月７日", format="f:dateyearmonthdaycjk"))
    assert (flag.text, date.text) == ("false", "2025-08-07")


@pytest.mark.parametrize("printed", ["2024-03-06", " 2024-03-06 ", ""])
def test_a_date_in_its_canonical_form_needs_no_format(printed):
    assert only(text(printed, "t:FiscalYearEnd")).text == printed.strip()


def test_continuations_are_joined_across_documents_and_excluded_parts_are_left_out():
    first = document(
        text("売上は<i:exclude>（2頁）</i:exclude>増加", continuedAt="a"), inline=INLINE_11
    )
    second = document(
        '<i:continuation id="b">した。</i:continuation>'
        '<i:continuation id="a" continuedAt="b">し、利益も'
        "<i:exclude>3</i:exclude>増加</i:continuation>",
        "",
        inline=INLINE_11,
    )
    (fact,) = read(first, second)
    assert fact.text == "売上は増加し、利益も増加した。"


@pytest.mark.timeout(10)  # without its guard a circle is followed for ever
@pytest.mark.parametrize(
    ("following", "seen"), [("nowhere", "which no document"), ("a", "is a circle")]
)
def test_a_continuation_that_leads_nowhere_or_in_a_circle_is_refused(following, seen):
    body = text("x", continuedAt="a") + (
        f'<i:continuation id="a" continuedAt="{following}">y</i:continuation>'
    )
    unread = refused(document(body + number(), inline=INLINE_11))
    assert re.search(seen, unread.reason)
    assert (unread.kind, unread.element, unread.text) == ("fact", "t:Title", "x")


def test_a_continuation_that_two_facts_claim_belongs_to_neither():
    shared = '<i:continuation id="a">y</i:continuation>'
    body = text("x", continuedAt="a") + text("z", continuedAt="a") + shared + number()
    facts, unread = reading(document(body, inline=INLINE_11))
    assert [fact.element for fact in facts] == ["NetSales"]
    assert ["2 elements are continued at 'a'" in one.reason for one in unread] == [True, True]


def test_a_fan_out_of_continuations_costs_no_more_than_the_document():
    chain = "".join(
        f'<i:continuation id="k{n}" continuedAt="k{n + 1}">{"a" * 1_000}</i:continuation>'
        for n in range(200)
    )
    end = f'<i:continuation id="k200">{"a" * 1_000}</i:continuation>'
    fan = "".join(text("a", continuedAt="k0") for _ in range(1_000))
    started = time.process_time()
    facts, unread = reading(document(number() + fan + chain + end, inline=INLINE_11))
    assert time.process_time() - started < 1
    assert (len(facts), len(unread)) == (1, 1_000)
    (whole,) = read(document(text("b", continuedAt="k0") + chain + end, inline=INLINE_11))
    assert whole.text == "b" + "a" * 201_000


def test_text_that_nested_facts_repeat_is_bounded():
    depth, words = 200, "a" * (MAXIMUM_TEXT_CHARACTERS // 100)
    attributes = 'name="t:Title" contextRef="Y"'
    body = f"<i:nonNumeric {attributes}>" * depth + words + "</i:nonNumeric>" * depth
    with pytest.raises(FilingError, match="more than 5,000,000 characters"):
        reading(document(body))


def test_footnotes_are_no_facts():
    body = number() + '<i:footnote footnoteID="n" xml:lang="ja">注</i:footnote>'
    assert [fact.element for fact in read(document(body))] == ["NetSales"]


def test_facts_in_tuples_are_facts():
    body = f'<i:tuple name="t:Group" tupleID="g">{number("1", order="1")}</i:tuple>'
    assert only(body).value == 1


def fraction(numerator, denominator):
    return (
        '<i:fraction name="t:Rate" contextRef="Y" unitRef="JPY">'
        f'<i:numerator format="f:numdotdecimal">{numerator}</i:numerator>/'
        f'<i:denominator scale="1">{denominator}</i:denominator></i:fraction>'
    )


def test_a_fraction_is_its_quotient_only_where_that_is_exact():
    exact, endless = only(fraction("1", "4")), only(fraction("1", "3"))
    assert (exact.value, exact.text) == (Decimal("0.025"), None)
    assert (endless.value, endless.text) == (None, "1/30")
    assert not exact.is_nil
    assert not endless.is_nil
    assert "divides by zero" in refused(document(fraction("1", "0"))).reason


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (DURATION, ("duration", dt.date(2025, 4, 1), dt.date(2026, 3, 31))),
        ("<x:instant> 2026-03-31 </x:instant>", ("instant", None, dt.date(2026, 3, 31))),
        ("<x:instant>2026-04-01T00:00:00</x:instant>", ("instant", None, dt.date(2026, 3, 31))),
        ("<x:forever/>", ("forever", None, None)),
    ],
)
def test_periods_are_read_from_the_context(period, expected):
    fact = only(number(), context(period=period) + unit())
    assert (fact.period_type, fact.period_start, fact.period_end) == expected


def explicit(axis, member):
    return f'<d:explicitMember dimension="t:{axis}">t:{member}</d:explicitMember>'


def test_axes_come_from_the_members_and_never_from_the_id():
    scenario = (
        explicit("AnnualDividendPaymentScheduleAxis", "YearEndMember")
        + explicit("ConsolidatedNonconsolidatedAxis", "NonConsolidatedMember")
        + explicit("PreviousCurrentAxis", "PreviousMember")
        + explicit("ResultForecastAxis", "ForecastMember")
    )
    identifier = "NextYearDuration_ConsolidatedMember_ResultMember"
    resources = context(identifier, scenario=f"<x:scenario>{scenario}</x:scenario>") + unit()
    fact = only(number(contextRef=identifier), resources)
    assert fact.period_label == "NextYearDuration"
    assert (fact.consolidation, fact.result_forecast) == ("NonConsolidated", "Forecast")
    assert (fact.previous_current, fact.dividend_schedule) == ("Previous", "YearEnd")
    assert fact.members == ()


def test_the_axis_of_attached_statements_is_consolidation_too_and_other_axes_are_kept():
    segment = (
        explicit("ConsolidatedOrNonConsolidatedAxis", "NonConsolidatedMember")
        + '<d:typedMember dimension="t:SerialAxis"><t:no> 7 </t:no></d:typedMember>'
        + explicit("ComponentsOfEquityAxis", "CapitalStockMember")
        + "<t:oldStyle>x</t:oldStyle>"
    )
    resources = context(scenario=f"<x:segment>{segment}</x:segment>") + unit()
    fact = only(number(), resources)
    assert fact.consolidation == "NonConsolidated"
    assert fact.members == (
        Member("ComponentsOfEquityAxis", "CapitalStockMember", is_typed=False),
        Member("SerialAxis", "7", is_typed=True),
        Member("oldStyle", "x", is_typed=True),
    )


def test_a_member_is_read_without_the_space_around_it():
    scenario = explicit("ResultForecastAxis", "ForecastMember\n ") + explicit("Axis", "OneMember ")
    resources = context(scenario=f"<x:scenario>{scenario}</x:scenario>") + unit()
    fact = only(number(), resources)
    assert fact.result_forecast == "Forecast"
    assert fact.members == (Member("Axis", "OneMember", is_typed=False),)


def test_of_two_axes_for_one_column_the_first_is_in_it_and_the_other_is_kept():
    segment = explicit("ConsolidatedNonconsolidatedAxis", "NonConsolidatedMember") + explicit(
        "ConsolidatedOrNonConsolidatedAxis", "ConsolidatedMember"
    )
    resources = context(scenario=f"<x:segment>{segment}</x:segment>") + unit()
    fact = only(number(), resources)
    assert fact.consolidation == "NonConsolidated"
    assert fact.members == (
        Member("ConsolidatedOrNonConsolidatedAxis", "ConsolidatedMember", is_typed=False),
    )


def test_units_are_spelt_by_their_measures():
    per_share = (
        "<x:divide><x:unitNumerator><x:measure>c:JPY</x:measure></x:unitNumerator>"
        "<x:unitDenominator><x:measure>x:shares</x:measure></x:unitDenominator></x:divide>"
    )
    product = "<x:measure>x:pure</x:measure><x:measure>c:JPY</x:measure>"
    resources = context() + unit("A", per_share) + unit("B", product)
    facts = read(document(number(unitRef="A") + number(unitRef="B"), resources))
    assert [fact.unit for fact in facts] == ["JPY/shares", "pure*JPY"]


def test_documents_of_a_set_share_contexts_and_units_in_any_order():
    using, declaring = document(number("1"), ""), document(number("2"))
    assert [fact.value for fact in read(using, declaring)] == [1, 2]


def test_the_same_fact_twice_is_two_facts():
    first, second = read(document(number() + number()))
    assert (first.value, first.order) == (second.value, 1) == (Decimal(1234), 1)
    assert second.order == 2


def test_a_prefix_declared_again_inside_the_page_is_followed():
    outer, inner = read(
        document(number() + f'<div xmlns:t="urn:other">{number()}</div>' + "<p>xmlns</p>")
    )
    assert (outer.namespace, inner.namespace) == (TAXONOMY, "urn:other")


def test_what_is_declared_again_and_again_means_the_same():
    again = f"<div xmlns='' xmlns:t=\"{TAXONOMY}\">{number()}</div>"
    for body in (again, again.replace("'", '"'), again.replace('t="', 't = "')):
        assert [fact.namespace for fact in read(document(body * 3))] == [TAXONOMY] * 3


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_byte_order_marks_and_line_ends_change_nothing(mark, line_end):
    content = document(f"\n{number()}\n{text(' 売上 ')}\n").replace(b"\n", line_end)
    first, second = read(mark + content, part=ATTACHMENT)
    assert (first.value, second.text, second.part) == (Decimal(1234), "売上", "attachment")


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (number(contextRef="Z"), "contextRef is 'Z', which no document"),
        (number(contextRef=None), "contextRef is missing"),
        (text("x", contextRef="Z"), "contextRef is 'Z'"),
        (number(unitRef="USD"), "unitRef is 'USD', which no document"),
        (number(name="q:NetSales"), "'q:NetSales' has no prefix"),
        (number(name="NetSales"), "'NetSales' has no prefix"),
        (number(name=""), "has no name"),
        (number(name="t:" + "a" * 501), "longer than 500"),
        (number("9" * 27), "does not fit 26 digits before"),
        (number("9" * 21, scale="6"), "does not fit 26 digits before"),
        (number("1", scale="-13"), "and 12 behind"),
        (number("0.1234567890123"), "and 12 behind"),
        (number("－"), "'－' is printed where a number"),
        (number("１，８４２"), "'１，８４２' is printed where a number"),
        (number(format="f:numdotdecimals"), "format 'numdotdecimals'.*is unknown"),
        (number("", format="f:numdotdecimals"), "format 'numdotdecimals'.*is unknown"),
        (number("12.3.4"), "'12.3.4' is printed where a number"),
        (number("1", format="f:booleantrue"), "'1' is no number"),
        (number("△5", format=None), "'△5' is no number"),
        (number(scale="1e3"), "scale is '1e3'"),
        (number(scale="99"), "scale is '99'"),
        (number(decimals="x"), "decimals is 'x'"),
        (number(sign="+"), r"sign is '\+'"),
        (number("-5", format=None, sign="-"), "not '-' once"),
        (number("9" * 61), "more than 60 digits"),
        (text("令和八年", format="f:dateyearmonthdaycjk"), "'令和八年' is printed"),
        (text("2024年3月6日", "t:FilingDate"), "'2024年3月6日' is no date, and no format"),
        (text("20240306", "t:FilingDate"), "'20240306' is no date, and no format"),
        (text("○", "t:ConveningBriefingOfResults"), "'○' is no boolean, and no format"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_with_its_place_and_costs_no_other(body, seen):
    facts, (unread,) = reading(document(number("5") + "\n" + body + "\n" + number("6")))
    assert [(fact.order, fact.value) for fact in facts] == [(1, 5), (2, 6)]
    assert (unread.kind, unread.document, unread.part) == ("fact", NAME, "summary")
    assert unread.line == 2
    assert re.search(seen, unread.reason)
    assert unread.reason.endswith("; look at the document")
    stated = etree.fromstring(body.replace("i:", "").replace("n:", ""))
    assert unread.element == (stated.get("name") and stated.get("name")[:500])
    assert (unread.context_id, unread.text) == (stated.get("contextRef"), stated.text or "")


def test_a_long_text_that_cannot_be_read_is_shown_in_part():
    unread = refused(document(number() + text("<b>long</b> " * 10_000, contextRef="Z")))
    assert unread.text == ("long " * 200)


@pytest.mark.parametrize(
    ("resources", "seen"),
    [
        (context(period="") + unit(), "no period"),
        (context(period="<x:instant>2026-02-30</x:instant>") + unit(), "'2026-02-30' is no date"),
        (context(period="<x:instant>2026-03-31T12:00:00</x:instant>") + unit(), "is no date"),
        (context(period="<x:instant>0001-01-01T00:00:00</x:instant>") + unit(), "is no date"),
        (context() + context(period="<x:forever/>") + unit(), "declared twice"),
        (context() + unit() + unit(content="<x:measure>c:USD</x:measure>"), "declared twice"),
        (context(identifier="") + unit(), "contextRef is 'Y', which no document"),
        (context(period="") + context() + unit(), "no period"),
        (context() + unit(content=f"<x:measure>{'a' * 501}</x:measure>"), "501 characters"),
        (context() + unit(content=""), "no measure"),
        (
            context(scenario="<x:scenario><d:explicitMember>t:A</d:explicitMember></x:scenario>")
            + unit(),
            "has no dimension",
        ),
    ],
)
def test_a_context_or_unit_that_cannot_be_read_costs_the_facts_that_refer_to_it(resources, seen):
    other = context("W", "<x:forever/>") + unit("USD")
    body = number() + number("7", contextRef="W", unitRef="USD")
    facts, (unread,) = reading(document(body, resources + other))
    assert [(fact.context_id, fact.value) for fact in facts] == [("W", 7)]
    assert re.search(seen, unread.reason)
    assert (unread.element, unread.context_id, unread.text) == ("t:NetSales", "Y", "1,234")


def test_a_context_of_more_names_than_any_filing_has_is_refused():
    long, many = "A" * 501, [explicit(f"Axis{n}", "M") for n in range(21)]
    for scenario, seen in ((explicit("A", long), "501 characters"), ("".join(many), "21 dim")):
        resources = context(scenario=f"<x:scenario>{scenario}</x:scenario>") + unit()
        assert seen in refused(document(number(), resources)).reason
    name = "Y" * 501
    assert "501 ch" in refused(document(number(contextRef=name), context(name) + unit())).reason


def test_the_same_context_in_two_documents_is_no_contradiction():
    assert len(read(document(number()), document(number()))) == 2


def test_comments_and_instructions_before_the_root_are_no_document_type():
    head = "<!-- <!DOCTYPE html> -->\n<?xml-stylesheet a?>"
    assert len(read(document(number(), head=head))) == 1


def test_entities_and_foreign_charsets_are_refused():
    with pytest.raises(FilingError, match="no whole XML"):
        read(document(text("&nbsp;")))
    with pytest.raises(FilingError, match="no whole XML"):
        read(document(text("売上")).decode().encode("cp932"))
    with pytest.raises(FilingError):
        read(document(text("売上")).decode().encode("utf-16"))


def test_deep_nesting_is_refused():
    with pytest.raises(FilingError, match="depth"):
        read(document("<b>" * 5_000 + "</b>" * 5_000))


WHOLE = document(number() + text("売上<b>高</b>") + number("15.8"))


@pytest.mark.parametrize("kept", range(0, len(WHOLE), 37))
def test_a_cut_document_is_refused_and_never_read_in_part(kept):
    with pytest.raises(FilingError):
        reading(WHOLE[:kept])


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6))
def test_a_changed_document_is_read_or_refused_and_nothing_else(changes):
    changed = bytearray(WHOLE)
    for position, value in changes:
        changed[position] = value
    try:
        facts, unread = reading(bytes(changed))
    except FilingError:
        return
    assert len(facts) + len(unread) <= 3


_TOKENS = st.sampled_from(
    [
        *("f:numdotdecimal", "f:zerodash", "f:dateyearmonthdaycjk", "g:x", ":", "", "-", "1", "Y"),
        *("JPY", "INF", "true", "令和元年5月1日", "99999999999", "1,2", "\N{NO-BREAK SPACE}", "e9"),
    ]
)
_ATTRIBUTES = st.sampled_from(
    ["contextRef", "unitRef", "format", "scale", "sign", "decimals", "n:nil", "continuedAt"]
)


@settings(max_examples=2 * settings().max_examples)
@given(st.dictionaries(_ATTRIBUTES, _TOKENS), st.one_of(_TOKENS, st.text("0123456789.,-年月日 ")))
def test_any_attributes_and_any_content_are_read_or_refused(attributes, content):
    for make in (number, text):
        facts, unread = reading(document(make(content, **attributes)))
        assert len(facts) + len(unread) == 1
        for fact in facts:
            assert fact.is_nil == (fact.value is None and fact.text is None)
