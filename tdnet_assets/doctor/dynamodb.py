"""The DynamoDB tables against the one definition of each.

What belongs here: keys, indexes, expiry, recovery, protection. What does not: what is in the tables
(``data.py``).
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from tdnet_assets.config import PlatformConfig
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import (
    Check,
    Finding,
    agreement,
    failed,
    listed,
    ok,
)
from tdnet_assets.doctor.identity import IDENTITY
from tdnet_assets.infrastructure.dynamodb_tables import (
    disclosures_table,
    executions_table,
    notices_table_properties,
)

EXECUTIONS_LABEL: Final = "executions table"
DISCLOSURES_LABEL: Final = "disclosures table"
NOTICES_LABEL: Final = "notices table"

_DEPLOY: Final = "`tdnet infra deploy`, or undo the change that was made by hand"
_ACTIVE: Final = "ACTIVE"

_Table = dict[str, Any]
_Declared = Callable[[PlatformConfig], _Table]


def structure(name: str, declared: _Declared, examination: Examination) -> Iterator[Finding]:
    """The table is there, with just the keys and indexes that the code reads by."""
    wanted = declared(examination.config)
    table = wanted["TableName"]
    try:
        found = examination.client("dynamodb").describe_table(TableName=table)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield failed(
            name,
            f"there is no {table} in {examination.config.aws_region}",
            f"`tdnet infra deploy` creates it, or name another one in {_variable(name)}",
        )
        return
    if problems := list(_differences(found, wanted)):
        yield failed(
            name,
            f"{table}: {listed(problems)}",
            f"name another table in {_variable(name)}, or mend this one: a key can only be changed "
            "by a new table, an index is made by `tdnet infra deploy`",
        )
        return
    indexes = ", ".join(index["IndexName"] for index in wanted["GlobalSecondaryIndexes"])
    yield ok(name, f"{table}, key {_keys(wanted)}, indexes {indexes}")


def expiry(name: str, declared: _Declared, examination: Examination) -> Iterator[Finding]:
    """Items expire by the declared attribute, or never."""
    wanted = declared(examination.config)
    answer = examination.client("dynamodb").describe_time_to_live(TableName=wanted["TableName"])
    described = answer["TimeToLiveDescription"]
    on = described["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    attribute = wanted.get("TimeToLiveSpecification", {}).get("AttributeName")
    yield agreement(
        f"{name} expiry",
        f"by {described.get('AttributeName')}" if on else "off",
        f"by {attribute}" if attribute else "off",
        _DEPLOY,
    )


def recovery(name: str, declared: _Declared, examination: Examination) -> Iterator[Finding]:
    """The table can be brought back as of any second of the last weeks."""
    table = declared(examination.config)["TableName"]
    answer = examination.client("dynamodb").describe_continuous_backups(TableName=table)
    described = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    yield agreement(
        f"{name} recovery",
        f"point in time {described.get('PointInTimeRecoveryStatus', 'DISABLED').lower()}",
        "point in time enabled",
        _DEPLOY,
    )


def protection(name: str, declared: _Declared, examination: Examination) -> Iterator[Finding]:
    """The table cannot be deleted by mistake."""
    table = declared(examination.config)["TableName"]
    found = examination.client("dynamodb").describe_table(TableName=table)["Table"]
    yield agreement(
        f"{name} protection",
        "on" if found.get("DeletionProtectionEnabled") else "off",
        "on",
        _DEPLOY,
    )


def _differences(found: _Table, wanted: _Table) -> Iterator[str]:
    if found["TableStatus"] != _ACTIVE:
        yield f"is {found['TableStatus']}"
    if _keys(found) != _keys(wanted):
        yield f"key is {_keys(found)}, should be {_keys(wanted)}"
    billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    if billing != wanted["BillingMode"]:
        yield f"billing is {billing}, should be {wanted['BillingMode']}"
    indexes = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", ())}
    for index in wanted["GlobalSecondaryIndexes"]:
        name = index["IndexName"]
        there = indexes.get(name)
        if there is None:
            yield f"index {name} is missing"
        elif _keys(there, found) != _keys(index, wanted):
            yield f"index {name} is by {_keys(there, found)}, should be {_keys(index, wanted)}"
        elif there["Projection"]["ProjectionType"] != index["Projection"]["ProjectionType"]:
            yield f"index {name} has {there['Projection']['ProjectionType']} of each item only"
        elif there.get("IndexStatus", _ACTIVE) != _ACTIVE:
            yield f"index {name} is {there['IndexStatus']}"


def _variable(name: str) -> str:
    return f"TDNET_{name.replace(' ', '_').upper()}"


def _keys(keyed: _Table, table: _Table | None = None) -> str:
    """Names, roles and types of the keys of a table or of an index of the table."""
    definitions = (table or keyed)["AttributeDefinitions"]
    types = {one["AttributeName"]: one["AttributeType"] for one in definitions}
    return " + ".join(
        f"{key['AttributeName']} ({types.get(key['AttributeName'])} {key['KeyType']})"
        for key in sorted(keyed["KeySchema"], key=lambda key: key["KeyType"])
    )


_TABLES: Final[tuple[tuple[str, _Declared], ...]] = (
    (EXECUTIONS_LABEL, executions_table),
    (DISCLOSURES_LABEL, disclosures_table),
    (NOTICES_LABEL, notices_table_properties),
)
CHECKS: Final = tuple(
    check
    for name, declared in _TABLES
    for check in (
        Check(name, partial(structure, name, declared), needs=(IDENTITY,)),
        Check(f"{name} expiry", partial(expiry, name, declared), needs=(name,)),
    )
)
STACK_CHECKS: Final = tuple(
    check
    for name, declared in _TABLES
    for check in (
        Check(f"{name} recovery", partial(recovery, name, declared), needs=(name,)),
        Check(f"{name} protection", partial(protection, name, declared), needs=(name,)),
    )
)
