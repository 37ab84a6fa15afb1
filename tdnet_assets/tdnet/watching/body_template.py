"""The body of a webhook as an operator writes it: JSON with named places, filled in as data.

What belongs here: which places there are, and filling them. The template is read as JSON first, and
only texts inside it are filled: whatever stands in a title, the body stays the JSON that was meant.
What does not: what is put into the places (``notice_text.py``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Final

from tdnet_assets.tdnet.errors import TdnetAssetsError, shown

TEMPLATE_PLACES: Final = {
    "text": "the whole message, escaped for its form",
    "subject": "its first line",
    "count": "how many notices it tells",
    "first_code": "code of the first of them",
    "first_title": "title of the first of them",
}
_LARGEST = 20_000
_DEEPEST = 20


class BodyTemplateError(TdnetAssetsError):
    """A template is not valid; the message says what to write."""


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A valid template; ``text`` is as it was written."""

    text: str
    content: Any

    @classmethod
    def parse(cls, text: str) -> "BodyTemplate":
        """The template in a text.

        Raises:
            BodyTemplateError: it is not JSON, or names a place that there is not.
        """
        try:
            content = json.loads(text) if len(text) <= _LARGEST else None
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict | list):
            raise BodyTemplateError(
                f"is not a JSON object of at most {_LARGEST} characters: write e.g. "
                '{"text": "{text}"}'
            )
        _check(content)
        return cls(text, content)

    def filled(self, values: Mapping[str, str]) -> bytes:
        """The body with these values, by the names of :data:`TEMPLATE_PLACES`."""
        filled = _filled(self.content, values)
        return json.dumps(filled, ensure_ascii=False, separators=(",", ":")).encode()


def _check(content: Any, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise BodyTemplateError(f"is nested more than {_DEEPEST} deep")
    match content:
        case str():
            _parts(content)
        case dict():
            for value in content.values():
                _check(value, depth + 1)
        case list():
            for value in content:
                _check(value, depth + 1)


def _filled(content: Any, values: Mapping[str, str]) -> Any:
    match content:
        case str():
            return "".join(text + (values[name] if name else "") for text, name in _parts(content))
        case dict():
            return {key: _filled(value, values) for key, value in content.items()}
        case list():
            return [_filled(value, values) for value in content]
    return content


def _parts(text: str) -> list[tuple[str, str]]:
    """Literal texts, each with the name of the place behind it, or an empty one."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise BodyTemplateError(
            f"{shown(text)}: write a brace that is meant as such twice: {{{{ or }}}}"
        ) from None
    for _, name, layout, conversion in parts:
        if name is not None and (name not in TEMPLATE_PLACES or layout or conversion):
            raise BodyTemplateError(
                f"{shown(text)}: there is no place {shown(name)}; there are "
                + ", ".join(f"{{{place}}}" for place in TEMPLATE_PLACES)
            )
    return [(literal, name or "") for literal, name, _, _ in parts]
