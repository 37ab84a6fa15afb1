"""Small charts in a materialization's metadata: an SVG inside Markdown, drawn by hand.

What belongs here: one bar chart. What does not: anything of a page's text; labels are our own.
"""

import base64
from collections.abc import Mapping

import dagster as dg

_BAR, _GAP, _HEIGHT, _TOP, _BOTTOM, _CHARACTER = 22, 6, 96, 18, 18, 6


def bar_chart(title: str, values: Mapping[str, int]) -> dg.MarkdownMetadataValue:
    """Bars with their values above and their labels below.

    Args:
        title: plain text of ours.
        values: label (of ours) to count, in the order to draw; bars of nothing are not drawn.
    """
    if not any(values.values()):
        return dg.MetadataValue.md("none")
    tallest = max(values.values(), default=0) or 1
    bar = max(_BAR, _CHARACTER * max(map(len, values), default=0))
    width = max(1, len(values)) * (bar + _GAP) + _GAP
    bars = []
    for index, (label, value) in enumerate(values.items()):
        left = _GAP + index * (bar + _GAP)
        height = round(value / tallest * _HEIGHT)
        top = _TOP + _HEIGHT - height
        middle = left + bar / 2
        bars.append(
            f'<rect x="{left}" y="{top}" width="{bar}" height="{height}" rx="2" fill="#4F43DD"/>'
            + (f'<text x="{middle}" y="{top - 4}">{value}</text>' if value else "")
            + f'<text x="{middle}" y="{_TOP + _HEIGHT + 12}">{label}</text>'
        )
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{_TOP + _HEIGHT + _BOTTOM}" font-family="sans-serif" font-size="9" '
        f'fill="#7A7A7A" text-anchor="middle">{"".join(bars)}</svg>'
    )
    encoded = base64.b64encode(drawing.encode()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{encoded})")
