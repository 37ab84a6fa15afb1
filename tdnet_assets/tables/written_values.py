"""Values of a table as text has them: in a cell of CSV, in JSON.

What belongs here: the forms of single values, for the commands and the reader alike. What does not:
where they are written to. Times are ISO 8601 with their offset, decimals exact.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tdnet_assets.tdnet.foreign_text import in_spreadsheet, visible


def in_csv(value: object) -> object:
    """A value for a cell of CSV: lists and structs as JSON, and no text that does anything."""
    if isinstance(value, str):
        return in_spreadsheet(value)
    plain = in_json(value)
    if isinstance(plain, list | dict):
        return visible(json.dumps(plain, ensure_ascii=False))
    return plain


def in_json(value: object) -> Any:
    """A value as JSON has it: times in ISO 8601, exact decimals as text."""
    if isinstance(value, Mapping):
        return {name: in_json(inner) for name, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [in_json(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return exact(value) if isinstance(value, Decimal) else value


def exact(value: Decimal) -> str:
    """A decimal in plain digits, without closing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
