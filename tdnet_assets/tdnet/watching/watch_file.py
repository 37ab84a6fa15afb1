"""The watch file (TOML), from its text to validated watches: every problem with its line.

What belongs here: what may stand in the file. What does not: what a watch means
(``watch_list.py``), reading the file from a disk, and secrets, which it only names.

A file is refused as a whole: half of somebody's watches would be silence that nobody notices.
"""

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from ipaddress import ip_address
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from tdnet_assets.tdnet.categories import CATEGORIES
from tdnet_assets.tdnet.errors import TdnetAssetsError, shown
from tdnet_assets.tdnet.identifiers import XBRL_KINDS, as_printed, is_code
from tdnet_assets.tdnet.search_query import Query, SearchQueryError
from tdnet_assets.tdnet.watching.body_template import BodyTemplate, BodyTemplateError
from tdnet_assets.tdnet.watching.figure_conditions import FigureCondition, FigureConditionError
from tdnet_assets.tdnet.watching.watch_list import (
    Destination,
    Form,
    Language,
    QuietHours,
    Watch,
    WatchList,
    Words,
    is_reference,
)

LARGEST_FILE_CHARACTERS: Final = 200_000
EXCHANGES: Final = ("東", "名", "札", "福", "GR", "PH")

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_LONGEST_NAME = 40
_SHORT_CODE = 4
_MOST_MESSAGES_A_MINUTE = 60
_TOPIC_PARTS = 6
_CLOCK_LENGTH = len("HH:MM")
_LOCAL_NAMES = ("localhost",)

_Table = dict[str, Any]


class WatchFileError(TdnetAssetsError):
    """The watch file is not valid; the message is a line a problem, each with the file's line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and in which line, from 1; 0 where it is the file as a whole."""

    line: int
    text: str


class _Wrong(TdnetAssetsError):  # noqa: N818 - never leaves this module
    """A value is wrong; the message says what to write."""


@dataclass(slots=True)
class _Reader:
    """One table of the file as it is read: every problem is noted, and none ends the reading."""

    table: _Table
    name: str
    line_of: Callable[[str], int]
    problems: list[Problem]
    known: set[str] = field(default_factory=set)

    def take(self, key: str, read: Callable[[Any], Any], default: Any = None) -> Any:
        """The value of a key by its reader; the default where it is missing or wrong."""
        self.known.add(key)
        if key not in self.table:
            return default
        try:
            return read(self.table[key])
        except (
            _Wrong,
            SearchQueryError,
            FigureConditionError,
            BodyTemplateError,
        ) as error:
            self.note(key, str(error))
            return default

    def note(self, key: str, text: str) -> None:
        """Note a problem of a key."""
        self.problems.append(Problem(self.line_of(key), f"{self.name}: {key}: {text}"))

    def refuse_others(self) -> None:
        """Note every key that has not been asked for."""
        for key in self.table.keys() - self.known:
            known = ", ".join(sorted(self.known))
            self.note(str(key), f"is not known here; there are {known}")


def read_watch_file(text: str) -> WatchList:
    """The watches and destinations of a watch file.

    Raises:
        WatchFileError: it is not valid.
    """
    if len(text) > LARGEST_FILE_CHARACTERS:
        raise WatchFileError(f"the file has {len(text)} characters, at most 200,000 are read")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WatchFileError(f"not TOML: {error}") from None
    except RecursionError:
        raise WatchFileError("not TOML that can be read: it is nested too deeply") from None
    problems: list[Problem] = []
    found = _watch_list(content, _Lines(text), problems)
    if problems:
        listed = sorted(problems, key=lambda one: (one.line, one.text))
        raise WatchFileError("\n".join(f"line {one.line}: {one.text}" for one in listed))
    return found


