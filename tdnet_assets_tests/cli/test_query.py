"""``tdnet query`` and ``tdnet facts``: what is found, and how it is written."""

import csv
import io
import json
import os
import pty
import subprocess
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tdnet_assets.cli.main import main
from tdnet_assets.cli.output import _write_csv, fitted, printable
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.resources.lake.yearly_copies import yearly_copy
from tdnet_assets.tables.financial_facts import FACTS_TABLE
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.commands import TDNET, in_terminal, run, variables
from tdnet_assets_tests.lake_days import disclosure, put_day, write_day

DAY = date(2026, 6, 10)
NEXT_DAY = date(2026, 6, 11)


@pytest.fixture
def lake(platform):
    return LakeResource(config=platform)


@pytest.fixture
def tdnet(platform):
    """Invokes the command in this process, led to the test's own services."""

    def invoke(*arguments):
        environment = variables(platform)
        return CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)

    return invoke


@pytest.fixture
def ids(tdnet):
    """The numbers that a query finds, in the order of the answer."""

    def found(*arguments):
        result = tdnet("query", "--format", "json", *arguments)
        assert result.exit_code == 0, result.stderr
        return [row["disclosure_id"][-2:] for row in json.loads(result.stdout)]

    return found


def _at(hour, minute, day=DAY):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=TOKYO)


@pytest.fixture
def filled(lake):
    """Two days with one row for each thing that can be asked for."""
    put_day(
        lake,
        DAY,
        [
            disclosure(
                DAY,
                1,
                code="72030",
                disclosed_at=_at(8, 30),
                title="決算短信〔日本基準〕",
                xbrl_url="081220260610000001.zip",
                xbrl_kind="earnings",
            ),
            disclosure(DAY, 2, code="141A0", disclosed_at=_at(9, 0), title="ＥＴＦ の　収益分配"),
            disclosure(
                DAY,
                3,
                code="585A4",
                disclosed_at=_at(9, 0),
                title="人事異動",
                company_name="Ｇ－アルファ",
            ),
            disclosure(
                DAY,
                4,
                code="25930",
                disclosed_at=_at(9, 1),
                title="新しい表題",
                previous_titles=("古い表題",),
                status="retitled",
            ),
        ],
    )
    put_day(
        lake,
        NEXT_DAY,
        [
            disclosure(NEXT_DAY, 5, code="25935", disclosed_at=_at(15, 0, NEXT_DAY)),
            disclosure(
                NEXT_DAY,
                6,
                code="72030",
                disclosed_at=_at(23, 59, NEXT_DAY),
                title="自己株式の取得",
                status="deleted",
                xbrl_url="081220260611000006.zip",
                xbrl_kind="earnings",
            ),
        ],
    )


# One lake for all questions: making it costs more than asking.
QUESTIONS = [
    ((), "01 02 03 04 05 06"),
    (("--from", "2026-06-10", "--to", "2026-06-10"), "01 02 03 04"),
    (("--from", "2026-06-11"), "05 06"),
    (("--to", "2026-06-11"), "01 02 03 04 05 06"),
    (("--code", "72030"), "01 06"),
    (("--code", "7203"), "01 06"),
    (("--code", "141A0"), "02"),
    (("--code", "141A"), "02"),
    (("--code", "585A4"), "03"),
    (("--code", "2593", "--to", "2026-06-10"), "04"),
    (("--code", "１４１a0"), "02"),
    (("--code", "７２０３"), "01 06"),
    (("--code", "99840"), ""),
    (("--code", "9984"), ""),
    (("--category", "earnings"), "01"),
    (("--category", "Earnings"), "01"),
    (("--status", "deleted"), "06"),
    (("--text", "etf の 収益"), "02"),
    (("--text", "g-アルファ"), "03"),
    (("--text", "古い表題"), "04"),
    (("--text", "ない言葉"), ""),
    (("--text", ".*"), ""),
    (("--limit", "2"), "05 06"),
    (("--limit", "1", "--code", "72030", "--to", "2026-06-10"), "01"),
]


