"""The page about the sample site: its orders are taken as they stand, and no fault is left out."""

import json
import re
from pathlib import Path
from typing import get_args

import httpx

from tdnet_assets.sample_site.faults import FAULTS, MalformedKind

PAGE = (Path(__file__).parents[2] / "docs" / "sample_site.md").read_text()
ORDERS = [
    json.loads(text.replace("\\|", "|"))
    for text in re.findall(r'(?:^|[`\'])(\{"call".*?\})(?:[`\']|$)', PAGE, re.MULTILINE)
]


def test_every_order_of_the_page_is_taken(site, base_url):
    row = next(iter(site.rows(site.now().date())))
    with httpx.Client() as client:
        for order in ORDERS:
            order = {**order}  # noqa: PLW2901 - with a disclosure that is there
            if "disclosure_id" in order:
                order["disclosure_id"] = row.disclosure_id
            answer = client.post(base_url.replace("/inbs", "/_control"), json=order)
            assert answer.status_code == 200, (order, answer.text)
    assert len(ORDERS) > 25


def test_the_page_says_how_to_switch_each_fault_on():
    assert {order["name"] for order in ORDERS if order["call"] == "fault"} == set(FAULTS)
    assert all(f"`{kind}`" in PAGE for kind in get_args(MalformedKind))
