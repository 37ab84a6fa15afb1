"""What watches over the runs: the metrics' way, alarms, dashboard and topics.

What belongs here: whether a metric that is sent is seen by whoever looks for it. What does not: the
values of metrics, and what the alarms should be (``infrastructure/alarms.py``).
"""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from tdnet_assets.config import secret_variable
from tdnet_assets.doctor.examination import Examination
from tdnet_assets.doctor.findings import (
    OK,
    Check,
    Finding,
    failed,
    listed,
    ok,
    warning,
)
from tdnet_assets.doctor.identity import IDENTITY
from tdnet_assets.infrastructure import dashboard as declared_dashboard
from tdnet_assets.infrastructure import names
from tdnet_assets.infrastructure.alarms import ALARMS
from tdnet_assets.resources.aws.metrics import DOCUMENTS_STORED, MetricsResource
from tdnet_assets.resources.notices.watch_source import read_watch_list

PROBE: Final = DOCUMENTS_STORED
"""What is sent as a probe, with the value 0: the doctor has stored no document.

A name of its own would be an eleventh custom metric, and would need another way through
``MetricsResource`` than that of a run. This one is in no alarm, and 0 changes no sum; a test sees
to it that both stay true.
"""
PROBE_STATISTIC: Final = "SampleCount"
POLL_SECONDS: Final = 5.0

_METRICS: Final = "metrics"
_ALARMS: Final = "alarms"
_DASHBOARD: Final = "dashboard"
_ALARM_TOPIC: Final = "alarm topic"
_NOTICE_TOPIC: Final = "notice topic"
_WATCHES: Final = "watches"
_DEPLOY: Final = "`tdnet infra deploy`"


def metrics(examination: Examination) -> Iterator[Finding]:
    """A metric of the catalogue is taken under the configured namespace, and read back."""
    config = examination.config
    sent_at = examination.clock()
    delivery = examination.metrics.publish({PROBE: 0.0}, now=sent_at)
    if delivery.error:
        seen, _, advice = delivery.error.partition(" What to do: ")
        yield failed(_METRICS, seen, advice)
        return
    what = f"{PROBE} 0 taken by {config.metrics_namespace!r}"
    if _readable(examination.metrics, sent_at, examination.wait_seconds):
        yield ok(_METRICS, f"{what} and read back")
    else:
        yield warning(
            _METRICS,
            f"{what}, not yet readable after {examination.wait_seconds:g} s",
            "CloudWatch takes up to two minutes: run `tdnet doctor` again, with a longer --wait",
        )


def alarms(examination: Examination) -> Iterator[Finding]:
    """Every alarm is there and looks at just our namespace, names and dimension."""
    config = examination.config
    wanted = {alarm.name(config): alarm for alarm in ALARMS}
    answer = examination.client("cloudwatch").describe_alarms(
        AlarmNames=list(wanted), AlarmTypes=["MetricAlarm"]
    )
    found = {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}
    problems = [
        problem
        for name, alarm in wanted.items()
        for problem in _alarm_problems(name, found.get(name), alarm.properties(config))
    ]
    if problems:
        yield failed(_ALARMS, listed(problems), _DEPLOY)
        return
    topic = _alarm_topic_arn(examination)
    silent = [
        name
        for name, alarm in found.items()
        if not alarm["ActionsEnabled"] or topic not in alarm["AlarmActions"]
    ]
    if silent:
        yield failed(
            _ALARMS, f"{topic} is not told by {listed(silent)}", f"{_DEPLOY}, or switch actions on"
        )
        return
    seen = f"{len(wanted)} look at {config.metrics_namespace!r}"
    ringing = [name for name, alarm in found.items() if alarm["StateValue"] == "ALARM"]
    if ringing:
        yield warning(
            _ALARMS,
            f"{seen}; in ALARM: {listed(ringing)}",
            "the description of each says what to do",
        )
    else:
        yield ok(_ALARMS, seen)


def dashboard(examination: Examination) -> Iterator[Finding]:
    """The dashboard is there and shows just our metrics and alarms."""
    config = examination.config
    name = names.dashboard(config)
    try:
        answer = examination.client("cloudwatch").get_dashboard(DashboardName=name)
    except ClientError as error:
        # AWS spells it so, its older answers with Error behind, the emulator without.
        if not error.response["Error"]["Code"].startswith("ResourceNotFound"):
            raise
        yield failed(_DASHBOARD, f"there is no {name}", f"{_DEPLOY} makes it")
        return
    shown = _shown(json.loads(answer["DashboardBody"]))
    wanted = _shown(declared_dashboard.body(config))
    if missing := sorted(wanted - shown):
        yield failed(_DASHBOARD, f"{name} does not show {listed(missing)}", _DEPLOY)
    elif foreign := sorted(shown - wanted):
        yield warning(_DASHBOARD, f"{name} also shows {listed(foreign)}", _DEPLOY)
    else:
        yield ok(_DASHBOARD, f"{name} shows {len(wanted)} metrics and alarms")