@pytest.mark.slow
@pytest.mark.usefixtures("filled")
def test_a_query_finds_just_what_is_asked_for(ids):
    found = {arguments: ids(*arguments) for arguments, _ in QUESTIONS}

    assert found == {arguments: expected.split() for arguments, expected in QUESTIONS}


REFUSALS = [
    (("query", "--code", "2593"), "2593 can mean 25930 or 25935: write all 5 characters"),
    (("query", "--code", "585A"), "585A can mean 585A0 or 585A4"),
    (("query", "--code", "72"), "'72' is not a code"),
    (("query", "--code", "x"), "'X' is not a code"),
    (("query", "--category", "gossip"), "no category 'gossip': use one of etf_reit_notice"),
    (("query", "--category", "earning"), "no category 'earning'; there is earnings: use one of"),
    (("query", "--from", "2026-06-11", "--to", "2026-06-10"), "is before the first"),
    (("facts", "--id", "123"), "'123' is not a disclosure number: it has 14 digits"),
    (("query", "--from", "tomorrow"), "not a day"),
    (("query", "--as-of", "2026-06-10"), "has no time: write e.g. 2026-06-10T15:30"),
    (("query", "--as-of", "noon"), "not a moment"),
    (("query", "--limit", "0"), "0 is not in the range"),
]


@pytest.mark.usefixtures("filled")
def test_what_cannot_be_asked_is_refused_with_2_and_its_reason(tdnet):
    for arguments, reason in REFUSALS:
        result = tdnet(*arguments)

        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert reason in result.stderr


def test_as_of_is_a_moment_in_tokyo_unless_it_names_a_zone(site, pipeline, ids):
    site.set_day(DAY, 5)
    pipeline.materialize(DAY, select=["listing_pages", "disclosures"])
    (captured,) = set(pipeline.table("disclosures", DAY)["first_seen_at"])
    before, after = (captured + timedelta(seconds=shift) for shift in (-1, 1))

    for zone_less in (before, after):
        local = zone_less.astimezone(TOKYO).replace(tzinfo=None).isoformat()
        count = 5 if zone_less == after else 0
        assert len(ids("--as-of", local)) == count
        assert len(ids("--as-of", zone_less.isoformat())) == count


def test_the_yearly_copy_changes_no_answer(lake, ids):
    for offset in range(7):
        write_day(lake, DAY + timedelta(days=offset), 20)
    before = {code: ids("--code", code) for code in ("72030", "141A", "585A4")}

    yearly_copy(lake).bring_up_to_date(2026)

    assert {code: ids("--code", code) for code in before} == before
    assert all(before.values())


@pytest.mark.usefixtures("filled")
def test_csv_has_every_column_one_line_a_row_and_whole_fields(lake, tdnet):
    awkward = 'A "quoted", title\r with\n lines'
    put_day(
        lake,
        date(2026, 6, 12),
        [disclosure(date(2026, 6, 12), 7, title=awkward, previous_titles=("x,y", '"z"'))],
    )

    result = tdnet("query", "--format", "csv")

    assert b"\r\n" not in result.stdout_bytes
    rows = list(csv.DictReader(io.StringIO(result.stdout_bytes.decode(), newline="")))
    assert len(rows) == 7
    assert rows[0]["disclosed_at"] == "2026-06-10T08:30:00+09:00"
    assert rows[0]["first_seen_at"] == "2026-06-10T03:00:00+00:00"
    assert rows[0]["date"] == "2026-06-10"
    assert rows[0]["pdf_url"] == ""
    assert rows[6]["title"] == r'A "quoted", title\u000d with\u000a lines'
    assert json.loads(rows[6]["previous_titles"]) == ["x,y", '"z"']
    assert json.loads(rows[6]["exchanges"]) == ["東"]


