"""The lake's bucket against its declaration in the template.

What belongs here: reading the bucket's settings and saying how they differ. What does not: what
they should be (``infrastructure/bucket_properties.py``), and what is in the bucket (``data.py``).
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import (
    Check,
    Finding,
    agreement,
    failed,
    ok,
)
from tdnet_assets.doctor.identity import IDENTITY
from tdnet_assets.infrastructure import bucket_properties as declared

BUCKET: Final = "bucket"

_DEPLOY: Final = "`tdnet infra deploy`, or undo the change that was made by hand"
# S3 answers 404 with one of these where a setting was never made.
_UNSET: Final = frozenset(
    (
        "NoSuchBucketPolicy",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    )
)
# What S3 calls that region, which is its default.
_NO_LOCATION_REGION: Final = "us-east-1"


def existence(examination: Examination) -> Iterator[Finding]:
    """The bucket is there and in the configured region."""
    config = examination.config
    owner = examination.caller["Account"]
    try:
        location = examination.client("s3").get_bucket_location(
            Bucket=config.bucket, ExpectedBucketOwner=owner
        )
    except ClientError as error:
        code, message = (error.response["Error"].get(part, "") for part in ("Code", "Message"))
        if code == "NoSuchBucket":
            seen, advice = (
                f"there is no {config.bucket}",
                "`tdnet infra deploy` creates it, or name",
            )
        elif code == "AccessDenied":
            seen = f"{config.bucket} is closed to us: {message}"
            advice = f"does it belong to account {owner}? If so, allow this call, or name"
        else:
            raise
        yield failed(BUCKET, seen, f"{advice} another one in TDNET_BUCKET")
        return
    region = location["LocationConstraint"] or _NO_LOCATION_REGION
    if region != config.aws_region:
        yield failed(
            BUCKET,
            f"{config.bucket} is in {region}, the configuration says {config.aws_region}",
            "set AWS_REGION to the bucket's region, or name another bucket in TDNET_BUCKET",
        )
        return
    yield ok(BUCKET, f"{config.bucket} in {region}")


def encryption(examination: Examination) -> Iterator[Finding]:
    """Objects are encrypted at rest in the declared way."""
    answer = _setting(examination, "get_bucket_encryption").get(
        "ServerSideEncryptionConfiguration", {}
    )
    rules = answer.get("Rules", ())
    found = [rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules]
    wanted = [
        rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        for rule in _declared(examination)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    ]
    yield agreement("bucket encryption", _joined(found), _joined(wanted), _DEPLOY)


def versioning(examination: Examination) -> Iterator[Finding]:
    """What is overwritten or deleted can be brought back."""
    found = _setting(examination, "get_bucket_versioning").get("Status", "off")
    wanted = _declared(examination)["VersioningConfiguration"]["Status"]
    yield agreement("bucket versioning", found, wanted, _DEPLOY)


def public_access(examination: Examination) -> Iterator[Finding]:
    """Nothing in the bucket can be made public."""
    found = _setting(examination, "get_public_access_block").get(
        "PublicAccessBlockConfiguration", {}
    )
    wanted = _declared(examination)["PublicAccessBlockConfiguration"]
    open_doors = [name for name, value in wanted.items() if found.get(name) != value]
    if open_doors:
        yield failed(
            "bucket public access", f"not blocked: {_joined(open_doors)} should be on", _DEPLOY
        )
    else:
        yield ok("bucket public access", "blocked in all four ways")


def tls_only(examination: Examination) -> Iterator[Finding]:
    """The bucket's own policy refuses requests without TLS."""
    name = "bucket TLS"
    text = _setting(examination, "get_bucket_policy").get("Policy")
    statements = _statements(json.loads(text)) if text else []
    (wanted,) = _statements(declared.bucket_policy("Bucket")["PolicyDocument"])
    arn = f"arn:{examination.account.partition}:s3:::{examination.config.bucket}"
    wanted["Resource"] = [arn, f"{arn}/*"]
    if any(_same_statement(found, wanted) for found in statements):
        yield ok(name, "requests without it are denied")
    else:
        yield failed(name, "the bucket's policy does not deny requests without it", _DEPLOY)


