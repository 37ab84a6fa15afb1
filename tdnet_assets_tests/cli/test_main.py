import os
import pty
import re
import signal
import subprocess
import sys
import threading
import urllib.request
import uuid
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest
from click.testing import CliRunner

from tdnet_assets.cli import progress_display
from tdnet_assets.cli.main import COMMANDS, LazyCommand, main
from tdnet_assets.local import dagster_home
from tdnet_assets.local.embedded_aws import free_port
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import TDNET, run, start, variables
from tdnet_assets_tests.local.processes import wait_until

DAY = date(2026, 6, 10)
NEXT_DAY = date(2026, 6, 11)


@pytest.fixture
def tdnet(platform):
    """Invokes the command in this process, led to the test's own services."""

    def invoke(*arguments, **changes):
        environment = variables(platform, **changes)
        return CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)

    return invoke


def _said(errors):
    """The lines that are meant for a person, without progress."""
    return [line for line in errors.splitlines() if line.startswith("tdnet: ")]


def test_help_needs_neither_dagster_nor_an_aws_client_nor_any_command():
    code = (
        "import sys, tdnet_assets.cli.main\n"
        "tdnet_assets.cli.main.main(['--help'], standalone_mode=False)\n"
        "light = {'tdnet_assets', 'tdnet_assets.cli', 'tdnet_assets.cli.main',"
        " 'tdnet_assets.cli.exit_codes', 'tdnet_assets.cli.interrupts'}\n"
        "ours = {name for name in sys.modules if name.startswith('tdnet_assets')}\n"
        "assert ours == light, ours\n"
        "heavy = {'dagster', 'boto3', 'botocore', 'polars', 'httpx', 'pydantic', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    for command in (
        "collect",
        "demo",
        "doctor",
        "earnings",
        "facts",
        "index",
        "infra",
        "query",
        "revisions",
        "status",
        "up",
    ):
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_says_first(name):
    entry = main.commands[name]
    command = entry.load()

    assert (entry.name, LazyCommand) == (command.name, type(entry))
    assert entry.get_short_help_str(200) == command.get_short_help_str(200)