@pytest.mark.usefixtures("filled")
def test_json_is_one_array_with_every_column(tdnet):
    rows = json.loads(tdnet("query", "--format", "json").stdout)

    assert [row["code"] for row in rows] == ["72030", "141A0", "585A4", "25930", "25935", "72030"]
    assert rows[0]["disclosed_at"] == "2026-06-10T08:30:00+09:00"
    assert rows[3]["previous_titles"] == ["古い表題"]
    assert rows[0]["pdf_url"] is None
    assert rows[0]["is_correction"] is False


@pytest.mark.slow
@pytest.mark.usefixtures("filled")
def test_parquet_goes_to_a_pipe_whole(platform, lake):
    done = subprocess.run(
        [TDNET, "query", "--format", "parquet", "--code", "72030"],
        env=variables(platform),
        capture_output=True,
        check=True,
        timeout=120,
    )

    stored = lake.read_table("disclosures", DAY)
    found = pl.read_parquet(done.stdout)
    assert found.schema == {"date": pl.Date, **stored.frame.schema}
    assert found.drop("date").head(1).equals(stored.frame.head(1))
    assert found.height == 2


def test_parquet_is_refused_on_a_terminal(platform):
    leader, follower = pty.openpty()
    try:
        done = subprocess.run(
            [TDNET, "query", "--format", "parquet"],
            env=variables(platform),
            stdout=follower,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        os.close(follower)
        os.close(leader)

    assert done.returncode == 2
    assert "Parquet is not for a terminal" in done.stderr


@pytest.mark.usefixtures("filled")
def test_a_table_is_aligned_by_the_width_that_a_terminal_gives(tdnet):
    lines = tdnet("query").stdout.splitlines()

    header = next(line for line in lines if "disclosed_at" in line)
    rows = [line for line in lines if line.lstrip().startswith("2026-")]
    assert len(rows) == 6
    for line, category in zip(rows, ("earnings", "etf_reit_notice"), strict=False):
        start = cell_len(line[: line.index(category)])
        assert start == header.index("category")
    assert "2026-06-10 08:30" in rows[0]
    assert "決算短信〔日本基準〕" in rows[0]


def test_a_table_can_do_a_terminal_no_harm(lake, tdnet):
    hostile = "[red]x\x1b[2J\u202egnp\x9b1m\r\n[/red]"
    put_day(lake, DAY, [disclosure(DAY, 1, title=hostile)])

    table = tdnet("query").stdout
    (row,) = json.loads(tdnet("query", "--format", "json").stdout)

    assert r"[red]x\x1b[2J\u202egnp\x9b1m\r\n[/red]" in table
    assert row["title"] == hostile
    assert "\x9b" not in tdnet("query", "--format", "json").stdout


def test_text_in_csv_neither_computes_nor_hides_anything_and_numbers_stay_numbers(lake, tdnet):
    titles = ["=HYPERLINK(0)", "\u202e+1", " @x", "－１", "a=b", "-", "\t=1", "\u2066ab\x1b[2J"]
    put_day(lake, DAY, [disclosure(DAY, 1 + n, title=text) for n, text in enumerate(titles)])

    written = tdnet("query", "--format", "csv").stdout

    assert [row["title"] for row in csv.DictReader(io.StringIO(written))] == [
        "'=HYPERLINK(0)",
        r"\u202e+1",
        "' @x",
        "'－１",
        "a=b",
        "'-",
        r"\u0009=1",
        r"\u2066ab\u001b[2J",
    ]
    assert {unicodedata.category(letter) for letter in written} & {"Cc", "Cf"} == {"Cc"}
    assert {letter for letter in written if unicodedata.category(letter) == "Cc"} == {"\n"}
    read = json.loads(tdnet("query", "--format", "json").stdout)
    assert [row["title"] for row in read] == titles


@given(st.decimals(-(10**34), 10**34, allow_nan=False, places=3))
def test_a_number_in_csv_is_a_number_also_below_zero(number):
    output = io.StringIO()

    _write_csv(pl.DataFrame({"value": [number]}, schema={"value": pl.Decimal(38, 3)}), output)

    assert Decimal(output.getvalue().splitlines()[1]) == number


@given(st.text())
def test_a_shown_value_has_no_character_that_moves_or_hides_anything(text):
    shown = printable(text)

    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if all(letter.isalnum() for letter in text):
        assert shown == text


@pytest.mark.parametrize("command", ["query", "facts", "earnings", "revisions"])
def test_nothing_found_is_an_empty_answer_and_no_error(tdnet, command):
    table, comma, array, binary = (
        tdnet(command, "--format", form) for form in ("table", "csv", "json", "parquet")
    )

    assert [result.exit_code for result in (table, comma, array, binary)] == [0, 0, 0, 0]
    assert "code" in table.stdout
    assert comma.stdout.count("\n") == 1
    assert json.loads(array.stdout) == []
    assert pl.read_parquet(binary.stdout_bytes).height == 0
    assert table.stderr == comma.stderr == array.stderr == binary.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_", "lines"), [("csv", 1), ("json", 1), ("table", 1), ("table", 0), ("parquet", 0)]
)
def test_a_reader_that_goes_away_ends_the_command_quietly(platform, lake, format_, lines):
    write_day(lake, DAY, 3000)

    with subprocess.Popen(
        [TDNET, "query", "--format", format_],
        env=variables(platform),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        code = process.wait(timeout=120)

    assert (errors, code) == (b"", 0)


@pytest.mark.slow
def test_only_data_is_written_to_standard_output(platform, lake):
    write_day(lake, DAY, 2)

    done = run(variables(platform), "query", "--format", "json")

    assert len(json.loads(done.stdout)) == 2
    assert done.stderr == ""


def _fact(disclosure_id, code, **changes):
    row = dict.fromkeys(FACTS_TABLE.schema)
    row |= {"disclosure_id": disclosure_id, "code": code, "element": "NetSales", "order": 1}
    return {**row, "members": [], "is_nil": False, **changes}


@pytest.fixture
def reported(lake, filled):
    first, second = f"{DAY:%Y%m%d}000001", f"{NEXT_DAY:%Y%m%d}000006"
    members = [{"axis": "SegmentAxis", "member": "部門", "is_typed": False}]
    rows = [
        _fact(first, "72030", value=Decimal(40001000000000), unit="JPY", members=members),
        _fact(first, "72030", value=Decimal("-0.105"), element="ChangeInNetSales", order=2),
        _fact(first, "72030", text="トヨタ", element="CompanyName", order=3),
    ]
    lake.write_table("financial_facts", DAY, FACTS_TABLE.frame(rows), {})
    later = FACTS_TABLE.frame([_fact(second, "72030", value=Decimal(7))])
    lake.write_table("financial_facts", NEXT_DAY, later, {})


FACT_QUESTIONS = [
    ((), ["40001000000000", "-0.105", None, "7"]),
    (("--code", "7203", "--to", "2026-06-10"), ["40001000000000", "-0.105", None]),
    (("--element", "NetSales"), ["40001000000000", "7"]),
    (("--element", "NetSales", "--element", "CompanyName"), ["40001000000000", None, "7"]),
    (("--id", "20260611000006"), ["7"]),
    (("--id", "20260611000099"), []),
    (("--code", "141A0"), []),
]


@pytest.mark.usefixtures("reported")
def test_facts_are_found_with_their_exact_values(tdnet):
    for arguments, values in FACT_QUESTIONS:
        result = tdnet("facts", "--format", "json", *arguments)

        assert [row["value"] for row in json.loads(result.stdout)] == values, arguments


NEAR = [
    (("query", "--code", "72031"), "no disclosure of 72031 in these days; there is 72030"),
    (("query", "--code", "99990"), "no disclosure of 99990 in these days"),
    (("facts", "--code", "141A1"), "no disclosure of 141A1 in these days; there is 141A0"),
    (
        ("facts", "--element", "NetSale"),
        "no element NetSale in these facts; there is NetSales, ChangeInNetSales",
    ),
    (
        ("facts", "--code", "72030", "--element", "Companyname"),
        "no element Companyname in these facts; there is CompanyName",
    ),
]


@pytest.mark.usefixtures("reported")
def test_what_is_nowhere_is_said_so_with_what_is_like_it(tdnet):
    for arguments, said in NEAR:
        result = tdnet(*arguments)

        assert (result.exit_code, result.stdout) == (0, ""), arguments
        assert result.stderr == f"tdnet: {said}\n"
        assert json.loads(tdnet(*arguments, "--format", "json").stdout) == []


@pytest.mark.usefixtures("reported")
def test_one_wrong_element_among_right_ones_is_said_and_a_limit_makes_none_wrong(tdnet):
    wrong = tdnet("facts", "--element", "NetSales", "--element", "Netsales")
    limited = tdnet("facts", "--element", "NetSales", "--element", "CompanyName", "--limit", "1")

    assert wrong.stderr.startswith("tdnet: no element Netsales in these facts; there is NetSales")
    assert wrong.stdout.count("NetSales") == 2
    assert limited.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 100, 120])
