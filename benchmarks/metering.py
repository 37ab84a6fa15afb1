"""A meter on the way to AWS: what AWS would bill for each request.

What belongs here: AWS's rules of what a request counts as. What does not: prices (``prices.py``).

The embedded AWS bills nothing, so what DynamoDB would is computed by its documented rules, from the
items themselves: the meter looks at them before and after each write, past the proxy.
"""

import gzip
import json
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.aws_proxy import Answer, Request, Send
from benchmarks.prices import Unit, Usage
from tdnet_assets.config import PlatformConfig
from tdnet_assets.resources.aws import clients, executions, index_table
from tdnet_assets.resources.lake import layout

_FOLDERS = {
    "raw": Unit.RAW_BYTES,
    "documents": Unit.DOCUMENT_BYTES,
    "tables": Unit.TABLE_BYTES,
    layout.REFUSALS: Unit.TABLE_BYTES,
}
_WRITE_UNIT_BYTES = 1024
_READ_UNIT_BYTES = 4096
_KEYS_A_LIST = 1000
_KEYS_A_READ = 100
# What DynamoDB stores of an item and of its entry in an index beyond their own bytes.
_STORED_OVERHEAD = 100
_OVERHEAD_OF_A_LIST = 3

Item = Mapping[str, Mapping[str, Any]]
# Hash and range key of a secondary index, which holds whole items.
Index = tuple[str, str]


class UnknownCallError(RuntimeError):
    """A request came by of which this module does not know what it costs."""


class Meter:
    """Counts what passes; safe to be passed by many threads.

    ``metrics`` are the custom metrics that came by, as CloudWatch tells them apart.
    """

    def __init__(self, config: PlatformConfig) -> None:
        """Make a meter.

        Args:
            config: the tables, at an endpoint that is not behind this meter.
        """
        definitions = [executions.table_definition(config)]
        definitions.append(index_table.table_definition(config))
        self.metrics: set[str] = set()
        self._indexes = {made["TableName"]: list(_indexes(made)) for made in definitions}
        self._keys = {
            made["TableName"]: made["KeySchema"][0]["AttributeName"] for made in definitions
        }
        self._prefix = config.prefix
        self._direct = clients.client(config, "dynamodb")
        self._usage = Usage()
        self._unknown: list[str] = []
        self._lock = threading.Lock()
        self._writes = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Usage]:
        """What passes meanwhile; known when the block ends.

        Raises:
            UnknownCallError: something passed that the meter cannot tell the price of.
        """
        before, taken = self._usage, Usage()
        yield taken
        taken.update(self._usage - before)
        if self._unknown:
            raise UnknownCallError(f"teach benchmarks/metering.py: {self._unknown[:3]}")

    def pass_on(self, request: Request, send: Send) -> Answer:
        """Send a request and count it; the ``pass_on`` of a proxy."""
        service, _, operation = request.headers.get("x-amz-target", "").partition(".")
        if service == "DynamoDB_20120810":
            return self._dynamodb(operation, _arguments(request), send)
        answer = send()
        if service == "GraniteServiceVersion20100801":
            self._cloudwatch(operation, _arguments(request))
        elif request.headers.get("content-type", "").startswith("application/x-www-form"):
            self._query_service(request)
        else:
            self._s3(request, answer)
        return answer

    def _count(self, unit: Unit, amount: float) -> None:
        with self._lock:
            self._usage = self._usage + Usage({unit: amount})

    def _s3(self, request: Request, answer: Answer) -> None:
        parts = urlsplit(request.target)
        _, _, key = parts.path.lstrip("/").partition("/")
        if request.method == "GET" and not key and "list-type" in parse_qs(parts.query):
            # The emulator gives all keys at once, S3 a thousand a request.
            found = len(re.findall(rb"<Key>", answer.body))
            self._count(Unit.S3_WRITES, max(1, math.ceil(found / _KEYS_A_LIST)))
        elif request.method in ("GET", "HEAD") and key:
            self._count(Unit.S3_READS, 1)
        elif request.method == "PUT" and key:
            self._count(Unit.S3_WRITES, 1)
            if answer.status == HTTPStatus.OK:
                folder = key.removeprefix(self._prefix).partition("/")[0]
                self._count(_FOLDERS[folder], len(request.body))
        else:
            self._unknown.append(f"{request}")

    def _cloudwatch(self, operation: str, arguments: Mapping[str, Any]) -> None:
        if operation == "PutMetricData":
            self._count(Unit.PUT_METRIC_DATA, 1)
            with self._lock:
                self.metrics |= {
                    f"{arguments['Namespace']} {datum['MetricName']} {datum['Dimensions']}"
                    for datum in arguments["MetricData"]
                }
        elif operation == "GetMetricData":
            self._count(Unit.METRICS_READ, len(arguments["MetricDataQueries"]))
        else:
            self._unknown.append(operation)

    def _query_service(self, request: Request) -> None:
        operation = parse_qs(request.body.decode())["Action"][0]
        if operation == "Publish":
            self._count(Unit.NOTICES, 1)
        else:
            self._unknown.append(operation)

    def _dynamodb(self, operation: str, arguments: dict[str, Any], send: Send) -> Answer:
        match operation:
            case "UpdateItem" | "DeleteItem":
                name = arguments["TableName"]
                return self._write({name: [arguments["Key"][self._keys[name]]["S"]]}, send)
            case "BatchWriteItem":
                return self._write(self._written(arguments["RequestItems"]), send)
            case "GetItem":
                name = arguments["TableName"]
                consistent = arguments.get("ConsistentRead", False)
                self._read(name, [arguments["Key"][self._keys[name]]["S"]], consistent)
            case "BatchGetItem":
                for name, wanted in arguments["RequestItems"].items():
                    keys = [key[self._keys[name]]["S"] for key in wanted["Keys"]]
                    self._read(name, keys, wanted.get("ConsistentRead", False))
            case "Query":
                self._query(arguments)
            case _:
                self._unknown.append(operation)
        return send()

    def _written(self, requests: Mapping[str, Any]) -> dict[str, list[str]]:
        """The keys that a batch writes, by table."""
        return {
            name: [
                (one["PutRequest"]["Item"] if "PutRequest" in one else one["DeleteRequest"]["Key"])[
                    self._keys[name]
                ]["S"]
                for one in ones
            ]
            for name, ones in requests.items()
        }

    def _write(self, keys: Mapping[str, Sequence[str]], send: Send) -> Answer:
        with self._writes:
            before = {name: self._items(name, numbers) for name, numbers in keys.items()}
            answer = send()
            after = {name: self._items(name, numbers) for name, numbers in keys.items()}
        for name, numbers in keys.items():
            for number in numbers:
                was, became = before[name].get(number), after[name].get(number)
                indexes = self._indexes[name]
                self._count(Unit.WRITE_UNITS, write_units(was, became, indexes))
                grown = stored_bytes(became, indexes) - stored_bytes(was, indexes)
                self._count(Unit.ITEM_BYTES, grown)
                # Point-in-time recovery is of the table, not of its indexes.
                grown = stored_bytes(became, ()) - stored_bytes(was, ())
                self._count(Unit.RECOVERY_BYTES, grown)
        return answer

    def _read(self, table: str, keys: Sequence[str], consistent: bool) -> None:
        items = self._items(table, keys)
        units = sum(read_units([item_bytes(items.get(key, {}))]) for key in keys)
        self._count(Unit.READ_UNITS, units if consistent else units / 2)

    def _query(self, arguments: Mapping[str, Any]) -> None:
        """A query is billed by all of the items that it reads, whatever it gives of them."""
        whole = {name: value for name, value in arguments.items() if name != "ProjectionExpression"}
        names = {
            name: value
            for name, value in arguments.get("ExpressionAttributeNames", {}).items()
            if re.search(rf"{name}\b", arguments["KeyConditionExpression"])
        }
        answer = self._direct.query(**{**whole, "ExpressionAttributeNames": names})
        units = read_units([item_bytes(item) for item in answer["Items"]])
        consistent = arguments.get("ConsistentRead", False)
        self._count(Unit.READ_UNITS, units if consistent else units / 2)

    def _items(self, table: str, keys: Sequence[str]) -> dict[str, Item]:
        """The items with these keys as they are now, by key."""
        name = self._keys[table]
        found: dict[str, Item] = {}
        for start in range(0, len(keys), _KEYS_A_READ):
            wanted = [{name: {"S": key}} for key in keys[start : start + _KEYS_A_READ]]
            asked = {table: {"Keys": wanted, "ConsistentRead": True}}
            answer = self._direct.batch_get_item(RequestItems=asked)
            found |= {item[name]["S"]: item for item in answer["Responses"][table]}
        return found


