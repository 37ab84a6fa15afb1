"""What a run may do in AWS, an operator, and the reader: nothing that they do not need.

What belongs here: the statements of the managed policies. What does not: to whom they are
attached (the deployment's own roles), and the bucket's own policy (``bucket.py``).

A call that the code makes and that is missing here fails a test that records a run's calls; so does
a permission that no recorded call needs.
"""

from dataclasses import dataclass
from typing import Any, Final

from tdnet_assets.config import PlatformConfig
from tdnet_assets.infrastructure import names
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.notices.watch_source import read_watch_list
from tdnet_assets.tdnet.watching.watch_list import WatchList

VERSION: Final = "2012-10-17"

RUN_POLICY: Final = "RunPolicy"
"""Logical id of the run policy in the template, and so a part of its name."""

_BUCKET_SETTINGS: Final = [
    "s3:GetBucketLocation",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
]
_TABLE_SETTINGS: Final = [
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
]

_Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """Where ARNs point: partition (``aws``, ``aws-cn``…), region, account number or ``*``."""

    partition: str
    region: str
    number: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.number}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource whose name needs neither region nor account, as a bucket's."""
        return f"arn:{self.partition}:{service}:::{resource}"

    def regionless_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account that belongs to no region, as a policy's."""
        return f"arn:{self.partition}:{service}::{self.number}:{resource}"


OF_THE_STACK: Final = Account("${AWS::Partition}", "${AWS::Region}", "${AWS::AccountId}")
"""The account that the template is deployed to; the strings are for ``Fn::Sub``."""


def account_of(config: PlatformConfig, number: str = "*") -> Account:
    """The account of a configuration: its region, and the partition that the region is in."""
    import botocore.session  # noqa: PLC0415 - 0.3 s that the template need not pay

    partition = botocore.session.Session().get_partition_for_region(config.aws_region)
    return Account(partition, config.aws_region, number)


def run_policy(config: PlatformConfig, account: Account) -> dict[str, Any]:
    """What the code location needs: its runs, sensors and schedules.

    Args:
        config: names of everything.
        account: where they are.

    Returns:
        An IAM policy document.
    """
    executions, disclosures, _ = _tables(config, account)
    statements = [
        _metrics(config),
        # A put on a condition (If-Match) asks for both.
        *_reads_of_the_lake(config, account),
        *_writes_of_the_lake(config, account),
        _allow("WriteExecutions", ["dynamodb:GetItem", "dynamodb:UpdateItem"], executions),
        _allow(
            "WriteDisclosures",
            [
                "dynamodb:BatchGetItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:DeleteItem",
                "dynamodb:UpdateItem",
            ],
            disclosures,
        ),
        _queries(executions, disclosures),
    ]
    if config.notice_topic:
        statements.append(_allow("SendNotices", ["sns:Publish"], config.notice_topic))
    if config.watches:
        statements += _watching(config, account)
    return {"Version": VERSION, "Statement": statements}


def operator_policy(config: PlatformConfig, account: Account) -> dict[str, Any]:
    """What a person needs who asks how things are: ``tdnet status``, ``query`` and ``doctor``.

    It writes little: ``tdnet doctor`` sends a metric to see whether it arrives, and keeps for
    others what TDnet refused it; ``tdnet verify --repair``
    takes damaged objects away (the runs that then bring them back need the run's policy as well).

    Args:
        config: names of everything.
        account: where they are.

    Returns:
        An IAM policy document.
    """
    executions, disclosures, notices = _tables(config, account)
    statements = [
        _metrics(config),
        _allow("ReadMetrics", ["cloudwatch:GetMetricData"], "*"),  # no condition exists for it
        *_reads_of_the_lake(config, account),
        _allow("ReadExecutions", ["dynamodb:GetItem"], executions),
        _repairs_of_the_lake(config, account),
        _remembers_refusals(config, account),
        _allow("ReadDisclosures", ["dynamodb:GetItem"], disclosures),
        _queries(executions, disclosures, *([notices] if config.watches else [])),
        *_examination(config, account, executions, disclosures, notices),
    ]
    return {"Version": VERSION, "Statement": statements}


def reader_policy(config: PlatformConfig, account: Account) -> dict[str, Any]:
    """What ``tdnet serve`` needs: to read the lake, the records of runs and the index's register.

    Args:
        config: names of everything.
        account: where they are.

    Returns:
        An IAM policy document.
    """
    executions, disclosures, _ = _tables(config, account)
    statements = [
        *_reads_of_the_lake(config, account),
        _allow("ReadRegister", ["dynamodb:BatchGetItem"], disclosures),
        _queries(executions),
    ]
    return {"Version": VERSION, "Statement": statements}


def _tables(config: PlatformConfig, account: Account) -> tuple[str, str, str]:
    """The ARNs of the tables: executions, disclosures, notices."""
    return (
        account.arn("dynamodb", f"table/{config.executions_table}"),
        account.arn("dynamodb", f"table/{config.disclosures_table}"),
        account.arn("dynamodb", f"table/{config.notices_table}"),
    )


def _watching(config: PlatformConfig, account: Account) -> list[_Statement]:
    """What telling people needs: the table, and the topics and secrets that the file names."""
    watches = read_watch_list(config)
    *_, table = _tables(config, account)
    secrets, parameters = _secrets(watches, account)
    actions = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    optional = (
        ("TellTopics", "sns:Publish", list(watches.topics)),
        ("ReadSecrets", "secretsmanager:GetSecretValue", secrets),
        ("ReadParameters", "ssm:GetParameter", parameters),
    )
    return [
        _allow("WriteNotices", actions, table),
        _allow("QueryNotices", ["dynamodb:Query"], f"{table}/index/*"),
        *(_allow(sid, [action], named) for sid, action, named in optional if named),
    ]


