"""Charts as SVG, made on the server: no script, no style of its own, and a table beside each.

What belongs here: where bars, marks and lines are. What does not: what they mean
(``company_results.py``), and their colours (classes of the style sheet). Shapes differ too, not
only colours: a forecast is an outline, the last one before the result a solid mark.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape
from math import floor, log10
from typing import Final

from tdnet_assets.reader.company_results import Year

_WIDTH: Final = 340
_HEIGHT: Final = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 14, 26
_WIDE: Final = 960
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS: Final = 4
_YEARS_SHOWN: Final = 8

Text = Callable[[Decimal], str]


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart says in its reader's language."""

    result: str
    so_far: str
    forecast: str
    first_forecast: str
    no_data: str


@dataclass(frozen=True, slots=True)
class _Scale:
    """From figures to heights."""

    low: float
    high: float
    top: float
    bottom: float
    step: float

    @classmethod
    def of(
        cls, values: Sequence[float], top: float, bottom: float, *, zero: bool = True
    ) -> "_Scale":
        low = min([*values, 0.0] if zero else values)
        high = max([*values, 0.0] if zero else values)
        if high == low:
            low, high = (low - abs(low) * 0.1, high + abs(high) * 0.1) if high else (0.0, 1.0)
        step = _step((high - low) / _TICKS)
        return cls(floor(low / step) * step, -floor(-high / step) * step, top, bottom, step)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def ticks(self) -> list[float]:
        count = round((self.high - self.low) / self.step)
        return [self.low + place * self.step for place in range(count + 1)]


def _step(wanted: float) -> float:
    size = 10.0 ** floor(log10(wanted))
    return next(size * one for one in _STEPS if size * one >= wanted * 0.999)


def years_chart(
    years: Sequence[Year], title: str, *, words: Words, text: Text, tick: Text, name: str
) -> str:
    """Results of fiscal years as bars, each with its first and its last forecast.

    Args:
        years: oldest first.
        title: of the chart, for who cannot see it.
        words: of its reader's language.
        text: a figure with its unit.
        tick: a figure beside the axis.
        name: for ids in the page.
    """
    shown = [one for one in years if _stated(one)][-_YEARS_SHOWN:]
    if not shown:
        return ""
    values = [float(value) for one in shown for value in _stated(one)]
    scale = _Scale.of(values, _TOP, _HEIGHT - _BOTTOM)
    zero = scale.y(0.0)
    slot = (_WIDTH - _LEFT - _RIGHT) / len(shown)
    width = min(26.0, slot * 0.5)
    parts = [*_axis(scale, _WIDTH, tick)]
    for place, one in enumerate(shown):
        middle = _LEFT + slot * (place + 0.5)
        said = _said(one, words, text)
        parts.append(f'<g class="year"><title>{escape(said)}</title>')
        # The whole column answers to the pointer, not only the bar.
        parts.append(_rect("hit", middle - slot / 2, _TOP, slot, _HEIGHT - _TOP - _BOTTOM))
        if one.result is not None:
            parts.append(_bar("bar result", middle, width, zero, scale.y(float(one.result))))
        elif one.last is not None:
            parts.append(_bar("bar expected", middle, width, zero, scale.y(float(one.last))))
        if one.so_far is not None:
            parts.append(_bar("bar part", middle, width, zero, scale.y(float(one.so_far))))
        if one.first is not None and one.first != one.last:
            parts.append(_mark("first", middle, width, scale.y(float(one.first))))
        if one.last is not None and one.result is not None:
            parts.append(_mark("last", middle, width, scale.y(float(one.last))))
        label = f"{one.end:%y/%m}"
        parts.append(f'<text class="label" x="{middle:.1f}" y="{_HEIGHT - 8}">{label}</text></g>')
    parts.append(_line("zero", _LEFT, zero, _WIDTH - _RIGHT, zero))
    return _svg(_WIDTH, _HEIGHT, title, f"{name}-title", parts)


