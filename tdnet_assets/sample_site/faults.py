"""What can go wrong on the sample TDnet site, switched on by tests.

What belongs here: faults, each a rule that changes the answers to some requests. What does not:
the answers themselves (``site.py``) and how they are sent (``reply.py``).
"""

import datetime as dt
import io
import re
import threading
import zipfile
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal, Self

from tdnet_assets.sample_site.page import list_page_name
from tdnet_assets.sample_site.pdf import blank_pdf
from tdnet_assets.sample_site.reply import Reply

MalformedKind = Literal[
    "missing_cell",
    "bad_time",
    "bad_code",
    "hostile_path",
    "hostile_host",
    "unknown_file",
    "missing_link",
]

_ROW = re.compile(r'<tr[^>]*>\s*<td class="(?:odd|even)new-L.*?</tr>', re.DOTALL)
_LINK = re.compile(r'<a href="[^"]*"')
_MALFORMED: dict[MalformedKind, Callable[[str], str]] = {
    "missing_cell": lambda row: re.sub(r"<td class=\"\w+-M kjCode.*?</td>\n", "", row),
    "bad_time": lambda row: re.sub(r"(kjTime\" noWrap>)[^<]*", r"\g<1>25:61", row),
    "bad_code": lambda row: re.sub(r"(kjCode\" noWrap>)[^<]*", r"\g<1>72-03", row),
    "hostile_path": lambda row: _LINK.sub('<a href="../../etc/passwd"', row, count=1),
    "hostile_host": lambda row: _LINK.sub('<a href="https://evil.example/x.pdf"', row, count=1),
    "unknown_file": lambda row: _LINK.sub('<a href="disclosure.pdf"', row, count=1),
    "missing_link": lambda row: re.sub(r"(kjTitle[^>]*>)<a [^>]*>([^<]*)</a>", r"\g<1>\g<2>", row),
}
_HTML_INSTEAD = (
    "<!DOCTYPE html>\n<html><head><title>エラー</title></head>"
    "<body><p>しばらくしてから再度アクセスしてください。</p></body></html>\n"
).encode()


@dataclass(slots=True)
class _Rule:
    pattern: re.Pattern[str]
    times: int | None
    change: Callable[[Reply], Reply]
    afterwards: Callable[[], object]
    since: dt.datetime | None
    until: dt.datetime | None

    def concerns(self, path: str, now: dt.datetime) -> bool:
        return (
            (self.since is None or self.since <= now)
            and (self.until is None or now < self.until)
            and self.pattern.search(path) is not None
        )


def _nothing() -> None:
    return None


