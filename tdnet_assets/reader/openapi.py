"""The API's description in OpenAPI 3.1, made from the same entries as the API itself."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tdnet_assets.reader.api_resources import PARAMETERS, RESOURCES, Resource
from tdnet_assets.reader.problems import PROBLEM_JSON
from tdnet_assets.tables.disclosures import DISCLOSURES_TABLE
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.table import Column

if TYPE_CHECKING:
    from polars.datatypes import DataTypeClass

    PolarsDataType = pl.DataType | DataTypeClass

_Schema = Mapping[str, Any]
_PROBLEMS: Final = {
    "400": "What was asked is not clear; the detail says what to write.",
    "401": "A token is needed.",
    "404": "There is no such thing.",
    "503": "The lake does not answer, or too many ask at once.",
}
_FORMS: Final = {
    ".csv": ("text/csv", {"type": "string"}),
    ".parquet": ("application/vnd.apache.parquet", {"type": "string", "format": "binary"}),
}
_NUMBER: Final = {"type": "string", "pattern": "^[0-9]{14}$"}


@cache
def openapi() -> dict[str, Any]:
    """The document, in JSON's own types."""
    paths: dict[str, Any] = {}
    for resource in RESOURCES.values():
        paths[f"/api/v1/{resource.name}"] = {"get": _rows(resource)}
        for suffix, (media_type, schema) in _FORMS.items():
            paths[f"/api/v1/{resource.name}{suffix}"] = {
                "get": _file_of_rows(resource, suffix, media_type, schema)
            }
    paths["/api/v1/disclosures/{disclosure_id}"] = {"get": _disclosure()}
    for suffix, media_type in (("pdf", "application/pdf"), ("zip", "application/zip")):
        paths[f"/api/v1/documents/{{disclosure_id}}.{suffix}"] = {"get": _file(suffix, media_type)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TDnet reader",
            "version": version("tdnet-assets"),
            "description": "Disclosures of the Tokyo Stock Exchange's TDnet, as they are stored. "
            "They are works of their issuers and of the exchange, and may not be redistributed.",
        },
        "paths": paths,
        "components": {
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                    },
                },
                **{_name(one): _row(one.columns) for one in RESOURCES.values()},
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def schema_of(type_: "PolarsDataType") -> _Schema:
    """How values of a column's type stand in JSON; decimals are exact, and so text."""
    made = type_() if isinstance(type_, type) else type_
    if isinstance(made, pl.List):
        return {"type": ["array", "null"], "items": schema_of(made.inner)}
    if isinstance(made, pl.Struct):
        properties = {field.name: schema_of(field.dtype) for field in made.fields}
        return {"type": ["object", "null"], "properties": properties}
    if isinstance(made, pl.Date | pl.Datetime):
        form = "date" if isinstance(made, pl.Date) else "date-time"
        return {"type": ["string", "null"], "format": form}
    if made.is_integer():
        return {"type": ["integer", "null"]}
    name = {pl.Boolean: "boolean", pl.Float64: "number"}.get(type(made), "string")
    return {"type": [name, "null"]}


def _row(columns: tuple[Column, ...] | Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [column.name for column in columns],
        "properties": {
            column.name: {**schema_of(column.type), "description": column.description}
            for column in columns
        },
        "additionalProperties": False,
    }


def _rows(resource: Resource) -> dict[str, Any]:
    page = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {
                "type": "array",
                "items": {"$ref": f"#/components/schemas/{_name(resource)}"},
            },
            "next": {
                "type": ["string", "null"],
                "description": "cursor of the next page; null at the end",
            },
        },
        "additionalProperties": False,
    }
    return _operation(
        resource.name, resource.summary, _parameters(resource), "application/json", page
    )


def _file_of_rows(
    resource: Resource, suffix: str, media_type: str, schema: _Schema
) -> dict[str, Any]:
    name = f"{resource.name}_{suffix[1:]}"
    return _operation(name, resource.summary, _parameters(resource), media_type, schema)


def _disclosure() -> dict[str, Any]:
    columns = [column for column in DISCLOSURES_TABLE.columns if column.name != "date"]
    row = _row([Column("date", pl.Date, "JST day whose list shows it"), *columns])
    documents = [column for column in DOCUMENTS_TABLE.columns if column.name != "date"]
    files = _row([Column("date", pl.Date, "JST day whose list shows it"), *documents])
    row["properties"]["documents"] = {"type": "array", "items": files}
    parameters = [_path(), _query("as_of")]
    return _operation(
        "disclosure", "One disclosure with its files.", parameters, "application/json", row
    )


def _file(suffix: str, media_type: str) -> dict[str, Any]:
    content = {"type": "string", "format": "binary"}
    summary = f"The stored .{suffix} as it was fetched; takes ranges and conditions."
    return _operation(f"document_{suffix}", summary, [_path()], media_type, content)


def _operation(
    name: str, summary: str, parameters: list[_Schema], media_type: str, schema: _Schema
) -> dict[str, Any]:
    problem = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": summary, "content": {media_type: {"schema": schema}}},
            **{
                status: {"description": meaning, "content": problem}
                for status, meaning in _PROBLEMS.items()
            },
        },
    }


def _parameters(resource: Resource) -> list[_Schema]:
    return [_query(one.name) for one in resource.parameters]


def _query(name: str) -> _Schema:
    parameter = PARAMETERS[name]
    return {
        "name": name,
        "in": "query",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _path() -> _Schema:
    return {"name": "disclosure_id", "in": "path", "required": True, "schema": _NUMBER}


def _name(resource: Resource) -> str:
    return "".join(part.title() for part in resource.name.split("_"))
