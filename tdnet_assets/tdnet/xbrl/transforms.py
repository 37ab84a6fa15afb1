"""Format transforms: what is printed, as the canonical text of the value.

What belongs here: the transforms that a Japanese filing can use, from every registry of XBRL
International (2010-04-20, 2011-07-31, 2015-02-26, 2020-02-12, 2022-02-16): numbers, yes and no,
dates in digits, in Japanese with and without eras, and in English. What does not: month names of
other languages and Indian forms (refused as unknown), scale and sign (``inline.py``).
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial

from tdnet_assets.tdnet.errors import TdnetError, shown

Transform = Callable[[str], str]

_SPACE = " \t\r\n"
_DATE_CHARACTERS = 100  # longer text is no date, and would be slow to match
_GROUPING = str.maketrans("", "", ", \N{NO-BREAK SPACE}")
_POINT_GROUPING = str.maketrans(",", ".", ". \N{NO-BREAK SPACE}")
_APOSTROPHES = str.maketrans("", "", "'`´’′＇")
_DASHES = frozenset("-\u058a\u05be\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")

_POINT_DECIMAL = re.compile(r"[0-9]{1,3}(?:[, \xa0]?[0-9]{3})*(?:\.[0-9]+)?")
_COMMA_DECIMAL = re.compile(r"[0-9]{1,3}(?:[. \xa0]?[0-9]{3})*(?:,[0-9]+)?")
_CANONICAL = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_UNIT_DECIMAL = re.compile(r"([0-9][0-9.,]*)[^0-9.,]+([0-9]{1,2})[^0-9.,]*")

_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_ERA_STARTS = _ERAS | {era[0]: start for era, start in _ERAS.items()}
_CJK_DATE = re.compile(
    rf"({'|'.join(_ERA_STARTS)})?([0-9]{{4}}|[0-9]{{1,2}}|元)年([0-9]{{1,2}})月(?:([0-9]{{1,2}})日)?"
)
_MONTHS = {
    name: number
    for number, whole in enumerate(
        (
            *("january", "february", "march", "april", "may", "june"),
            *("july", "august", "september", "october", "november", "december"),
        ),
        start=1,
    )
    for name in (whole, whole[:3])
}


class TransformError(TdnetError):
    """A transform is unknown, or the printed text is not of the form that it reads."""


def transform(registry: str, name: str) -> Transform:
    """The transform of a ``format`` attribute.

    Args:
        registry: namespace URI of the registry.
        name: local name, e.g. ``numdotdecimal``.

    Returns:
        A function from the printed text to the canonical one (numbers without grouping, ``true``
        and ``false``, dates as ``2025-08-07``, ``2025-08`` or ``--08-07``), which raises
        :class:`TransformError` for a text of another form.

    Raises:
        TransformError: there is no such transform here.
    """
    found = REGISTRIES.get(registry, {}).get(name)
    if found is None:
        raise TransformError(
            f"the format {shown(name)} of the registry {shown(registry)} is unknown; if it is a "
            "real one, add it to tdnet_assets/tdnet/xbrl/transforms.py"
        )
    return found


def is_canonical(element_type: str, text: str) -> bool:
    """Whether a text that no format stands behind is what its type asks for.

    Args:
        element_type: ``date`` or ``boolean``; a text of any other type is what it is.
        text: as printed, trimmed.
    """
    if element_type == "date":
        return _is_date(text)
    return element_type != "boolean" or text in {"true", "false", "1", "0"}


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _refused(printed: str, expected: str) -> TransformError:
    return TransformError(f"{shown(printed)} is printed where {expected} should be")


def _fixed(value: str, _printed: str) -> str:
    return value


def _point_decimal(printed: str) -> str:
    text = printed.strip(_SPACE)
    if not _POINT_DECIMAL.fullmatch(text):
        raise _refused(printed, "a number like 1,234.5")
    return text.replace(",", "").replace(" ", "").replace("\N{NO-BREAK SPACE}", "")


def _comma_decimal(printed: str) -> str:
    text = printed.strip(_SPACE)
    if not _COMMA_DECIMAL.fullmatch(text):
        raise _refused(printed, "a number like 1.234,5")
    return text.translate(_POINT_GROUPING)


def _loose_decimal(printed: str, *, grouping: dict[int, int | None], expected: str) -> str:
    """The registries since 2020 take any grouping, and a number that starts with its point."""
    whole = printed.strip(_SPACE).translate(grouping)
    if not _CANONICAL.fullmatch(whole):
        raise _refused(printed, expected)
    return f"0{whole}" if whole.startswith(".") else whole


_loose_point_decimal = partial(_loose_decimal, grouping=_GROUPING, expected="a number like 1,234.5")
_loose_comma_decimal = partial(
    _loose_decimal, grouping=_POINT_GROUPING, expected="a number like 1.234,5"
)


def _without_apostrophes(read: Transform, printed: str) -> str:
    return read(printed.translate(_APOSTROPHES))


def _unit_decimal(printed: str) -> str:
    """``1,234円56銭``: the unit between both parts is the decimal point."""
    found = _UNIT_DECIMAL.fullmatch(unicodedata.normalize("NFKC", printed).strip())
    if not found:
        raise _refused(printed, "a number like 12円50銭")
    whole, hundredths = found.groups()
    return f"{whole.replace(',', '').replace('.', '')}.{hundredths.zfill(2)}"


def _dash(printed: str) -> str:
    if printed.strip(_SPACE) not in _DASHES:
        raise _refused(printed, "a dash for zero")
    return "0"


def _japanese_date(printed: str, *, has_day: bool) -> str:
    """``2025年８月７日`` or ``令和７年８月７日``.

    Both forms are read under both names: filers print eras under the name of the other form, and
    neither can be mistaken for the other.
    """
    expected = f"a date like 2025年8月{'7日' if has_day else ''}"
    # NFKC turns full-width digits, one-character eras and ideographic spaces into plain ones.
    text = "".join(unicodedata.normalize("NFKC", printed).split())
    found = _CJK_DATE.fullmatch(text)
    if not found or (found[4] is not None) != has_day:
        raise _refused(printed, expected)
    era, year, month, day = found.groups()
    if era is not None:
        year = str(_ERA_STARTS[era] + (1 if year == "元" else int(year)))
    elif year == "元":
        raise _refused(printed, expected)
    return _canonical_date(printed, expected, year, month, day)


def _ordered_date(printed: str, *, pattern: re.Pattern[str], expected: str) -> str:
    text = unicodedata.normalize("NFKC", printed.strip()[:_DATE_CHARACTERS])
    found = pattern.fullmatch(text.strip()) if len(printed.strip()) <= _DATE_CHARACTERS else None
    if not found:
        raise _refused(printed, expected)
    parts = found.groupdict()
    month = parts["m"]
    if not month.isdigit():
        month = str(_MONTHS[month.lower()])
    return _canonical_date(printed, expected, parts.get("y"), month, parts.get("d"))


def _canonical_date(
    printed: str, expected: str, year: str | None, month: str, day: str | None
) -> str:
    # The registries count a short year from 2000. A leap year stands in where none is printed.
    whole_year = 2000 if year is None else int(year) + (0 if len(year) == len("2025") else 2000)
    try:
        date = dt.date(whole_year, int(month), 1 if day is None else int(day))
    except ValueError:
        raise _refused(printed, expected) from None
    if year is None:
        return f"--{date:%m-%d}"
    return date.isoformat() if day is not None else date.isoformat()[:7]


def _in_order(order: str, *, names: bool = False) -> Transform:
    """The transform of a date whose parts come in this order, e.g. ``dmy``."""
    parts = {
        "d": r"(?P<d>[0-9]{1,2})",
        "m": rf"(?P<m>{'|'.join(_MONTHS)})" if names else r"(?P<m>[0-9]{1,2})",
        "y": r"(?P<y>[0-9]{4}|[0-9]{1,2})",
    }
    # Without names, letters may follow the last part (1st, 2日); between parts anything may stand.
    pattern = r"[^0-9]+".join(parts[part] for part in order) + r"[^0-9]*"
    words = {"d": "7", "m": "August" if names else "8", "y": "2025"}
    return partial(
        _ordered_date,
        pattern=re.compile(pattern, re.IGNORECASE),
        expected=f"a date like {' '.join(words[part] for part in order)}",
    )


_TRUE, _FALSE, _EMPTY, _ZERO = (partial(_fixed, value) for value in ("true", "false", "", "0"))
_CJK_DAY, _CJK_MONTH = (partial(_japanese_date, has_day=has_day) for has_day in (True, False))

_REGISTRY_2010: Mapping[str, Transform] = {
    "dateslashus": _in_order("mdy"),
    "dateslasheu": _in_order("dmy"),
    "datedotus": _in_order("mdy"),
    "datedoteu": _in_order("dmy"),
    "datelongus": _in_order("mdy", names=True),
    "dateshortus": _in_order("mdy", names=True),
    "datelonguk": _in_order("dmy", names=True),
    "dateshortuk": _in_order("dmy", names=True),
    "datelongdaymonthuk": _in_order("dm", names=True),
    "dateshortdaymonthuk": _in_order("dm", names=True),
    "datelongmonthdayus": _in_order("md", names=True),
    "dateshortmonthdayus": _in_order("md", names=True),
    "dateslashdaymontheu": _in_order("dm"),
    "dateslashmonthdayus": _in_order("md"),
    "datelongyearmonth": _in_order("ym", names=True),
    "dateshortyearmonth": _in_order("ym", names=True),
    "datelongmonthyear": _in_order("my", names=True),
    "dateshortmonthyear": _in_order("my", names=True),
    "numcommadot": _point_decimal,
    "numspacedot": _point_decimal,
    "numdotcomma": _comma_decimal,
    "numspacecomma": _comma_decimal,
    "numcomma": _comma_decimal,
    "numdash": _dash,
}
_REGISTRY_2011: Mapping[str, Transform] = {
    "booleanfalse": _FALSE,
    "booleantrue": _TRUE,
    "datedaymonth": _in_order("dm"),
    "datedaymonthen": _in_order("dm", names=True),
    "datedaymonthyear": _in_order("dmy"),
    "datedaymonthyearen": _in_order("dmy", names=True),
    "dateerayearmonthdayjp": _CJK_DAY,
    "dateerayearmonthjp": _CJK_MONTH,
    "datemonthday": _in_order("md"),
    "datemonthdayen": _in_order("md", names=True),
    "datemonthdayyear": _in_order("mdy"),
    "datemonthdayyearen": _in_order("mdy", names=True),
    "datemonthyearen": _in_order("my", names=True),
    "dateyearmonthcjk": _CJK_MONTH,
    "dateyearmonthdaycjk": _CJK_DAY,
    "dateyearmonthen": _in_order("ym", names=True),
    "nocontent": _EMPTY,
    "numcommadecimal": _comma_decimal,
    "numdotdecimal": _point_decimal,
    "numunitdecimal": _unit_decimal,
    "zerodash": _dash,
}
_REGISTRY_2015: Mapping[str, Transform] = {
    **_REGISTRY_2011,
    "datemonthyear": _in_order("my"),
    "dateyearmonthday": _in_order("ymd"),
}
_REGISTRY_2020: Mapping[str, Transform] = {
    "date-day-month": _in_order("dm"),
    "date-day-month-year": _in_order("dmy"),
    "date-day-monthname-en": _in_order("dm", names=True),
    "date-day-monthname-year-en": _in_order("dmy", names=True),
    "date-jpn-era-year-month": _CJK_MONTH,
    "date-jpn-era-year-month-day": _CJK_DAY,
    "date-month-day": _in_order("md"),
    "date-month-day-year": _in_order("mdy"),
    "date-month-year": _in_order("my"),
    "date-monthname-day-en": _in_order("md", names=True),
    "date-monthname-day-year-en": _in_order("mdy", names=True),
    "date-monthname-year-en": _in_order("my", names=True),
    "date-year-month": _in_order("ym"),
    "date-year-month-day": _in_order("ymd"),
    "date-year-monthname-en": _in_order("ym", names=True),
    "fixed-empty": _EMPTY,
    "fixed-false": _FALSE,
    "fixed-true": _TRUE,
    "fixed-zero": _ZERO,
    "num-comma-decimal": _loose_comma_decimal,
    "num-dot-decimal": _loose_point_decimal,
    "num-unit-decimal": _unit_decimal,
}
_REGISTRY_2022: Mapping[str, Transform] = {
    **_REGISTRY_2020,
    "num-comma-decimal-apos": partial(_without_apostrophes, _loose_comma_decimal),
    "num-dot-decimal-apos": partial(_without_apostrophes, _loose_point_decimal),
    "num-unit-decimal-apos": partial(_without_apostrophes, _unit_decimal),
}
REGISTRIES: Mapping[str, Mapping[str, Transform]] = {
    "http://www.xbrl.org/2008/inlineXBRL/transformation": _REGISTRY_2010,
    "http://www.xbrl.org/inlineXBRL/transformation/2010-04-20": _REGISTRY_2010,
    "http://www.xbrl.org/inlineXBRL/transformation/2011-07-31": _REGISTRY_2011,
    "http://www.xbrl.org/inlineXBRL/transformation/2015-02-26": _REGISTRY_2015,
    "http://www.xbrl.org/inlineXBRL/transformation/2020-02-12": _REGISTRY_2020,
    "http://www.xbrl.org/inlineXBRL/transformation/2022-02-16": _REGISTRY_2022,
}
