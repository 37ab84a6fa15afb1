import dagster as dg
import pytest

from tdnet_assets.assets.previews import preview
from tdnet_assets.tdnet.foreign_text import in_markdown, in_spreadsheet, visible

TITLE = "[押す](https://evil.example) <img src=x> `a` *b* \u202etxt\n# I_list_001"


def test_a_title_is_no_link_image_or_markup_where_markdown_is_rendered():
    assert in_markdown(TITLE) == (
        r"\[押す\](https://evil.example) \<img src=x\> \`a\` \*b\* \\u202etxt\\u000a# I_list_001"
    )


def test_a_preview_shows_what_would_hide_or_reorder():
    table = preview([{"title": TITLE, "none": None}])

    (record,) = table.records
    assert isinstance(table, dg.TableMetadataValue)
    assert record.data == {
        "title": TITLE.replace("\u202e", r"\u202e").replace("\n", r"\u000a"),
        "none": "",
    }


@pytest.mark.parametrize("text", ["決算短信〔日本基準〕", "M&A・R&D（Ｇ－○○）", "a-b_c", ""])
def test_what_companies_write_stays_as_it_is(text):
    assert in_markdown(text) == in_spreadsheet(text) == visible(text) == text
