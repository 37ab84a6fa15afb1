"""What a message says: notices in words, for each kind of destination in its own form.

What belongs here: the words, in Japanese and English, and the escapes that each form needs. What
does not: whether anything is due (``watch_list.py``), and sending.

Titles and names are a stranger's text: controls and marks that reorder are made visible everywhere,
and where a form has markup of its own, nothing of a title is markup.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tdnet_assets.tdnet.foreign_text import in_markdown, visible
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets.tdnet.watching.body_template import BodyTemplate
from tdnet_assets.tdnet.watching.figure_conditions import WatchedFigure
from tdnet_assets.tdnet.watching.watch_list import (
    DELETED,
    PUBLISHED,
    RETITLED,
    Destination,
    Form,
    Language,
    Watch,
    WatchedDisclosure,
)

MOST_NOTICES: Final = 20
"""In one message."""
_SUBJECT_LENGTH = 100
_LONGEST_TITLE = 300
# Discord refuses more than 2,000 characters, Slack cuts behind 40,000, SNS takes 256 KB in all.
_LIMITS: Final[Mapping[Form, int]] = {
    "discord": 2_000,
    "slack": 30_000,
    "plain": 60_000,
    "json": 60_000,
}
_BODIES: Final[Mapping[Form, str]] = {
    "slack": '{"text": "{text}"}',
    "plain": '{"text": "{text}"}',
    # Nobody is called by what stands in a title.
    "discord": '{"content": "{text}", "allowed_mentions": {"parse": []}}',
}

_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "one": "1 disclosure",
        "many": "{} disclosures",
        "more": "at least {} more will follow",
        "test": "TEST: nothing of this has just been published",
        "repeated": "may have been sent before: the first try could not be confirmed",
        RETITLED: "new title",
        DELETED: "deleted from the list",
        "formerly": "formerly",
        "list": "list",
        "none": "none",
    },
    "ja": {
        "one": "開示 1件",
        "many": "開示 {}件",
        "more": "ほか{}件以上は続けて送信します",
        "test": "テスト送信: 新しい開示ではありません",
        "repeated": "再送の可能性があります: 前回の送信を確認できませんでした",
        RETITLED: "表題変更",
        DELETED: "一覧から削除",
        "formerly": "旧表題",
        "list": "一覧",
        "none": "なし",
    },
}
_JAPANESE: Final = {
    "forecast_revision": "業績予想の修正",
    "surprise": "予想と実績",
    "dividend": "1株当たり配当",
    "revenue": "売上高",
    "operating_income": "営業利益",
    "ordinary_income": "経常利益",
    "profit_before_tax": "税引前利益",
    "profit": "当期利益",
    "net_income": "親会社株主に帰属する当期純利益",
    "comprehensive_income": "包括利益",
    "eps": "1株当たり当期純利益",
    "diluted_eps": "希薄化後1株当たり当期純利益",
    "distribution_per_unit": "1口当たり分配金",
    "excess_distribution_per_unit": "1口当たり利益超過分配金",
    "total_distribution_per_unit": "1口当たり分配金合計",
    "to_profit": "黒字転換",
    "to_loss": "赤字転落",
    "larger_loss": "赤字拡大",
    "smaller_loss": "赤字縮小",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What one destination is told of one disclosure.

    ``event`` is ``published``, ``retitled-N`` or ``deleted``; ``published_at`` is aware;
    ``figures`` are those that matched; ``links`` are addresses by ``reader`` and ``list``;
    ``previous_title`` is empty unless the row was retitled. ``repeated`` says that a try before
    could not be confirmed.
    """

    watch: str
    event: str
    disclosure_id: str
    published_at: datetime
    code: str
    company_name: str
    title: str
    previous_title: str
    category: str
    figures: tuple[Mapping[str, str], ...]
    links: Mapping[str, str]
    repeated: bool = False

    def to_text(self) -> str:
        """As JSON, for a table; :meth:`from_text` reads it."""
        values = {**asdict(self), "published_at": self.published_at.isoformat()}
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> "Notice":
        """The notice in a text that :meth:`to_text` has written."""
        values = json.loads(text)
        moment = datetime.fromisoformat(values["published_at"])
        return cls(**{**values, "published_at": moment, "figures": tuple(values["figures"])})


