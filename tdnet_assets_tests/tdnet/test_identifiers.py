import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdnet_assets.tdnet.errors import shown
from tdnet_assets.tdnet.identifiers import (
    IdentifierError,
    four_character_code,
    is_code,
    is_disclosure_id,
    parse_pdf_name,
    parse_xbrl_name,
)

FOREIGN_NAMES = [
    "",
    "/140120260610567076.pdf",
    "./140120260610567076.pdf",
    "../140120260610567076.pdf",
    "inbs/140120260610567076.pdf",
    "https://www.release.tdnet.info/inbs/140120260610567076.pdf",
    "//elsewhere.example/140120260610567076.pdf",
    "140120260610567076.pdf?x=1",
    "140120260610567076.pdf#page=2",
    "140120260610567076.pdf\n",
    " 140120260610567076.pdf",
    "140120260610567076.PDF",
    "140120260610567076.html",
    "14012026061056707.pdf",
    "1401202606105670761.pdf",
    "１４０１20260610567076.pdf",
    "1401２０２６0610567076.pdf",
    "140120260610567076%2epdf",
    "140120260610567076.pdf\0",
]


def test_the_pdf_name_gives_the_14_digits_that_are_the_key():
    assert parse_pdf_name("140120260610567076.pdf") == "20260610567076"


@pytest.mark.parametrize("name", [*FOREIGN_NAMES, "081220260610567076.pdf"])
def test_a_pdf_link_of_any_other_form_is_refused(name):
    with pytest.raises(IdentifierError) as refusal:
        parse_pdf_name(name)
    assert shown(name) in str(refusal.value)
    assert "do not fetch" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("081220260610567076.zip", "earnings"),
        ("091220260610567076.zip", "revision"),
        ("103020260610567076.zip", None),
    ],
)
def test_the_prefix_of_an_xbrl_name_gives_its_kind_and_an_unknown_one_is_kept(name, kind):
    assert parse_xbrl_name(name) == ("20260610567076", kind)


@pytest.mark.parametrize("name", [n.replace(".pdf", ".zip") for n in FOREIGN_NAMES] + ["0812.zip"])
def test_an_xbrl_link_of_any_other_form_is_refused(name):
    with pytest.raises(IdentifierError):
        parse_xbrl_name(name)


@given(st.text())
def test_no_text_makes_the_parsers_raise_anything_else_or_return_anything_but_14_digits(text):
    for parse in (parse_pdf_name, lambda name: parse_xbrl_name(name)[0]):
        try:
            disclosure_id = parse(text)
        except IdentifierError:
            continue
        assert is_disclosure_id(disclosure_id)


def test_a_long_link_is_shown_in_part():
    with pytest.raises(IdentifierError) as refusal:
        parse_pdf_name("x" * 100_000)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("code", ["72030", "13264", "587A4", "141A0", "1B2Q0", "25935", "00000"])
def test_codes_with_letters_and_with_any_fifth_digit_are_codes(code):
    assert is_code(code)


@pytest.mark.parametrize(
    "code",
    ["", "7203", "720300", "A2030", "72A30", "7203A", "141a0", "７２０３０", "7203 ", "7203\n"],
)
def test_anything_else_is_no_code(code):
    assert not is_code(code)


def test_the_everyday_code_is_only_given_where_it_is_that_of_one_issuer():
    assert four_character_code("72030") == "7203"
    assert four_character_code("585A0") == "585A"
    assert four_character_code("585A4") is None
    assert four_character_code("7203") is None
