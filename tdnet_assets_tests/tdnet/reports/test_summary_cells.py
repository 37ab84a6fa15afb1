from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.reports.summary_cells import (
    Cell,
    EarningsError,
    Span,
    SummaryCells,
    comparative,
)
from tdnet_assets_tests.tdnet.reports.summary_facts import THIS_YEAR, TRUST, Filing, day

SPAN = Span(day("2025-04-01"), day("2026-03-31"))
SALES = Cell("NetSales", SPAN, "Consolidated", "Result")


def test_axes_keep_cells_apart():
    filing = Filing().number("NetSales", 1, *THIS_YEAR).number("NetSales", 2, *THIS_YEAR, "Upper")
    filing.number("NetSales", 3, *THIS_YEAR, consolidation=None)
    summary = SummaryCells(filing.facts)
    assert summary.value(SALES) == 1
    assert summary.value(SALES._replace(result_forecast="Upper")) == 2
    assert summary.value(SALES._replace(consolidation=None)) == 3


@pytest.mark.parametrize(
    ("namespace", "family"),
    [
        ("http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/ed/t/2014-01-12", "ed"),
        ("http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/ed/t/2026-07-01", "ed"),
        (TRUST, "re"),
        ("http://www.xbrl.tdnet.info/taxonomy/jp/tse/tdnet/ef/t/2014-01-12", "ef"),
        ("http://disclosure.edinet-fsa.go.jp/taxonomy/jppfs/2024-11-01/jppfs_cor", None),
    ],
)
def test_forms_are_known_by_their_taxonomy_of_any_edition(namespace, family):
    facts = Filing(namespace=namespace).number("NetSales", 1, *THIS_YEAR).facts
    assert SummaryCells(facts).family == family


@given(
    amount=st.integers(-(10**15), 10**15),
    digits=st.integers(1, 9),
    cut=st.sampled_from([ROUND_DOWN, ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_UP]),
    turned=st.booleans(),
)
def test_a_figure_agrees_with_itself_cut_off_or_rounded(amount, digits, cut, turned):
    coarse = Decimal(amount).scaleb(-digits).quantize(Decimal(1), cut).scaleb(digits)
    filing = Filing().number("NetSales", amount, *THIS_YEAR, decimals=0)
    filing.number("NetSales", coarse, *THIS_YEAR, decimals=-digits)
    facts = filing.facts[::-1] if turned else filing.facts
    assert SummaryCells(facts).value(SALES) == amount


@given(amount=st.integers(-(10**12), 10**12), units=st.integers(1, 10), digits=st.integers(0, 6))
def test_figures_a_whole_unit_apart_never_agree(amount, units, digits):
    filing = Filing().number("NetSales", amount, *THIS_YEAR, decimals=0)
    filing.number("NetSales", amount + units * 10**digits, *THIS_YEAR, decimals=-digits)
    with pytest.raises(EarningsError, match="NetSales"):
        SummaryCells(filing.facts)


def test_two_texts_of_one_element_are_refused_only_when_they_are_asked_for():
    filing = Filing().text(DocumentName="決算短信（連結）")
    filing.text(DocumentName=" 決算短信　（連結）\n")
    filing.text(CompanyName="甲").text(CompanyName="乙")
    summary = SummaryCells(filing.facts)
    assert summary.text("DocumentName") == "決算短信（連結）"
    with pytest.raises(EarningsError, match="CompanyName"):
        summary.text("CompanyName")


def test_the_comparative_period_is_the_latest_of_the_same_length():
    half = Span(day("2025-04-01"), day("2025-09-30"))
    older = Span(day("2023-04-01"), day("2023-09-30"))
    last = Span(day("2024-04-01"), day("2024-09-30"))
    year = Span(day("2024-04-01"), day("2025-03-31"))
    assert comparative(half, [older, year, last, half]) == last
    assert comparative(half, [half]) is None
    ends = [Span(None, day("2025-03-31")), Span(None, day("2024-03-31"))]
    assert comparative(Span(None, day("2025-09-30")), ends) == ends[0]