@pytest.mark.slow
def test_a_new_home_is_named_on_standard_error_once_and_found_from_below(site, platform, tmp_path):
    site.set_day(DAY, 1)
    environment = variables(platform)
    del environment["TDNET_HOME"]
    below = tmp_path / "world" / "notebooks"
    below.mkdir(parents=True)

    def collect(folder):
        return subprocess.run(
            [TDNET, "collect", str(DAY)],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stderr.splitlines()

    first = collect(tmp_path / "world")
    second = collect(below)

    home = tmp_path / "world" / ".tdnet"
    assert first[0] == f"new home for local state: {home} (TDNET_HOME names another)"
    assert not [line for line in (*first[1:], *second) if "home" in line]
    assert list(below.iterdir()) == []


@pytest.mark.slow
def test_collect_says_what_became_of_the_day_and_ends_with_0(site, platform, pipeline):
    site.set_day(DAY, 5)

    done = run(variables(platform), "collect", str(DAY))

    assert done.returncode == 0
    assert _said(done.stderr) == []
    said = re.fullmatch(r"completed: 5 listed, 5 collected \(([0-9a-f-]{36})\)\n", done.stdout)
    record = pipeline.executions.get(said[1])
    assert record.job_name == "collect_day"
    assert (record.status, record.partition_start, record.collected_count) == (
        "completed",
        str(DAY),
        5,
    )
    assert pipeline.table("disclosures", DAY).height == 5


@pytest.mark.slow
def test_collect_takes_a_range_with_both_ends_in_it(site, tdnet, pipeline):
    site.set_day(DAY, 3)
    site.set_day(NEXT_DAY, 4)

    result = tdnet("collect", str(DAY), "--until", str(NEXT_DAY))

    assert result.exit_code == 0
    assert result.stdout.startswith("completed: 7 listed, 7 collected")
    assert pipeline.table("documents", DAY).height >= 3
    assert pipeline.table("documents", NEXT_DAY).height >= 4
    (record,) = pipeline.executions.by_status("completed")
    assert (record.partition_start, record.partition_end) == (str(DAY), str(NEXT_DAY))


@pytest.mark.slow
def test_collect_can_be_limited_to_some_assets(site, tdnet, pipeline):
    site.set_day(DAY, 3)

    result = tdnet("collect", str(DAY), "--select", "listing_pages, disclosures")

    assert result.exit_code == 0
    assert pipeline.table("disclosures", DAY).height == 3
    assert pipeline.lake.read_table("documents", DAY) is None
    assert not [seen for seen in site.requests if seen.path.endswith(".pdf")]


@pytest.mark.slow
def test_a_day_that_is_refused_ends_with_1_and_one_line(tdnet, pipeline):
    result = tdnet("collect", "2026-03-02")

    assert result.exit_code == 1
    (line,) = _said(result.stderr)
    assert line.startswith("tdnet: 2026-03-02 not complete: listing_pages: TDnet has no list for")
    assert result.stdout.startswith("failed: nothing listed (")
    (record,) = pipeline.executions.by_status("failed")
    assert record.progress == 0


@pytest.mark.parametrize(
    ("arguments", "changes", "expected"),
    [
        (["collect", str(DAY)], {"TDNET_REQUESTS_PER_SECOND": "fast"}, "'fast': use a number"),
        (["collect", str(DAY)], {"TDNET_BUCKET": "Not A Bucket"}, "TDNET_BUCKET is"),
        (["status"], {"TDNET_ENVIRONMENT": "moon"}, "use one of local, dev, prod"),
        (
            ["collect", str(DAY)],
            {"TDNET_ENVIRONMENT": "dev", "TDNET_BASE_URL": ""},
            "TDNET_BASE_URL is not set",
        ),
        (
            ["collect", str(DAY)],
            {"TDNET_BASE_URL": "https://www.release.tdnet.info/inbs"},
            "TDNET_ACCEPT_TERMS=yes",
        ),
        (["up"], {"TDNET_REQUESTS_PER_SECOND": "-1"}, "use a number of requests"),
    ],
)
def test_a_bad_setting_ends_with_2_and_one_line_that_names_it(tdnet, arguments, changes, expected):
    result = tdnet(*arguments, **changes)

    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("tdnet: ")
    assert expected in line


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["2015-12-31"], "2015-12-31 is not a day of this archive: use 2016-01-01 to "),
        (["2999-01-01"], "2999-01-01 is not a day of this archive"),
        ([str(NEXT_DAY), "--until", str(DAY)], "--until 2026-06-10 is before 2026-06-11"),
        ([str(DAY), "--until", "2999-01-01"], "2999-01-01 is not a day of this archive"),
        (
            [str(DAY), "--select", "documents,docs"],
            "no daily asset docs: choose from listing_",
        ),
    ],
)
def test_what_cannot_be_asked_for_ends_with_2_and_says_what_can(tdnet, site, arguments, expected):
    result = tdnet("collect", *arguments)

    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"tdnet: {expected}")
    assert site.requests == []


def test_a_day_that_is_no_date_is_refused_with_the_form_to_write(tdnet):
    result = tdnet("collect", "13.2.2026")

    assert result.exit_code == 2
    assert "'13.2.2026' is not a day: write YYYY-MM-DD, or today" in result.stderr


@pytest.mark.slow
def test_any_environment_works_with_the_named_bucket_tables_and_endpoint(site, tdnet, pipeline):
    site.set_day(DAY, 2)

    result = tdnet("collect", str(DAY), TDNET_ENVIRONMENT="dev")

    assert result.exit_code == 0, result.stderr
    (record,) = pipeline.executions.by_status("completed")
    assert record.environment == "dev"
    assert pipeline.table("disclosures", DAY).height == 2