def _secrets(watches: WatchList, account: Account) -> tuple[list[str], list[str]]:
    """The ARNs of the secrets and of the parameters that a watch file names."""
    kinds = [reference.partition(":") for reference in watches.references]
    return (
        [name for kind, _, name in kinds if kind == "secretsmanager"],
        [account.arn("ssm", f"parameter{name}") for kind, _, name in kinds if kind == "ssm"],
    )


def _examination(config: PlatformConfig, account: Account, *tables: str) -> list[_Statement]:
    """What only ``tdnet doctor`` reads: settings of the parts of the stack."""
    stack = names.stack(config)
    watches = read_watch_list(config)
    topics = [account.arn("sns", names.topic(config)), config.notice_topic, *watches.topics]
    secrets, parameters = _secrets(watches, account)
    # Whether they are there, without a right to read them; IAM knows no limit for the second.
    watched = [
        *([_allow("SeeSecrets", ["secretsmanager:DescribeSecret"], secrets)] if secrets else []),
        *([_allow("SeeParameters", ["ssm:DescribeParameters"], "*")] if parameters else []),
    ]
    return [
        *watched,
        _allow("ReadBucketSettings", _BUCKET_SETTINGS, account.global_arn("s3", config.bucket)),
        _allow("ReadTableSettings", _TABLE_SETTINGS, list(tables)),
        # Whether it asks for all alarms or for those that are named is nowhere documented.
        _allow("ReadAlarms", ["cloudwatch:DescribeAlarms"], account.arn("cloudwatch", "alarm:*")),
        _allow(
            "ReadDashboard",
            ["cloudwatch:GetDashboard"],
            account.regionless_arn("cloudwatch", f"dashboard/{names.dashboard(config)}"),
        ),
        _allow("ReadTopics", ["sns:GetTopicAttributes"], list(dict.fromkeys(filter(None, topics)))),
        _allow(
            "ReadStack",
            ["cloudformation:DescribeStacks"],
            account.arn("cloudformation", f"stack/{stack}/*"),
        ),
        # CloudFormation names the policy by the stack, its place in the template, and a random end.
        _allow(
            "ReadRunPolicy",
            ["iam:GetPolicy", "iam:GetPolicyVersion"],
            account.regionless_arn("iam", f"policy/{stack}-{RUN_POLICY}-*"),
        ),
    ]


def _metrics(config: PlatformConfig) -> _Statement:
    return _allow(
        "SendMetrics",
        ["cloudwatch:PutMetricData"],
        "*",  # metrics have no ARN: the namespace is what limits them
        {"StringEquals": {"cloudwatch:namespace": config.metrics_namespace}},
    )


def _reads_of_the_lake(config: PlatformConfig, account: Account) -> list[_Statement]:
    bucket = account.global_arn("s3", config.bucket)
    # Without the right to list, S3 answers 403 where an object is missing, instead of 404.
    below_prefix = {"StringLike": {"s3:prefix": f"{config.prefix}*"}} if config.prefix else None
    return [
        _allow("ReadLake", ["s3:GetObject"], f"{bucket}/{config.prefix}*"),
        _allow("ListLake", ["s3:ListBucket"], bucket, below_prefix),
    ]


def _writes_of_the_lake(config: PlatformConfig, account: Account) -> list[_Statement]:
    """Tables are made again and again; what TDnet sent is put once, and kept for ever."""
    lake = f"{account.global_arn('s3', config.bucket)}/{config.prefix}"
    # A put with If-None-Match succeeds only where there is nothing; without it, it is refused.
    only_creates = {"Null": {"s3:if-none-match": "false"}}
    return [
        _allow("WriteTables", ["s3:PutObject"], f"{lake}{layout.TABLES_FOLDER}*"),
        _allow("KeepFirstDay", ["s3:PutObject"], f"{lake}{layout.FIRST_DAY}"),
        _remembers_refusals(config, account),
        _allow(
            "KeepWhatTdnetSent",
            ["s3:PutObject"],
            [f"{lake}{folder}*" for folder in layout.IMMUTABLE_FOLDERS],
            only_creates,
        ),
    ]


def _remembers_refusals(config: PlatformConfig, account: Account) -> _Statement:
    """Whoever asks TDnet, if only once as ``tdnet doctor``, tells the next what it refused."""
    lake = f"{account.global_arn('s3', config.bucket)}/{config.prefix}"
    return _allow("RememberRefusals", ["s3:PutObject"], f"{lake}{layout.REFUSALS}")


def _repairs_of_the_lake(config: PlatformConfig, account: Account) -> _Statement:
    """``tdnet verify --repair`` takes away what is damaged and can be had again."""
    lake = f"{account.global_arn('s3', config.bucket)}/{config.prefix}"
    folders = (layout.TABLES_FOLDER, *layout.IMMUTABLE_FOLDERS)
    return _allow("RepairLake", ["s3:DeleteObject"], [f"{lake}{folder}*" for folder in folders])


def _queries(*tables: str) -> _Statement:
    # The tables are queried through their indexes only.
    return _allow("QueryIndexes", ["dynamodb:Query"], [f"{table}/index/*" for table in tables])


def _allow(
    sid: str,
    actions: list[str],
    resource: str | list[str],
    condition: dict[str, Any] | None = None,
) -> _Statement:
    statement: _Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": actions,
        "Resource": resource,
    }
    return {**statement, "Condition": condition} if condition else statement
