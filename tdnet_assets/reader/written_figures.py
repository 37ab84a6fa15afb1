"""Figures as a page shows them: millions of yen, per share, rates, and what a ratio cannot say.

What belongs here: one figure as text, short and whole. What does not: its place on a page.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tdnet_assets.tables.written_values import exact

MINUS: Final = "\u2212"
_MILLION: Final = Decimal(1_000_000)
_SMALL: Final = Decimal(10)


def millions(value: Decimal | None) -> str:
    """Yen in millions, e.g. ``1,234``; below ten millions with a decimal place."""
    if value is None:
        return ""
    scaled = value / _MILLION
    return _grouped(scaled, 1 if value and abs(scaled) < _SMALL else 0)


def per_share(value: Decimal | None) -> str:
    """Yen per share with two decimal places."""
    return "" if value is None else _grouped(value, 2)


def whole(value: Decimal | None) -> str:
    """Every digit of a figure, e.g. ``1,234,567,890``."""
    if value is None:
        return ""
    digits, _, rest = exact(abs(value)).partition(".")
    text = f"{int(digits):,}{'.' + rest if rest else ''}"
    return f"{MINUS}{text}" if value < 0 else text


def rate(value: float | Decimal | None) -> str:
    """A change with its sign, e.g. ``+12.3 %``."""
    if value is None:
        return ""
    text = f"{abs(float(value)) * 100:,.1f}"
    sign = "±" if text == "0.0" else "+" if value > 0 else MINUS
    return f"{sign}{text} %"


def share(value: float | Decimal | None) -> str:
    """A part of a whole, e.g. ``74 %``."""
    return "" if value is None else f"{float(value) * 100:,.0f} %".replace("-", MINUS)


def _grouped(value: Decimal, places: int) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return f"{rounded:,f}".replace("-", MINUS)