def ownership(examination: Examination) -> Iterator[Finding]:
    """Access lists of single objects have no effect."""
    answer = _setting(examination, "get_bucket_ownership_controls").get("OwnershipControls", {})
    found = [rule["ObjectOwnership"] for rule in answer.get("Rules", ())]
    wanted = [
        rule["ObjectOwnership"] for rule in _declared(examination)["OwnershipControls"]["Rules"]
    ]
    yield agreement("bucket ownership", _joined(found), _joined(wanted), _DEPLOY)


def lifecycle(examination: Examination) -> Iterator[Finding]:
    """Old versions and abandoned uploads go, and nothing current ever expires."""
    name = "bucket lifecycle"
    rules = _setting(examination, "get_bucket_lifecycle_configuration").get("Rules", [])
    deleting = [rule.get("ID", "without a name") for rule in rules if _deletes_data(rule)]
    if deleting:
        yield failed(
            name,
            f"rule {_joined(deleting)} deletes current objects",
            f"switch it off at once, then {_DEPLOY}",
        )
        return
    found = [_days(rule) for rule in rules if rule["Status"] == "Enabled"]
    missing = [
        rule["Id"]
        for rule in _declared(examination)["LifecycleConfiguration"]["Rules"]
        if _days(rule) not in found
    ]
    if missing:
        yield failed(name, f"rule {_joined(missing)} is missing or different", _DEPLOY)
    else:
        yield ok(
            name,
            f"old versions go after {declared.NONCURRENT_DAYS} days, abandoned uploads after "
            f"{declared.INCOMPLETE_UPLOAD_DAYS}",
        )


def _declared(examination: Examination) -> dict[str, Any]:
    return declared.bucket(examination.config)


def _setting(examination: Examination, operation: str) -> dict[str, Any]:
    """What S3 says of one setting; empty where it was never made."""
    client = examination.client("s3")
    try:
        answer: dict[str, Any] = getattr(client, operation)(Bucket=examination.config.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _UNSET:
            raise
        return {}
    return answer


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    statements = policy["Statement"]
    return [statements] if isinstance(statements, dict) else list(statements)


def _same_statement(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether both say the same; names of statements mean nothing, nor does the order of ARNs."""
    return all(
        _canonical(found.get(name)) == _canonical(value)
        for name, value in wanted.items()
        if name != "Sid"
    )


def _canonical(value: Any) -> Any:
    # S3 may write a single element without its list, and everybody as {"AWS": "*"}.
    if isinstance(value, list):
        return sorted(value)
    if value == {"AWS": "*"}:
        return ["*"]
    return [value] if isinstance(value, str) else value


def _deletes_data(rule: dict[str, Any]) -> bool:
    # Of a whole rule, only a bare delete marker may expire.
    expiration = rule.get("Expiration", {})
    return rule["Status"] == "Enabled" and bool({"Days", "Date"} & expiration.keys())


def _days(rule: dict[str, Any]) -> tuple[Any, ...]:
    """A rule's effect, whether S3 or CloudFormation spells it."""
    marker = rule.get("ExpiredObjectDeleteMarker") or rule.get("Expiration", {}).get(
        "ExpiredObjectDeleteMarker"
    )
    return (
        rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        bool(marker),
    )


def _joined(names: list[str]) -> str:
    return ", ".join(names) or "none"


EXISTENCE: Final = Check(BUCKET, existence, needs=(IDENTITY,))
BUCKET_SETTINGS: Final = tuple(
    Check(f"{BUCKET} {name}", look, needs=(BUCKET,))
    for name, look in (
        ("encryption", encryption),
        ("versioning", versioning),
        ("public access", public_access),
        ("TLS", tls_only),
        ("ownership", ownership),
        ("lifecycle", lifecycle),
    )
)
