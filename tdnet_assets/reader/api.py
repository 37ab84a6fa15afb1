"""The API over HTTP: rows as JSON, CSV or Parquet, one disclosure, and the stored files.

What belongs here: addresses and forms of the answers. What does not: which rows
(``api_resources.py``).
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import polars as pl

from tdnet_assets.lookups import disclosure_of, files_of, stored_file
from tdnet_assets.reader.api_resources import RESOURCES, Asked, Resource, page_of_rows
from tdnet_assets.reader.openapi import openapi
from tdnet_assets.reader.parameters import (
    DEFAULT_PAGE,
    LARGEST_FILE_PAGE,
    LARGEST_JSON_PAGE,
    cursor_of,
)
from tdnet_assets.reader.problems import ProblemError
from tdnet_assets.reader.responses import Answer, Asking, Prepared
from tdnet_assets.resources.lake.store import sha256
from tdnet_assets.tables.written_values import in_csv, in_json
from tdnet_assets.tdnet.foreign_text import visible
from tdnet_assets.tdnet.identifiers import as_printed, is_disclosure_id

BASE: Final = "/api/v1"
JSON: Final = "application/json"
FORMS: Final = {
    "": JSON,
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_FILES: Final = {"pdf": ("pdf", "application/pdf"), "zip": ("xbrl", "application/zip")}


def rows(asking: Asking) -> Prepared:
    """The answer of a resource, by the address's suffix as JSON, CSV or Parquet."""
    name, _, form = asking.path["name"].partition(".")
    resource = RESOURCES.get(name)
    if resource is None or form not in FORMS:
        known = ", ".join(RESOURCES)
        raise ProblemError(
            404, f"no resource {asking.path['name'][:80]!r}: use {known}, with .csv or .parquet"
        )
    query = asking.query([one.name for one in resource.parameters])
    largest = LARGEST_JSON_PAGE if form == "" else LARGEST_FILE_PAGE
    limit = query.number("limit", DEFAULT_PAGE if form == "" else LARGEST_FILE_PAGE, largest)
    cursor = query.cursor(len(resource.order))
    library = asking.reader.library
    window = asking.reader.window.now(wait_seconds=2) if name == "days" else asking.reader.no_window
    asked = resource.asked(library, window, query)
    # Companies' names come from all of their days, links from later ones.
    version = library.version(
        resource.tables, asked.first, None if "report_links" in resource.tables else asked.last
    )

    def make() -> Answer:
        page, end = page_of_rows(resource.rows(asked), resource.order, cursor, limit)
        page = page.select([column.name for column in resource.columns])
        following = cursor_of(end) if end is not None else None
        return _written(resource, asked, form, page, following)

    return Prepared(f"{version} {window.version}", make)


def _written(
    resource: Resource, asked: Asked, form: str, page: pl.DataFrame, following: str | None
) -> Answer:
    headers = {}
    if following is not None:
        suffix = f".{form}" if form else ""
        values = {**asked.query.values, "cursor": following}
        address = f"{BASE}/{resource.name}{suffix}?{urlencode(values)}"
        headers["link"] = f'<{address}>; rel="next"'
    if form:
        headers["content-disposition"] = f'attachment; filename="{resource.name}.{form}"'
    if form == "parquet":
        content = io.BytesIO()
        page.write_parquet(content)
        return Answer(content.getvalue(), FORMS[form], headers)
    if form == "csv":
        return Answer(_csv(page), FORMS[form], headers)
    return Answer(_json({"items": _items(page), "next": following}), JSON, headers)


def _items(page: pl.DataFrame) -> list[Mapping[str, Any]]:
    return [in_json(row) for row in page.iter_rows(named=True)]


def _csv(page: pl.DataFrame) -> bytes:
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(page.columns)
    for row in page.iter_rows():
        writer.writerow([in_csv(value) for value in row])
    return output.getvalue().encode()


def _json(said: Mapping[str, Any] | Sequence[Any]) -> bytes:
    # What reorders a line or hides in it stands as an escape, which JSON reads the same.
    return visible(json.dumps(said, ensure_ascii=False, separators=(",", ":"))).encode()


def disclosure(asking: Asking) -> Prepared:
    """One disclosure with its files."""
    number = _number(asking.path["disclosure_id"])
    query = asking.query(["as_of"])
    as_of = query.moment("as_of")
    config = asking.reader.library.config
    found = disclosure_of(config, number, as_of)
    if found.is_empty():
        raise ProblemError(
            404, f"no disclosure {number} in the lake: look for it in {BASE}/disclosures"
        )
    files = files_of(config, number)
    said = {**in_json(found.row(0, named=True)), "documents": _items(files)}
    content = _json(said)
    return Prepared(sha256(content), lambda: Answer(content, JSON))


def document(asking: Asking) -> Prepared:
    """The bytes of a stored file, as an attachment; a part of them where a range is asked for."""
    number, _, suffix = asking.path["file"].partition(".")
    if suffix not in _FILES:
        raise ProblemError(404, "a file's address ends in .pdf or .zip")
    kind, media_type = _FILES[suffix]
    asking.query([])
    content = stored_bytes(asking, _number(number), kind)
    name = f'attachment; filename="{number}.{suffix}"'
    return Prepared(
        sha256(content),
        lambda: Answer(content, media_type, {"content-disposition": name}),
        is_file=True,
    )


def stored_bytes(asking: Asking, number: str, kind: str) -> bytes:
    """A stored file's bytes, which are those that were fetched.

    Raises:
        QueryError: the number is not one, or the lake does not have the file.
    """
    library = asking.reader.library

    def read() -> bytes:
        return stored_file(library.config, number, kind)[1]

    # What is stored of a disclosure never changes.
    return library.kept(("file", number, kind), "", read, len)


def description(asking: Asking) -> Prepared:
    """What the API answers, in OpenAPI's terms."""
    asking.query([])
    content = json.dumps(openapi(), ensure_ascii=False, separators=(",", ":")).encode()
    return Prepared(sha256(content), lambda: Answer(content, JSON))


def _number(text: str) -> str:
    number = as_printed(text)
    if not is_disclosure_id(number):
        raise ProblemError(404, f"{text[:80]!r} is not a disclosure number: it has 14 digits")
    return number