def _watch_list(content: _Table, lines: "_Lines", problems: list[Problem]) -> WatchList:
    top = _Reader(content, "the file", lambda key: lines.of((), key), problems)
    language = top.take("language", _choice(get_args(Language)), "en")
    reader = top.take("reader", _address, "")
    destinations = {
        name: _destination(name, table, language, lines, problems)
        for name, table in top.take("destinations", _tables, {}).items()
    }
    watches = tuple(
        _watch(table, number, destinations, lines, problems)
        for number, table in enumerate(top.take("watches", _list_of_tables, []))
    )
    top.refuse_others()
    names = [watch.name for watch in watches]
    for number, name in enumerate(names):
        if name and name in names[:number]:
            line = lines.of(("watches", number), "name")
            problems.append(Problem(line, f"watch {name}: the name is there twice"))
    return WatchList(watches, destinations, reader.rstrip("/"))


def _destination(
    name: str, table: _Table, language: Language, lines: "_Lines", problems: list[Problem]
) -> Destination:
    place = ("destinations", name)
    reader = _Reader(table, f"destination {name}", lambda key: lines.of(place, key), problems)
    if not _is_name(name):
        reader.note(name, f"a name has up to {_LONGEST_NAME} of a-z, 0-9, '-' and '_'")
    made = Destination(
        name=name,
        topic=reader.take("topic", _topic, ""),
        address=reader.take("webhook", _webhook, ""),
        host=reader.take("host", _host, ""),
        secret=reader.take("secret", _reference, ""),
        form=reader.take("form", _choice(get_args(Form)), "json"),
        body=reader.take("body", _body, ""),
        language=reader.take("language", _choice(get_args(Language)), language),
        messages_a_minute=reader.take("messages_a_minute", _rate, 1),
    )
    if not {"topic", "webhook"} & table.keys():
        reader.note(name, "say where to: topic = an SNS topic's ARN, or webhook = an address")
    if "topic" in table:
        for key in sorted({"webhook", "host", "secret", "form", "body"} & table.keys()):
            reader.note(key, "a topic takes plain text: leave it out, or leave out the topic")
    if is_reference(made.address) and not made.host and "host" not in table:
        reader.note("webhook", "the address is secret: name the one host it may have, host = …")
    if made.form in ("slack", "discord") and _is_elsewhere(made.address):
        reader.note(
            "webhook",
            f"the address of a {made.form} webhook is a secret itself: write env:NAME, "
            "secretsmanager:ARN or ssm:/name, and its host beside it",
        )
    if made.host and made.address and not is_reference(made.address):
        reader.note("host", "stands in the address already: leave it out")
    if "body" in table and made.form == "json" and "form" in table:
        reader.note("body", "a body of your own has the form plain, slack or discord")
    if made.form != "json" and made.secret:
        reader.note("secret", f"signs bodies of the form json, and this one is {made.form}")
    reader.refuse_others()
    return made


def _watch(
    table: _Table,
    number: int,
    destinations: Mapping[str, Destination],
    lines: "_Lines",
    problems: list[Problem],
) -> Watch:
    place = ("watches", number)
    called = str(table.get("name", number + 1))[:_LONGEST_NAME]
    reader = _Reader(table, f"watch {called}", lambda key: lines.of(place, key), problems)
    made = Watch(
        name=reader.take("name", _name, ""),
        to=reader.take("to", _texts_of(_known_in(destinations)), ()),
        codes=frozenset(reader.take("codes", _texts_of(_code), ())),
        categories=frozenset(reader.take("categories", _texts_of(_choice(CATEGORIES)), ())),
        exchanges=frozenset(reader.take("exchanges", _texts_of(_choice(EXCHANGES)), ())),
        xbrl=reader.take("xbrl", _xbrl),
        title=reader.take("title", _words),
        text=reader.take("text", _words),
        figures=reader.take("figures", _texts_of(FigureCondition.parse), ()),
        quiet=reader.take("quiet", _quiet),
        digest=_digest(table),
    )
    for key, advice in {
        "name": "give the watch a name",
        "to": "say where to, by names of destinations",
    }.items():
        if key not in table:
            reader.note(key, advice)
    if not table.keys() - {"name", "to", "quiet"}:
        reader.note("name", 'watches nothing; for everything write exchanges = ["東", "名", …]')
    reader.refuse_others()
    return made


