"""DynamoDB items in the low-level client's form (``{"S": …}``), from plain values and back."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

Item = dict[str, dict[str, Any]]


def to_item(values: Mapping[str, Any]) -> Item:
    """The attributes of these values: texts, whole numbers, truth values, lists, sets of texts."""
    serializer, _ = _converters()
    return {name: serializer.serialize(value) for name, value in values.items()}


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The values of an item's attributes; a whole number is an int."""
    _, deserializer = _converters()
    return {name: _plain(deserializer.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) else value


@cache
def _converters() -> tuple[Any, Any]:
    # 0.5 s of import that a process without AWS calls need not pay
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer  # noqa: PLC0415

    return TypeSerializer(), TypeDeserializer()