def revisions_chart(years: Sequence[Year], title: str, *, text: Text, tick: Text, name: str) -> str:
    """The forecasts of the last years over time as steps, each ending in its result.

    Args:
        years: oldest first; at most three are shown, in three patterns of line.
        title: as of :func:`years_chart`; the other arguments too.
        text: as there.
        tick: as there.
        name: as there.
    """
    stated = [(one, [f for f in one.forecasts if f.value is not None]) for one in years]
    shown = [(one, forecasts) for one, forecasts in stated if forecasts][-3:]
    if not shown:
        return ""
    values = [float(f.value) for _, own in shown for f in own if f.value is not None]
    values += [float(one.result) for one, _ in shown if one.result is not None]
    scale = _Scale.of(values, _TOP, _HEIGHT - _BOTTOM, zero=False)
    moments = [f.published_at for _, own in shown for f in own]
    begin, end = min(moments), max(moments)
    span = max((end - begin).total_seconds(), 86_400.0 * 90)

    def x(moment: datetime) -> float:
        at = (moment - begin).total_seconds() / span
        return _LEFT + 8 + at * (_WIDE - _LEFT - _RIGHT - 90)

    parts = [*_axis(scale, _WIDE, tick), *_months(begin.date(), end.date(), x, begin)]
    for place, (one, own) in enumerate(shown):
        points = [(x(f.published_at), scale.y(float(f.value or 0)), f) for f in own]
        path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
        for at, height, _ in points[1:]:
            path += f"H{at:.1f}V{height:.1f}"
        tail = points[-1][0] + 24
        path += f"H{tail:.1f}"
        parts.append(f'<path class="steps line{place}" d="{path}"/>')
        for at, height, forecast in points:
            value = text(forecast.value or Decimal(0))
            said = f"{forecast.published_at:%Y-%m-%d}  {one.end:%Y/%m}  {value}"
            parts.append(
                f'<circle class="point line{place}" cx="{at:.1f}" cy="{height:.1f}" r="4">'
                f"<title>{escape(said)}</title></circle>"
            )
        height = points[-1][1]
        if one.result is not None:
            height = scale.y(float(one.result))
            said = f"{one.end:%Y/%m}  {text(one.result)}"
            parts.append(
                f'<path class="end line{place}" d="M{tail:.1f} {height - 6:.1f}l6 6l-6 6l-6-6z">'
                f"<title>{escape(said)}</title></path>"
            )
        parts.append(
            f'<text class="name" x="{tail + 9:.1f}" y="{height + 4:.1f}">{one.end:%y/%m}</text>'
        )
    return _svg(_WIDE, _HEIGHT, title, f"{name}-title", parts)


def hours_chart(counts: Sequence[tuple[str, int]], title: str, name: str) -> str:
    """How many there were by hour, as bars.

    Args:
        counts: an hour and its number, in their order.
        title: of the chart.
        name: for ids in the page.
    """
    if not counts:
        return ""
    height = 120
    scale = _Scale.of([float(number) for _, number in counts], 16, height - 20)
    slot = (_WIDE - _RIGHT) / len(counts)
    parts = []
    for place, (hour, number) in enumerate(counts):
        middle = slot * (place + 0.5)
        parts.append(f"<g><title>{escape(hour)}: {number:,}</title>")
        top = scale.y(float(number))
        parts.append(_bar("bar result", middle, min(34.0, slot * 0.62), scale.y(0), top))
        if number:
            parts.append(
                f'<text class="label" x="{middle:.1f}" y="{top - 4:.1f}">{number:,}</text>'
            )
        parts.append(
            f'<text class="label" x="{middle:.1f}" y="{height - 5}">{escape(hour)}</text></g>'
        )
    return _svg(_WIDE, height, title, f"{name}-title", parts)


def _stated(year: Year) -> list[Decimal]:
    return [
        value for value in (year.result, year.so_far, year.first, year.last) if value is not None
    ]


def _said(year: Year, words: Words, text: Text) -> str:
    lines = [f"{year.end:%Y/%m}"]
    for word, value in (
        (words.result, year.result),
        (f"{words.so_far} {year.so_far_label}", year.so_far),
        (words.forecast, year.last),
        (words.first_forecast, year.first),
    ):
        if value is not None:
            lines.append(f"{word}: {text(value)}")
    return "\n".join(lines)


def _axis(scale: _Scale, width: float, tick: Text) -> Iterable[str]:
    for value in scale.ticks():
        y = scale.y(value)
        yield _line("grid", _LEFT, y, width - _RIGHT, y)
        label = escape(tick(Decimal(repr(value))))
        yield f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5:.1f}">{label}</text>'


def _months(
    first: date, last: date, x: Callable[[datetime], float], zone: datetime
) -> Iterable[str]:
    """Marks of the half years between two days."""
    for year in range(first.year, last.year + 1):
        for month in (1, 7):
            moment = datetime(year, month, 1, tzinfo=zone.tzinfo)
            if first <= moment.date() <= last:
                at = x(moment)
                yield _line("grid", at, _TOP, at, _HEIGHT - _BOTTOM)
                yield f'<text class="label" x="{at:.1f}" y="{_HEIGHT - 8}">{year}/{month}</text>'


def _bar(kind: str, middle: float, width: float, zero: float, end: float) -> str:
    return _rect(kind, middle - width / 2, min(zero, end), width, max(abs(end - zero), 0.8))


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    )


def _mark(kind: str, middle: float, width: float, y: float) -> str:
    return _line(f"mark {kind}", middle - width / 2 - 5, y, middle + width / 2 + 5, y)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _svg(width: float, height: float, title: str, name: str, parts: Iterable[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{name}"><title id="{name}">{escape(title)}</title>{"".join(parts)}</svg>'
    )
