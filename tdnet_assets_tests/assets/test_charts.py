"""The charts of a materialization's metadata."""

import base64
import re

from lxml import etree

from tdnet_assets.assets.charts import bar_chart


def test_a_bar_is_as_high_as_its_share_of_the_largest_and_says_its_count():
    shown = bar_chart("By hour", {"9": 1, "10": 0, "15": 4}).value

    title, encoded = re.fullmatch(r"!\[(.*)\]\(data:image/svg\+xml;base64,(.*)\)", shown).groups()
    drawing = etree.fromstring(base64.b64decode(encoded))
    heights = [int(bar.get("height")) for bar in drawing.iter("{*}rect")]
    assert title == "By hour"
    assert heights == [24, 0, 96]
    assert [text.text for text in drawing.iter("{*}text")] == ["1", "9", "10", "4", "15"]


def test_where_there_is_nothing_to_count_no_empty_chart_is_drawn():
    assert bar_chart("Surprises", {"up": 0, "down": 0}).value == "none"
    assert bar_chart("Surprises", {}).value == "none"
