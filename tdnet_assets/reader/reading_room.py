"""What every answer is made from: the lake, the window's days, records, templates, words.

What belongs here: the parts, made once for a server. What does not: any of them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from typing import Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tdnet_assets.config import PlatformConfig
from tdnet_assets.reader import written_figures
from tdnet_assets.reader.languages import LANGUAGES, NAMES
from tdnet_assets.reader.library import Library
from tdnet_assets.reader.window_days import Window, WindowDays
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.notices.watch_source import WatchSource
from tdnet_assets.tdnet.categories import CATEGORIES
from tdnet_assets.tdnet.foreign_text import visible
from tdnet_assets.tdnet.identifiers import four_character_code
from tdnet_assets.tdnet.listing import TOKYO

STATIC_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class ReadingRoom:
    """The parts of a running reader; safe to share between threads."""

    def __init__(self, config: PlatformConfig) -> None:
        """Open the lake of a configuration, which is connected.

        Args:
            config: names and addresses.
        """
        self.library = Library(config)
        self.window = WindowDays(self.library)
        self.executions = ExecutionsResource(config=config)
        self.watches = WatchSource(config)
        self.no_window = Window()

    def close(self) -> None:
        """End the threads of the background; what has begun ends first."""
        self.window.close()
        self.library.close()

    @cached_property
    def static(self) -> Mapping[str, bytes]:
        """The files that pages need, by name."""
        folder = files("tdnet_assets.reader") / "static"
        return {
            found.name: found.read_bytes()
            for found in folder.iterdir()
            if found.name.rpartition(".")[2] in STATIC_TYPES
        }

    @cached_property
    def edition(self) -> str:
        """Another one whenever the pages themselves are others."""
        digest = hashlib.sha256()
        for folder in ("static", "templates"):
            for found in sorted(
                (files("tdnet_assets.reader") / folder).iterdir(), key=lambda one: one.name
            ):
                digest.update(found.read_bytes())
        return digest.hexdigest()[:12]

    @cached_property
    def templates(self) -> Environment:
        """The templates; whatever they show of strangers is text that does nothing."""
        made = Environment(
            loader=PackageLoader("tdnet_assets.reader"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters.update(
            millions=written_figures.millions,
            per_share=written_figures.per_share,
            whole=written_figures.whole,
            rate=written_figures.rate,
            share=written_figures.share,
            tokyo=_in_tokyo,
            short_code=lambda code: four_character_code(code) or code,
        )
        made.globals.update(
            edition=self.edition,
            languages=[(one, NAMES[one]) for one in LANGUAGES],
            categories=list(CATEGORIES),
            address=_address,
        )
        return made


def _shown(value: object) -> object:
    """What stands in a page for a value: of a text, every mark that hides or reorders is seen."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value


def _address(path: str, query: Iterable[tuple[str, str]] | Mapping[str, str], **more: str) -> str:
    """A path with a query string, of which empty values are left out."""
    pairs = dict(query.items() if isinstance(query, Mapping) else query) | more
    kept = [(name, value) for name, value in pairs.items() if value]
    return f"{quote(path)}?{urlencode(kept)}" if kept else quote(path)


def _in_tokyo(moment: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    return "" if moment is None else moment.astimezone(TOKYO).strftime(form)