@pytest.mark.parametrize(
    ("variable", "kind"), [("TDNET_BUCKET", "bucket"), ("TDNET_EXECUTIONS_TABLE", "table")]
)
def test_a_missing_bucket_or_table_is_one_line_that_says_what_to_do(site, tdnet, variable, kind):
    result = tdnet("collect", str(DAY), TDNET_ENVIRONMENT="dev", **{variable: "not-there"})

    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"tdnet: there is no {kind} not-there at http://127.0.0.1:")
    assert f"`tdnet infra deploy` creates it, or name another one in {variable}" in line
    assert site.requests == []


def test_status_lists_the_newest_records_first(tdnet, platform, pipeline):
    empty = tdnet("status")
    moment = datetime.now(UTC)
    for number, state in enumerate(("completed", "failed", "running")):
        pipeline.executions.start(
            f"run-{number}",
            partition_start=str(DAY),
            partition_end=str(NEXT_DAY if number == 1 else DAY),
            now=moment - timedelta(seconds=30 - number),
        )
        if state != "running":
            error = {"error_type": "SomeError", "error_message": "what was seen"}
            pipeline.executions.finish(
                f"run-{number}", state, total_count=1_200, **(error if state == "failed" else {})
            )

    listed = tdnet("status").stdout.splitlines()
    limited = tdnet("status", "--limit", "1").stdout.splitlines()

    assert empty.stdout == (
        f"no executions yet in {platform.executions_table}\n\nno day has been collected yet\n"
    )
    assert [line.split()[-1] for line in listed[:-2] if not line.startswith(" ")] == [
        "run-2",
        "run-1",
        "run-0",
    ]
    assert f"running      0 %  {DAY}  nothing listed  run-2" in listed[0]
    assert f"failed       0 %  {DAY} to {NEXT_DAY}  1,200 listed  run-1" in listed[1]
    assert listed[2] == "    SomeError: what was seen"
    assert f"completed  100 %  {DAY}  1,200 listed  run-0" in listed[3]
    assert limited == [listed[0], *listed[-2:]]


def test_status_refuses_a_limit_of_0_by_saying_what_a_limit_is(tdnet):
    result = tdnet("status", "--limit", "0")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "0 is not in the range x>=1" in result.stderr


@pytest.mark.slow
def test_status_says_which_days_of_the_window_are_not_whole_and_why(site, tdnet, pipeline):
    today = datetime.now(TOKYO).date()
    days = [today - timedelta(days=back) for back in (0, 1, 2)]
    for day in days:
        site.set_day(day, 3)
    pipeline.materialize(days[2])
    pipeline.materialize(days[0], select=["listing_pages", "disclosures"])

    lines = tdnet("status").stdout.splitlines()

    today_line, yesterday_line = lines[lines.index("") + 1 :]
    assert today_line == f"{days[0]}  not whole: documents: not there"
    assert yesterday_line == f"{days[1]}  not whole: not collected"
    assert pipeline.materialize(days[2], days[0]).success
    whole = tdnet("status").stdout.splitlines()[-1]
    assert whole == f"every day from {days[2]} to {days[0]} is whole"


def test_status_shows_one_record_with_every_field_that_it_has(tdnet, pipeline):
    pipeline.executions.start("run-1", partition_start=str(DAY), trigger="backfill")

    result = tdnet("status", "run-1")

    shown = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert result.exit_code == 0
    assert shown["execution_id"] == "run-1"
    assert shown["status"] == "running"
    assert shown["trigger"] == "backfill"
    assert "completed_at" not in shown


def test_status_says_so_where_the_page_of_a_run_is_gone(tdnet, platform, pipeline):
    kept = str(uuid.uuid4())
    for run_id in ("gone", kept):
        pipeline.executions.start(run_id, dagster_url=f"/runs/{run_id}")
    without_a_dagster = tdnet("status", "gone")
    with dagster_home.instance(platform) as instance:
        instance.add_run(dg.DagsterRun("collect_day", run_id=kept))

    gone, there = tdnet("status", "gone"), tdnet("status", kept)

    assert "its page is gone" not in without_a_dagster.stdout + there.stdout
    assert gone.stdout.splitlines()[-1] == (
        f"its page is gone: no run of this id in {platform.dagster_home_path}; it was deleted "
        "there, or is one of another Dagster"
    )
    assert gone.exit_code == there.exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("silent",)])