def alarm_topic(examination: Examination) -> Iterator[Finding]:
    """Somebody hears the alarms."""
    yield _topic(examination, _ALARM_TOPIC, _alarm_topic_arn(examination), f"{_DEPLOY} makes it")


def notice_topic(examination: Examination) -> Iterator[Finding]:
    """Somebody hears of failed runs, if the operator wants it."""
    arn = examination.config.notice_topic
    if not arn:
        yield ok(_NOTICE_TOPIC, "none: failed runs are announced to nobody")
        return
    yield _topic(examination, _NOTICE_TOPIC, arn, "set TDNET_NOTICE_TOPIC to one that is there")


def watches(examination: Examination) -> Iterator[Finding]:
    """The watch file is valid, and the topics and secrets that it names are there."""
    if not examination.config.watches:
        yield ok(_WATCHES, "none: nobody is told of disclosures")
        return
    found = read_watch_list(examination.config)
    advice = "name one that is there in the watch file"
    topics = [_topic(examination, _WATCHES, topic, advice) for topic in found.topics]
    # One line: of several topics the first that is not as it should be.
    problem = next((one for one in topics if one.status != OK), None)
    absent = [one for one in found.references if not _has_secret(examination, one)]
    unset = [one for one in absent if one.startswith("env:")]
    missing = [one for one in absent if one not in unset]
    if problem:
        yield problem
    elif missing:
        yield failed(_WATCHES, f"there is no secret {listed(missing)}", advice)
    elif unset:
        seen = f"not set here: {listed(unset)}"
        yield warning(_WATCHES, seen, "set it where the daemon runs, if that is not here")
    else:
        destinations = len(found.destinations or {})
        yield ok(_WATCHES, f"{len(found.watches)} watches, {destinations} destinations")


def _has_secret(examination: Examination, reference: str) -> bool:
    """Whether a secret is there; it is not read."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        return bool(secret_variable(name))
    if kind == "ssm":
        named = [{"Key": "Name", "Values": [name]}]
        # A page may be empty though another one follows.
        pages = examination.client("ssm").get_paginator("describe_parameters")
        return any(page["Parameters"] for page in pages.paginate(ParameterFilters=named))
    try:
        found = examination.client("secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return False
    return "DeletedDate" not in found  # for some days it could be brought back


def _readable(sender: MetricsResource, sent_at: datetime, wait_seconds: float) -> bool:
    deadline = time.monotonic() + wait_seconds
    minute = sent_at.replace(second=0, microsecond=0)
    while True:
        if sender.statistics(
            PROBE, start=minute, end=minute + timedelta(minutes=1), statistic=PROBE_STATISTIC
        ):
            return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(POLL_SECONDS, left))


def _alarm_problems(
    name: str, found: dict[str, Any] | None, wanted: dict[str, Any]
) -> Iterator[str]:
    if found is None:
        yield f"{name} is missing"
        return
    for setting, value in wanted.items():
        # A text that has been edited since is not what an alarm is judged by.
        if setting != "AlarmDescription" and found.get(setting) != value:
            yield f"{setting} of {name} is {found.get(setting)!r}, should be {value!r}"


def _shown(body: dict[str, Any]) -> set[str]:
    """Every metric that a dashboard shows, with its namespace and dimension, and every alarm."""
    properties = [widget["properties"] for widget in body["widgets"]]
    return {
        "/".join(str(part) for part in metric if not isinstance(part, dict))
        for one in properties
        for metric in one.get("metrics", ())
    } | {arn.rsplit(":", 1)[1] for one in properties for arn in one.get("alarms", ())}


def _alarm_topic_arn(examination: Examination) -> str:
    return examination.account.arn("sns", names.topic(examination.config))


def _topic(examination: Examination, check: str, arn: str, remedy: str) -> Finding:
    try:
        answer = examination.client("sns").get_topic_attributes(TopicArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NotFound", "NotFoundException"):
            raise
        return failed(check, f"there is no {arn}", remedy)
    attributes = answer["Attributes"]
    confirmed = int(attributes.get("SubscriptionsConfirmed", 0))
    if confirmed:
        return ok(check, f"{arn}, {confirmed} subscribed")
    pending = int(attributes.get("SubscriptionsPending", 0))
    waiting = f"; {pending} to be confirmed" if pending else ""
    return warning(
        check,
        f"nobody is subscribed to {arn}{waiting}",
        "`aws sns subscribe`, and confirm it by the link in the message",
    )


METRICS: Final = Check(_METRICS, metrics, needs=(IDENTITY,))
NOTICE_TOPIC: Final = Check(_NOTICE_TOPIC, notice_topic, needs=(IDENTITY,))
WATCHES: Final = Check(_WATCHES, watches, needs=(IDENTITY,))
STACK_CHECKS: Final = (
    Check(_ALARMS, alarms, needs=(IDENTITY,)),
    Check(_DASHBOARD, dashboard, needs=(IDENTITY,)),
    Check(_ALARM_TOPIC, alarm_topic, needs=(IDENTITY,)),
)
