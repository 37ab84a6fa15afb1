"""AWS calls as they are on the wire: a recording proxy, and what IAM calls each request.

Whichever client sends a request, boto3 or obstore, it passes here. A request that this module
cannot name raises :class:`UnknownCallError`: a new kind of call is never overlooked.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.aws_proxy import Answer, Request, Send, proxy

# The account that the embedded AWS plays.
ACCOUNT = "000000000000"
_JSON_SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "GraniteServiceVersion20100801": "cloudwatch",
    "secretsmanager": "secretsmanager",
    "AmazonSSM": "ssm",
}
_QUERY_SERVICES = {
    "Publish": "sns",
    "GetTopicAttributes": "sns",
    "GetCallerIdentity": "sts",
    "DescribeStacks": "cloudformation",
    "GetPolicy": "iam",
    "GetPolicyVersion": "iam",
}
_S3_SETTINGS = {
    "encryption": "s3:GetEncryptionConfiguration",
    "lifecycle": "s3:GetLifecycleConfiguration",
    "location": "s3:GetBucketLocation",
    "ownershipControls": "s3:GetBucketOwnershipControls",
    "policy": "s3:GetBucketPolicy",
    "publicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "versioning": "s3:GetBucketVersioning",
}
# Headers that make a request need more than its own action.
_COSTLY_S3_HEADERS = ("x-amz-copy-source", "x-amz-tagging", "x-amz-acl", "x-amz-object-lock-mode")


class UnknownCallError(AssertionError):
    """A request that this module has no IAM action for: teach it, and look at the policy."""


@dataclass(frozen=True)
class Call:
    """One request in IAM's terms; ``context`` are the condition keys that it brings."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    def elsewhere(self, **changes: Any) -> "Call":
        return replace(self, **changes)


@contextmanager
def recording_proxy(endpoint_url: str) -> Iterator[tuple[str, list[Request]]]:
    """The address of a proxy in front of an endpoint, and the requests that came so far."""
    requests: list[Request] = []

    def pass_on(request: Request, send: Send) -> Answer:
        requests.append(request)
        return send()

    with proxy(endpoint_url, pass_on) as address:
        yield address, requests


def calls(requests: Sequence[Request], region: str) -> list[Call]:
    """What IAM is asked for these requests, each different question once, in order."""
    return list(dict.fromkeys(call for request in requests for call in _calls(request, region)))


def metric_data(requests: Sequence[Request]) -> list[tuple[str, dict[str, Any]]]:
    """Namespace and datum of everything that was sent with PutMetricData."""
    return [
        (sent["Namespace"], datum)
        for request in requests
        if _operation(request) == ("cloudwatch", "PutMetricData")
        for sent in (_arguments(request),)
        for datum in sent["MetricData"]
    ]


def _calls(request: Request, region: str) -> Iterator[Call]:
    service, operation = _operation(request)
    match service:
        case "s3":
            yield _s3_call(request)
        case "dynamodb":
            for table in _tables(_arguments(request)):
                arn = f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{table}"
                yield Call(f"dynamodb:{operation}", arn)
        case "cloudwatch":
            yield _cloudwatch_call(operation, _arguments(request), region)
        case "sns":
            yield Call(f"sns:{operation}", _form(request)["TopicArn"])
        case "iam":
            yield Call(f"iam:{operation}", _form(request)["PolicyArn"])
        case "cloudformation":
            stack = f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{_form(request)['StackName']}"
            yield Call(f"cloudformation:{operation}", f"{stack}/*")
        case "secretsmanager":
            yield Call(f"secretsmanager:{operation}", _arguments(request)["SecretId"])
        case "ssm" if operation == "DescribeParameters":
            yield Call("ssm:DescribeParameters", "*")
        case "ssm":
            name = _arguments(request)["Name"]
            yield Call(f"ssm:{operation}", f"arn:aws:ssm:{region}:{ACCOUNT}:parameter{name}")
        case "sts":
            pass  # who one is, everybody may ask
        case _:
            raise UnknownCallError(f"{request}: {service} {operation}")


def _operation(request: Request) -> tuple[str, str]:
    target = request.headers.get("x-amz-target")
    if target:
        name, _, operation = target.partition(".")
        return _known(_JSON_SERVICES, name, request), operation
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        operation = _form(request)["Action"]
        return _known(_QUERY_SERVICES, operation, request), operation
    return "s3", request.method


def _known(services: Mapping[str, str], name: str, request: Request) -> str:
    if name not in services:
        raise UnknownCallError(f"{request}: no service is known for {name}")
    return services[name]


def _tables(arguments: Mapping[str, Any]) -> list[str]:
    """Tables of a request as their ARNs end, with the index where it asks one."""
    if "RequestItems" in arguments:
        return sorted(arguments["RequestItems"])
    if "TableName" not in arguments:
        raise UnknownCallError(f"DynamoDB arguments without a table: {sorted(arguments)}")
    index = arguments.get("IndexName")
    return [arguments["TableName"] + (f"/index/{index}" if index else "")]


def _cloudwatch_call(operation: str, arguments: Mapping[str, Any], region: str) -> Call:
    match operation:
        case "PutMetricData":
            context = (("cloudwatch:namespace", arguments["Namespace"]),)
            return Call("cloudwatch:PutMetricData", "*", context)
        case "GetMetricData":
            return Call("cloudwatch:GetMetricData", "*")
        case "DescribeAlarms":
            # Of two readings of what named alarms need, the one that needs more.
            return Call(
                "cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:*"
            )
        case "GetDashboard":
            name = arguments["DashboardName"]
            return Call(
                "cloudwatch:GetDashboard", f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"
            )
    raise UnknownCallError(f"CloudWatch {operation}")


def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def _s3_call(request: Request) -> Call:
    parts = urlsplit(request.target)
    query = {name: values[0] for name, values in parse_qs(parts.query, True).items()}
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    costly = [name for name in _COSTLY_S3_HEADERS if name in request.headers]
    if costly:
        raise UnknownCallError(f"{request}: S3 with {', '.join(costly)}")
    if not key and request.method == "GET" and query.pop("list-type", None) == "2":
        context = tuple(
            (f"s3:{name}", query[name])
            for name in ("prefix", "delimiter", "max-keys")
            if name in query
        )
        return Call("s3:ListBucket", f"arn:aws:s3:::{bucket}", context)
    if (
        not key
        and request.method == "GET"
        and len(query) == 1
        and query.keys() <= _S3_SETTINGS.keys()
    ):
        return Call(_S3_SETTINGS[next(iter(query))], f"arn:aws:s3:::{bucket}")
    if not key and request.method == "POST" and query.keys() == {"delete"}:
        # DeleteObjects names them in its body; ours has one at a time.
        (deleted,) = re.findall(rb"<Key>([^<]+)</Key>", request.body)
        return Call("s3:DeleteObject", f"arn:aws:s3:::{bucket}/{deleted.decode()}")
    actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject"}
    if not key or query or request.method not in actions:
        raise UnknownCallError(f"{request}: S3")
    # Of reads too, but only of a put does IAM know it.
    asked = request.headers.get("if-none-match") if request.method == "PUT" else None
    context = (("s3:if-none-match", asked),) if asked else ()
    return Call(actions[request.method], f"arn:aws:s3:::{bucket}/{key}", context)


def _arguments(request: Request) -> dict[str, Any]:
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    read: dict[str, Any] = json.loads(body)
    return read