def test_status_writes_nothing_however_long_a_record_has_been_silent(tdnet, pipeline, arguments):
    # As a machine sees it whose clock is ahead, or that looks while a run waits for S3.
    for identity, seconds in (("silent", 140), ("ahead", 75)):
        before = datetime.now(UTC) - timedelta(seconds=seconds)
        pipeline.executions.start(identity, partition_start=str(DAY), now=before)
    table = pipeline.config.executions_table
    stored = pipeline.executions.client.scan(TableName=table, ConsistentRead=True)["Items"]

    result = tdnet("status", *arguments)

    assert result.exit_code == 0
    assert "running" in result.stdout
    assert "failed" not in result.stdout
    scanned = pipeline.executions.client.scan(TableName=table, ConsistentRead=True)["Items"]
    assert len(scanned) == 2
    assert scanned == stored


def test_status_of_an_unknown_record_ends_with_1_and_says_where_to_look(tdnet, platform):
    result = tdnet("status", "nothing-like-it")

    assert result.exit_code == 1
    assert result.stderr == (
        f"tdnet: no record nothing-like-it in {platform.executions_table}; "
        "`tdnet status` lists the newest\n"
    )


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_any_command_without_a_word(platform, pipeline):
    for number in range(3):
        pipeline.executions.start(f"run-{number}", partition_start=str(DAY))
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [TDNET, "status"],
            env=variables(platform),
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.slow
def test_without_a_terminal_progress_is_plain_lines(site, platform, tdnet, monkeypatch):
    monkeypatch.setattr(progress_display, "PLAIN_LINE_EVERY_SECONDS", 0.05)
    Path(platform.home).mkdir()  # a new one would be said so
    site.set_day(DAY, 12)
    site.faults.wait(r"\.pdf$", seconds=0.3)

    result = tdnet("collect", str(DAY))

    lines = result.stderr.splitlines()
    assert lines
    assert all(re.fullmatch(rf"{DAY}: \d+ %  [^\x1b\r]+", line) for line in lines)
    assert len(set(lines)) == len(lines)