def _digest(table: _Table) -> str:
    """Of what is watched: where to and when may change without beginning anew."""
    watched = {key: table[key] for key in table.keys() - {"name", "quiet"}}
    content = json.dumps(watched, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"is {shown(repr(value))}: write a text in quotes")
    return value


def _name(value: Any) -> str:
    if not _is_name(_text(value)):
        raise _Wrong(
            f"is {shown(value)}: a name has up to {_LONGEST_NAME} of a-z, 0-9, '-' and '_'"
        )
    return str(value)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_NAME and _NAME.issuperset(text)


def _texts_of(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    """The reader of a list of texts, each of which is read by ``read``; an empty one is wrong."""

    def reader(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not value:
            raise _Wrong(f'is {shown(repr(value))}: write a list of texts, as ["one", "two"]')
        return tuple(read(_text(one)) for one in value)

    return reader


def _choice(known: Iterable[str]) -> Callable[[Any], Any]:
    names = tuple(known)

    def reader(value: Any) -> str:
        if value not in names:
            raise _Wrong(f"is {shown(str(value))}: use one of {', '.join(names)}")
        return str(value)

    return reader


def _known_in(destinations: Mapping[str, Destination]) -> Callable[[Any], str]:
    def reader(value: Any) -> str:
        if value not in destinations:
            known = ", ".join(destinations) or "none"
            raise _Wrong(f"{shown(value)} is not a destination of the file; there are: {known}")
        return str(value)

    return reader


def _code(value: str) -> str:
    code = as_printed(value)
    whole = f"{code}0" if len(code) == _SHORT_CODE else code
    if not is_code(whole):
        raise _Wrong(f"{shown(value)} is not a code: write its 4 or 5 characters, as 7203 or 25935")
    return whole


def _xbrl(value: Any) -> bool | str:
    kinds = tuple(XBRL_KINDS.values())
    if not isinstance(value, bool) and value not in kinds:
        raise _Wrong(f"is {shown(str(value))}: write true, false, or one of {', '.join(kinds)}")
    return value  # type: ignore[no-any-return]


def _words(value: Any) -> Words:
    return Words(_text(value), Query.parse(value))


def _quiet(value: Any) -> QuietHours:
    begins, _, ends = _text(value).partition("-")
    try:
        hours = QuietHours(_clock(begins.strip()), _clock(ends.strip()))
    except ValueError:
        raise _Wrong(
            f"is {shown(value)}: write hours of the day in Japan, as 22:00-07:00"
        ) from None
    if hours.begins == hours.ends:
        raise _Wrong(f"is {shown(value)}: that is all day, or no time at all")
    return hours


def _clock(text: str) -> time:
    if len(text) != _CLOCK_LENGTH:
        raise ValueError(text)
    return time.fromisoformat(text)


def _rate(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Wrong(f"is {shown(str(value))}: write a whole number")
    if not 1 <= value <= _MOST_MESSAGES_A_MINUTE:
        raise _Wrong(f"is {value}: 1 to {_MOST_MESSAGES_A_MINUTE} messages a minute")
    return value


def _topic(value: Any) -> str:
    parts = _text(value).split(":")
    is_arn = len(parts) == _TOPIC_PARTS and parts[0] == "arn" and parts[2] == "sns"
    if not is_arn or not all(parts) or not value.isascii() or not value.isprintable():
        raise _Wrong(f"is {shown(value)}: write its ARN, arn:aws:sns:REGION:ACCOUNT:NAME")
    return str(value)


def _webhook(value: Any) -> str:
    text = _text(value)
    return _reference(text) if is_reference(text) else _address(text)


def _reference(value: Any) -> str:
    kind, _, name = _text(value).partition(":")
    forms = {
        "env": name.isidentifier(),
        "secretsmanager": name.startswith("arn:") and ":secretsmanager:" in name,
        "ssm": name.startswith("/"),
    }
    if not forms.get(kind) or not value.isascii() or not value.isprintable() or " " in value:
        raise _Wrong(  # what stands here may be the secret itself, which no message shows
            "is not a reference: a secret never stands in the file; write env:NAME, "
            "secretsmanager:ARN or ssm:/name"
        )
    return str(value)


def _address(value: Any) -> str:
    """An address that a message or a link may go to.

    Plain HTTP is for this machine alone, and refused when it is used outside the local environment.
    """
    try:
        problem = address_problem(_text(value))
    except ValueError:
        problem = "is not an address"
    if problem:
        raise _Wrong(f"{problem}: write https://host[:port]/path")
    return str(value)


def address_problem(address: str) -> str:
    """What is wrong with an address of a webhook, without repeating it; empty if nothing is.

    Raises:
        ValueError: it is not an address at all.
    """
    parts = urlsplit(address)
    _ = parts.port  # a ValueError, if it is none
    if not address.isascii() or not address.isprintable() or " " in address:
        return "has characters that no address has"
    if not parts.hostname or parts.scheme not in ("http", "https"):
        return "is not an address of a host"
    if "@" in parts.netloc:
        return "holds a name or a password before an @, which belongs into no file"
    if parts.fragment:
        return "has a part behind #, which is sent to nobody"
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        return "is plain HTTP, which anybody on the way can read"
    return ""


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine by its literal name or address."""
    try:
        return host in _LOCAL_NAMES or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_elsewhere(address: str) -> bool:
    """Whether an address stands in the file itself and leads to another machine."""
    is_there = bool(address) and not is_reference(address)
    return is_there and not is_this_machine(urlsplit(address).hostname or "")


def _host(value: Any) -> str:
    host = _text(value).lower()
    try:
        is_host = urlsplit(f"https://{host}/").hostname == host
    except ValueError:
        is_host = False
    if not is_host or not host.isascii():
        raise _Wrong(f"is {shown(value)}: write the name of the host alone, as hooks.slack.com")
    return host


def _body(value: Any) -> str:
    return BodyTemplate.parse(_text(value)).text


def _tables(value: Any) -> dict[str, _Table]:
    if not isinstance(value, dict) or not all(isinstance(one, dict) for one in value.values()):
        raise _Wrong("write each as a table, [destinations.NAME]")
    return value


def _list_of_tables(value: Any) -> list[_Table]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _Wrong("write each as a table, [[watches]]")
    return value


class _Lines:
    """In which line of a TOML text a key stands: by its headers and keys, outside long strings."""

    def __init__(self, text: str) -> None:
        self._headers: dict[tuple[Any, ...], int] = {}
        self._keys: dict[tuple[tuple[Any, ...], str], int] = {}
        place: tuple[Any, ...] = ()
        number_of_watches = 0
        open_quotes = ""
        for number, line in enumerate(text.split("\n"), 1):
            words = line.strip()
            if open_quotes:
                open_quotes = "" if line.count(open_quotes) % 2 else open_quotes
                continue
            open_quotes = next((one for one in ('"""', "'''") if line.count(one) % 2), "")
            if words.startswith("[["):
                place = ("watches", number_of_watches)
                number_of_watches += 1
                self._headers[place] = number
            elif words.startswith("[") and "]" in words and "=" not in words:
                names = words[1 : words.index("]")].split(".")
                place = tuple(name.strip().strip("\"'") for name in names)
                self._headers[place] = number
            elif "=" in words:
                key = words[: words.index("=")].strip().strip("\"'")
                self._keys.setdefault((place, key), number)

    def of(self, place: tuple[Any, ...], key: str) -> int:
        """The line of a key of a table, else of the table, else the first."""
        return self._keys.get((place, key)) or self._headers.get(place) or 1