class Faults:
    """Rules that change answers; every method adds one, and rules that match add up.

    A ``pattern`` is a regular expression searched in the request's path. ``times`` is how many
    requests a rule changes before it is used up; None keeps it until :meth:`clear`, or for the time
    of :meth:`between`. Pages and positions count from 1. A request that a rule matches is never
    answered with 304.
    """

    def __init__(
        self, publish: Callable[[dt.date, int], object], clock: Callable[[], dt.datetime]
    ) -> None:
        self._publish = publish
        self._clock = clock
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._since: dt.datetime | None = None
        self._until: dt.datetime | None = None

    def between(self, since: dt.datetime | None, until: dt.datetime | None) -> Self:
        """The same faults; what is added there holds from ``since`` until before ``until``.

        Both are moments with a zone, by the clock of the site; None sets no limit.
        """
        limited = copy(self)
        limited._since, limited._until = since, until  # noqa: SLF001 - of its own class
        return limited

    def clear(self) -> None:
        """Forget every rule."""
        with self._lock:
            self._rules.clear()

    def matches(self, path: str) -> bool:
        """Whether a rule would change the answer for the path now."""
        now = self._clock()
        with self._lock:
            return any(rule.concerns(path, now) for rule in self._rules)

    def applied(self, path: str, reply: Reply) -> Reply:
        """The reply as the matching rules change it; each of them is used once."""
        now = self._clock()
        with self._lock:
            matching = [rule for rule in self._rules if rule.concerns(path, now)]
            for rule in matching:
                if rule.times is not None:
                    rule.times -= 1
            self._rules[:] = [rule for rule in self._rules if rule.times != 0]
        for rule in matching:
            reply = rule.change(reply)
        # Only now: the page is finished, so what is published next is not on it.
        for rule in matching:
            rule.afterwards()
        return reply

    def answer(
        self,
        pattern: str,
        *,
        status: int,
        times: int | None = None,
        retry_after: str | None = None,
        body: str = "",
    ) -> None:
        """Answer with that status, optionally with Retry-After (seconds or an HTTP date)."""
        headers = {"content-type": "text/html"}
        if retry_after is not None:
            headers["retry-after"] = retry_after
        self._add(pattern, times, lambda _: Reply(status, body.encode(), headers))

    def redirect(self, pattern: str, *, to: str, times: int | None = None) -> None:
        """Answer 302 to that address."""
        self._add(pattern, times, lambda _: Reply(302, b"", {"location": to}))

    def close(self, pattern: str, *, times: int | None = None) -> None:
        """Close the connection without an answer."""
        self._add(pattern, times, lambda reply: replace(reply, answered=False))

    def cut_connection(
        self, pattern: str, *, after_bytes: int = 100, times: int | None = None
    ) -> None:
        """Promise the whole body, send so many bytes of it and close the connection."""
        self._add(pattern, times, lambda reply: replace(reply, sent_bytes=after_bytes))

    def wait(self, pattern: str, *, seconds: float, times: int | None = None) -> None:
        """Say nothing for so long, then answer well."""
        self._add(pattern, times, lambda reply: replace(reply, delay_seconds=seconds))

    def drip(
        self, pattern: str, *, piece_bytes: int, seconds: float, times: int | None = None
    ) -> None:
        """Send the body in small pieces with so many seconds after each."""
        self._add(
            pattern,
            times,
            lambda reply: replace(reply, drip_bytes=piece_bytes, drip_seconds=seconds),
        )

    def oversize(self, pattern: str, *, extra_bytes: int, times: int | None = None) -> None:
        """Send so many zero bytes after the body."""
        self._add(pattern, times, lambda reply: replace(reply, filler_bytes=extra_bytes))

    def send_instead(
        self,
        pattern: str,
        body: bytes,
        *,
        content_type: str | None = None,
        times: int | None = None,
    ) -> None:
        """Send another body with status 200; the content type stays unless one is given."""

        def change(reply: Reply) -> Reply:
            headers = dict(reply.headers)
            if content_type is not None:
                headers["content-type"] = content_type
            return replace(reply, status=200, body=body, headers=headers)

        self._add(pattern, times, change)

    def html_instead(self, pattern: str, *, times: int | None = None) -> None:
        """Send an HTML error page with status 200 under the file's own content type."""
        self.send_instead(pattern, _HTML_INSTEAD, times=times)

    def small_pdf_instead(self, pattern: str, *, size: int = 600, times: int | None = None) -> None:
        """Send a valid PDF of so many bytes, at least 400."""
        self.send_instead(pattern, blank_pdf(size), times=times)

    def truncate_file(
        self, pattern: str, *, keep_bytes: int | None = None, times: int | None = None
    ) -> None:
        """Send the first half, or so many bytes, with a Content-Length that agrees."""
        self._body(
            pattern,
            times,
            lambda body: body[: len(body) // 2 if keep_bytes is None else keep_bytes],
        )

    def zip_bomb(
        self, pattern: str, *, unpacked_bytes: int = 256 << 20, times: int | None = None
    ) -> None:
        """Send a small archive whose one member unpacks to so many bytes."""
        self.send_instead(pattern, _bomb(unpacked_bytes), times=times)

    def escaping_zip(
        self, pattern: str, *, member: str = "../../escaped.htm", times: int | None = None
    ) -> None:
        """Send an archive with a member whose name leaves the folder."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo(member), "<html/>")
        self.send_instead(pattern, packed.getvalue(), times=times)

    def wrong_charset(self, pattern: str, *, times: int | None = None) -> None:
        """Send the page as CP932 instead of UTF-8."""
        self._body(
            pattern, times, lambda body: body.decode().encode("cp932", errors="xmlcharrefreplace")
        )

    def bare_page(self, pattern: str, *, times: int | None = None) -> None:
        """Send the page with neither rows nor totals nor the text of an empty day."""

        def strip(body: bytes) -> bytes:
            text = re.sub(
                r'<table [^>]*id="main-list-table">.*?</table>', "", body.decode(), flags=re.DOTALL
            )
            text = re.sub(r'<div class="kaijiSum">.*?</div>', "", text)
            return text.replace("に開示された情報はありません。", "").encode()

        self._body(pattern, times, strip)

    def malformed_row(
        self,
        day: dt.date,
        *,
        page: int,
        position: int,
        kind: MalformedKind,
        times: int | None = None,
    ) -> None:
        """Spoil one row of a list page.

        Raises:
            ValueError: the kind is unknown.
        """
        if kind not in _MALFORMED:
            raise ValueError(f"malformed rows are {', '.join(_MALFORMED)}, not {kind}")

        def spoil(body: bytes) -> bytes:
            text = body.decode()
            rows = list(_ROW.finditer(text))
            if position > len(rows):
                return body
            row = rows[position - 1]
            spoilt = _MALFORMED[kind](row.group())
            return f"{text[: row.start()]}{spoilt}{text[row.end() :]}".encode()

        self._body(re.escape(list_page_name(day, page)), times, spoil)

    def grow_after(self, day: dt.date, *, page: int, rows: int, times: int | None = 1) -> None:
        """Publish so many rows as soon as that page of the day has been served."""
        self._add(
            re.escape(list_page_name(day, page)),
            times,
            lambda reply: reply,
            lambda: self._publish(day, rows),
        )

    def _body(self, pattern: str, times: int | None, change: Callable[[bytes], bytes]) -> None:
        self._add(pattern, times, lambda reply: replace(reply, body=change(reply.body)))

    def _add(
        self,
        pattern: str,
        times: int | None,
        change: Callable[[Reply], Reply],
        afterwards: Callable[[], object] = _nothing,
    ) -> None:
        with self._lock:
            self._rules.append(
                _Rule(re.compile(pattern), times, change, afterwards, self._since, self._until)
            )


_NOT_FAULTS = {"between", "clear", "matches", "applied"}
FAULTS = tuple(
    name for name in vars(Faults) if not name.startswith("_") and name not in _NOT_FAULTS
)
"""The methods that switch a fault on, by name."""


def _bomb(unpacked_bytes: int) -> bytes:
    packed = io.BytesIO()
    member = zipfile.ZipInfo("XBRLData/Summary/tse-acedjpsm-00000-0-ixbrl.htm")
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(packed, "w") as archive, archive.open(member, "w") as unpacked:
        zeros = bytes(1 << 20)
        for start in range(0, unpacked_bytes, len(zeros)):
            unpacked.write(zeros[: unpacked_bytes - start])
    return packed.getvalue()