@pytest.mark.slow
def test_in_a_terminal_progress_is_a_bar(site, platform):
    site.set_day(DAY, 12)
    site.faults.wait(r"\.pdf$", seconds=0.2)
    terminal, side = pty.openpty()
    process = subprocess.Popen(
        [TDNET, "collect", str(DAY)],
        env=variables(platform, TERM="xterm", COLUMNS="100"),
        stdout=subprocess.PIPE,
        stderr=side,
    )
    os.close(side)
    seen = bytearray()

    def read():
        with suppress(OSError):  # the terminal is gone with its last user
            while chunk := os.read(terminal, 65536):
                seen.extend(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    output, _ = process.communicate(timeout=60)
    reader.join(timeout=10)
    os.close(terminal)

    text = seen.decode()
    assert process.returncode == 0
    assert f"{DAY}" in text
    assert "━" in text
    assert "100 %" in text
    assert "12 listed, 12 collected" in text
    assert output.startswith(b"completed: 12 listed")


def _processes_of(home):
    """Processes that were started for this home: it is among their arguments or variables."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with suppress(OSError):
                known = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
                if str(home).encode() in known:
                    found.append(folder.name)
    return found


@pytest.fixture
def bare_environment(tmp_path):
    """Nothing is named but a home: the embedded default, as a new user has it."""
    return {**os.environ, "TDNET_HOME": str(tmp_path / "home")}


@pytest.mark.slow
def test_demo_shows_the_day_its_record_and_its_metrics_and_leaves_no_process(
    bare_environment, tmp_path
):
    first = run(bare_environment, "demo")
    second = run(bare_environment, "demo")

    assert first.returncode == 0, first.stderr
    assert re.search(r"tables/disclosures/date=\S+: \d+ rows", first.stdout)
    assert re.search(r"status +completed", first.stdout)
    assert re.search(r"progress +100", first.stdout)
    assert re.search(r"DisclosuresCollected +[1-9]\d*\.0 Count", first.stdout)
    assert re.search(r"CollectionSuccessRate +100\.0 Percent", first.stdout)
    assert "objects changed: 0" in first.stdout
    assert second.returncode == 0, second.stderr
    assert re.search(r"already there\n +objects changed: 0", second.stdout)
    wait_until(lambda: not _processes_of(tmp_path / "home"), seconds=20)


@pytest.fixture
def up(bare_environment):
    """A running ``tdnet up``: the process, its port, and what it writes, line by line."""
    port = free_port()
    process = start(bare_environment, "up", "--port", str(port))
    lines, errors = [], []
    readers = [
        threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, ""))),
        threading.Thread(target=lambda: errors.extend(iter(process.stderr.readline, ""))),
    ]
    for reader in readers:
        reader.start()
    yield Up(process, port, lines, errors)
    process.kill()
    process.wait()
    for reader in readers:
        reader.join(timeout=10)


class Up(NamedTuple):
    process: subprocess.Popen
    port: int
    lines: list
    errors: list

    def ended(self):
        """The exit code, once all that was written has been read."""
        code = self.process.wait(timeout=60)
        wait_until(lambda: self.process.stdout.closed or "stopped\n" in self.lines, seconds=10)
        return code


@pytest.mark.slow
def test_up_serves_the_ui_tells_each_run_in_a_line_and_leaves_no_process(
    bare_environment, tmp_path, up
):
    wait_until(lambda: any("Dagster UI" in line for line in up.lines), seconds=110)
    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/server_info", timeout=5) as answer:
        assert b"dagster_webserver_version" in answer.read()
    before = len(up.lines)
    day = str(datetime.now(TOKYO).date() - timedelta(days=1))
    assert run(bare_environment, "collect", day).returncode == 0
    wait_until(lambda: len(up.lines) > before, seconds=20)
    up.process.send_signal(signal.SIGINT)

    assert up.ended() == 0
    told, *rest = up.lines[before:]
    assert re.fullmatch(rf"{day}  completed  \d+ s\n", told)
    assert rest == ["\n", "stopping …\n", "stopped\n"]
    assert [line for line in up.errors if "new home" not in line] == []
    assert _processes_of(tmp_path / "home") == []


@pytest.mark.slow
def test_up_interrupted_while_dagster_loads_ends_without_a_trace(up, tmp_path):
    wait_until(lambda: any("is starting" in line for line in up.lines), seconds=60)
    up.process.send_signal(signal.SIGINT)

    assert up.ended() == 0
    assert up.lines[-1] == "stopped\n"
    assert [line for line in up.errors if "new home" not in line] == []
    assert _processes_of(tmp_path / "home") == []


@pytest.mark.slow
def test_a_killed_daemon_ends_up_with_one_line_and_a_code(up, tmp_path):
    wait_until(lambda: any("Dagster UI" in line for line in up.lines), seconds=110)
    (daemon,) = [
        number
        for number in _processes_of(tmp_path / "home")
        if b"dagster._daemon" in (Path("/proc") / number / "cmdline").read_bytes()
    ]
    os.kill(int(daemon), signal.SIGKILL)

    assert up.ended() == 1
    (line,) = [line for line in up.errors if "new home" not in line]
    assert line.startswith("tdnet: Dagster ended by itself (dagster-daemon process shut down")
    assert "return code -9" in line


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_that_is_none_is_refused(tdnet, port):
    result = tdnet("up", "--port", port)

    assert result.exit_code == 2
    assert "Invalid value for '--port'" in result.stderr