def notice_about(
    watch: Watch, event: str, subject: WatchedDisclosure, links: Mapping[str, str]
) -> Notice:
    """The notice of an event of a disclosure."""
    listed = subject.listed
    return Notice(
        watch=watch.name,
        event=event,
        disclosure_id=listed.disclosure_id or "",
        published_at=listed.disclosed_at,
        code=listed.code,
        company_name=listed.company_name,
        title=listed.title,
        previous_title=listed.previous_titles[-1] if listed.previous_titles else "",
        category=subject.category,
        figures=tuple(map(_figure_values, watch.matched_figures(subject))),
        links=dict(links),
    )


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a subject in ASCII, the text, and the body of a webhook in JSON.

    ``told`` are the notices that it holds, the first of those that were to be told.
    """

    subject: str
    text: str
    body: bytes
    told: tuple[Notice, ...]


def message_of(
    notices: Sequence[Notice], to: Destination, *, waiting: int = 0, test: bool = False
) -> Message:
    """One message of the first of some notices: as many as it may hold, and at least one.

    Args:
        notices: in their order, at least one.
        to: where it goes, which says form and language.
        waiting: how many more than ``notices`` are known to be due for the destination.
        test: it is marked as a test.
    """
    form: Form = "plain" if to.topic else to.form
    told = tuple(notices[:MOST_NOTICES])
    while len(told) > 1 and len(_text(told, to.language, form, waiting, test)) > _LIMITS[form]:
        told = told[:-1]
    waiting += len(notices) - len(told)
    text = _text(told, to.language, form, waiting, test)[: _LIMITS[form]]
    subject = _subject(told, test)
    body = _json_body(told, text, waiting, test=test)
    if not to.topic and (template := to.body or _BODIES.get(to.form)):
        body = BodyTemplate.parse(template).filled(_values(told, text, subject, _ESCAPES[form]))
    return Message(subject, text, body, told)


def _json_body(told: Sequence[Notice], text: str, waiting: int, *, test: bool) -> bytes:
    content = {
        "kind": "tdnet.notices",
        "test": test,
        "waiting": waiting,
        "text": text,
        "notices": [_as_json(one) for one in told],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _values(
    told: Sequence[Notice], text: str, subject: str, escape: Callable[[str], str]
) -> Mapping[str, str]:
    return {
        "text": text,
        "subject": subject,
        "count": str(len(told)),
        "first_code": told[0].code,
        "first_title": escape(told[0].title[:_LONGEST_TITLE]),
    }


def _as_json(notice: Notice) -> dict[str, Any]:
    named = {
        "id": f"{notice.watch}/{notice.disclosure_id}/{notice.event}",
        **asdict(notice),
        "published_at": notice.published_at.astimezone(TOKYO).isoformat(),
    }
    for name in ("company_name", "title", "previous_title"):
        named[name] = visible(named[name])
    return named


def _subject(told: Sequence[Notice], test: bool) -> str:
    """In ASCII, as SNS wants a subject."""
    codes = " ".join(dict.fromkeys(one.code for one in told))
    count = "1 disclosure" if len(told) == 1 else f"{len(told)} disclosures"
    return f"{'TEST ' if test else ''}TDnet: {count}: {codes}"[:_SUBJECT_LENGTH]


def _text(told: Sequence[Notice], language: Language, form: Form, waiting: int, test: bool) -> str:
    words = _WORDS[language]
    count = words["one"] if len(told) == 1 else words["many"].format(len(told))
    head = f"TDnet: {count}"
    lines = [words["test"], head] if test else [head]
    for notice in told:
        lines += ["", *_lines(notice, language, _ESCAPES[form], form)]
    if waiting > 0:
        lines += ["", words["more"].format(waiting)]
    return "\n".join(lines)


def _lines(
    notice: Notice, language: Language, escape: Callable[[str], str], form: Form
) -> list[str]:
    words = _WORDS[language]
    at = notice.published_at.astimezone(TOKYO)
    kind = notice.event.partition("-")[0]
    event = "" if kind == PUBLISHED else f" [{words[kind]}]"
    title = escape(notice.title[:_LONGEST_TITLE])
    lines = [
        f"{at:%m-%d %H:%M} {notice.code} {escape(notice.company_name)}{event}",
        title,
        escape(f"{notice.category} ({notice.watch})"),
    ]
    if notice.previous_title and kind == RETITLED:
        lines.insert(2, f"{words['formerly']}: {escape(notice.previous_title[:_LONGEST_TITLE])}")
    lines += [escape(_figure_line(one, language)) for one in notice.figures]
    lines += [_link(address, form) for address in notice.links.values()]
    if notice.repeated:
        lines.append(f"({words['repeated']})")
    return lines


def _link(address: str, form: Form) -> str:
    # In < > neither of them shows a preview or takes a following character for a part of it.
    return f"<{address}>" if form in ("slack", "discord") else address


def _figure_values(figure: WatchedFigure) -> dict[str, str]:
    values = {
        "subject": figure.subject,
        "before": _amount(figure.before),
        "after": _amount(figure.after),
        "rate": "" if figure.rate is None else f"{figure.rate:.4f}",
        "turn": figure.turn or "",
        "period_end": str(figure.period_end or ""),
    }
    return {name: value for name, value in values.items() if value}


def _figure_line(figure: Mapping[str, str], language: Language) -> str:
    none = _WORDS[language]["none"]
    before, after = figure.get("before", none), figure.get("after", none)
    parts = [f"{before} → {after}"]
    if "rate" in figure:
        parts.append(f"({Decimal(figure['rate']):+.1%})")
    names = [*figure["subject"].split("."), *filter(None, [figure.get("turn")])]
    if language == "ja":
        names = [_JAPANESE.get(name, name) for name in names]
    else:
        names = [name.replace("_", " ") for name in names]
    period = f" {figure['period_end']}" if "period_end" in figure else ""
    return f"{' · '.join(names)}{period}: {' '.join(parts)}"


def _amount(value: Decimal | None) -> str:
    if value is None:
        return ""
    plain = f"{value:,f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _in_slack(text: str) -> str:
    """Slack reads &, < and > and nothing else as markup of its own that could lead elsewhere."""
    plain = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("`", "'").replace("*", "∗").replace("~", "∼")


def _in_discord(text: str) -> str:
    # An underscore is markup there too, and @ calls people.
    return in_markdown(text).replace("_", "\\_").replace("@", "@\N{ZERO WIDTH SPACE}")


_ESCAPES: Final[Mapping[Form, Callable[[str], str]]] = {
    "json": visible,
    "plain": visible,
    "slack": _in_slack,
    "discord": _in_discord,
}