def write_units(was: Item | None, became: Item | None, indexes: Iterable[Index]) -> float:
    """Write units of a write: the larger size of the item, and each index entry that it changes.

    A write that a condition refused has changed nothing and is billed all the same.
    """
    units = _units(max(item_bytes(was or {}), item_bytes(became or {})))
    for index in indexes:
        old, new = _entry(was, index), _entry(became, index)
        if old == new:
            continue
        if old and new and all(old[name] == new[name] for name in index):
            units += _units(max(item_bytes(old), item_bytes(new)))
        else:  # another place in the index: taken out of the old one, put into the new one
            units += sum(_units(item_bytes(entry)) for entry in (old, new) if entry)
    return units


def read_units(sizes: Iterable[int]) -> float:
    """Read units of a consistent read of items of these bytes together; half as many if not."""
    return max(1, math.ceil(sum(sizes) / _READ_UNIT_BYTES))


def stored_bytes(item: Item | None, indexes: Iterable[Index]) -> int:
    """Bytes that are stored of an item, its entries in the indexes included."""
    entries = [item, *(_entry(item, index) for index in indexes)]
    return sum(item_bytes(entry) + _STORED_OVERHEAD for entry in entries if entry)


def item_bytes(item: Item) -> int:
    """Size of an item by DynamoDB's rules."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(str(content).encode())
        case "N":
            digits = str(content).lstrip("-").replace(".", "").strip("0")
            return 1 + math.ceil(len(digits) / 2) + str(content).startswith("-")
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(str(text).encode()) for text in content)
        case "L":
            return _OVERHEAD_OF_A_LIST + sum(1 + _value_bytes(element) for element in content)
    raise UnknownCallError(f"a DynamoDB attribute of type {kind}")


def _units(size: int) -> int:
    return max(1, math.ceil(size / _WRITE_UNIT_BYTES))


def _entry(item: Item | None, index: Index) -> Item | None:
    """What an index holds of an item: all of it, if it has both keys."""
    return item if item and all(name in item for name in index) else None


def _indexes(definition: Mapping[str, Any]) -> Iterator[Index]:
    for index in definition["GlobalSecondaryIndexes"]:
        if index["Projection"] != {"ProjectionType": "ALL"}:
            raise UnknownCallError(f"index {index['IndexName']} does not hold whole items")
        first, second = (key["AttributeName"] for key in index["KeySchema"])
        yield first, second


def _arguments(request: Request) -> dict[str, Any]:
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    read: dict[str, Any] = json.loads(body)
    return read