def test_in_a_terminal_code_day_time_and_value_are_whole(platform, lake, reported, columns):
    awkward = {"title": "２０２６年３月期　決算短信〔日本基準〕（連結）" * 2, "status": "retitled"}
    put_day(lake, date(2026, 6, 12), [disclosure(date(2026, 6, 12), 7, code="141A0", **awkward)])

    listed = in_terminal(variables(platform), columns, "query")
    facts = in_terminal(variables(platform), columns, "facts")

    for line in (*listed, *facts):
        assert cell_len(line) <= columns
    row = next(line for line in listed if "141A0" in line and "06-12" in line)
    assert row.startswith("2026-06-12 08:37  141A0  Ｇ－見本商事")
    assert row.endswith("20260612000007")
    assert "…" in row
    fact = next(line for line in facts if "40001000000000" in line)
    assert fact.startswith("2026-06-10  72030  NetSales")
    assert fact.endswith("20260610000001")
    assert any("-0.105" in line for line in facts)


WIDTHS = st.dictionaries(
    st.sampled_from(
        ("disclosed_at", "code", "title", "company_name", "category", "status", "value", "text")
    ),
    st.integers(1, 200),
    min_size=1,
)


@given(WIDTHS, st.integers(20, 200))
def test_only_what_may_give_way_is_ever_cut(natural, width):
    widths = fitted(natural, width)

    firm = {"disclosed_at", "code", "value"} & natural.keys()
    assert {name: widths[name] for name in firm} == {name: natural[name] for name in firm}
    assert all(widths[name] <= natural[name] for name in widths)
    if sum(natural.values()) + 2 * (len(natural) - 1) <= width:
        assert widths == natural
    if "title" in widths and widths["title"] > 12:
        assert all(widths[name] == natural[name] for name in widths.keys() - {"title"})


@pytest.mark.usefixtures("reported")
def test_a_fact_carries_its_day_and_its_other_dimensions(tdnet):
    fact = json.loads(tdnet("facts", "--format", "json").stdout)[0]

    assert fact["date"] == "2026-06-10"
    assert fact["members"] == [{"axis": "SegmentAxis", "member": "部門", "is_typed": False}]
    (row, *_) = csv.DictReader(io.StringIO(tdnet("facts", "--format", "csv").stdout))
    assert row["value"] == "40001000000000"
    assert "40001000000000" in tdnet("facts").stdout


@pytest.mark.usefixtures("reported")
def test_facts_have_the_labels_of_their_elements_on_demand(tdnet):
    result = tdnet("facts", "--id", "20260611000006", "--label", "--format", "json")

    (fact,) = json.loads(result.stdout)
    assert (fact["element"], fact["label_ja"], fact["label_en"]) == (
        "NetSales",
        "売上高",
        "Net sales",
    )
