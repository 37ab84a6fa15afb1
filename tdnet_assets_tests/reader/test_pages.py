"""The pages as they are sent: languages, conditions, the feed, and a hostile day that is text."""

import re
import time
from datetime import UTC, date, datetime

import pytest
from lxml import etree, html
from starlette.testclient import TestClient

from tdnet_assets.automation import day_plan
from tdnet_assets.automation.day_plan import Cause, Outlook, Step
from tdnet_assets.reader.application import application
from tdnet_assets.reader.languages import _CATEGORIES, _WORDS, Words, preferred
from tdnet_assets.resources.lake import layout
from tdnet_assets.resources.lake.store import LakeResource, sha256
from tdnet_assets.tables import wholeness
from tdnet_assets.tables.documents import DOCUMENTS_TABLE
from tdnet_assets.tables.wholeness import Lack
from tdnet_assets.tdnet.categories import CATEGORIES
from tdnet_assets.tdnet.listing import TOKYO
from tdnet_assets_tests.lake_days import disclosure, put_day
from tdnet_assets_tests.reader.example_lake import CODE, NAME

pytestmark = pytest.mark.slow
DAY = date(2026, 6, 10)
LACK_KINDS = (*sorted(wholeness.MAKEABLE), wholeness.CHECK_FAILED, wholeness.INPUT_NOT_WHOLE)
CAUSE_KINDS = (
    day_plan.NOT_OVER,
    day_plan.LONG_AGO,
    day_plan.ENDED_EARLY,
    day_plan.DAMAGE_MET,
)
STEP_KINDS = (
    day_plan.GOES_ON,
    day_plan.STARTS,
    day_plan.AGAIN,
    day_plan.LATER,
    day_plan.TO_BE_PUBLISHED,
    day_plan.OTHER_CONTENT,
)
ATOM = "{http://www.w3.org/2005/Atom}"


def wait_for_the_first_look(reader):
    """Before it there are no days; on a busy machine it takes longer than any request waits."""
    deadline = time.monotonic() + 60
    while not reader.get("/api/v1/days").json()["items"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def text_of(answer):
    assert answer.status_code == 200, answer.text[:2000]
    return " ".join(html.fromstring(answer.content).text_content().split())


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "language"),
    [
        (None, None, "ja,en;q=0.8", "ja"),
        (None, None, "en-US,en;q=0.9,ja;q=0.8", "en"),
        (None, None, "ja;q=0.3, en;q=0.2", "ja"),
        (None, None, "fr", "en"),
        (None, None, "ja;q=x", "en"),
        (None, "ja", "en", "ja"),
        ("en", "ja", "ja", "en"),
        ("xx", None, "ja", "ja"),
    ],
)
def test_the_language_is_asked_for_remembered_or_the_browser_s(
    asked, remembered, accepted, language
):
    assert preferred(asked, remembered, accepted) == language


def test_every_word_and_category_has_two_languages():
    assert _CATEGORIES.keys() == CATEGORIES.keys()
    for name, pair in (*_WORDS.items(), *_CATEGORIES.items()):
        assert len(pair) == 2, name
        assert all(pair), name
        assert len(re.findall(r"[{]", pair[0])) == len(re.findall(r"[{]", pair[1])), name


def test_a_switch_is_remembered(reader):
    japanese = reader.get("/?lang=ja")
    again = reader.get("/status")
    english = reader.get("/status?lang=en")

    assert 'lang="ja"' in japanese.text
    assert "稼働状況" in text_of(again)
    assert "may not be redistributed" in text_of(english)


def test_every_page_says_that_the_works_may_not_be_redistributed(reader, collected):
    for address in ("/", f"/days/{collected.days[1]}", f"/companies/{CODE}", "/search", "/status"):
        assert "再配布はできません" in text_of(
            reader.get(address, headers={"Accept-Language": "ja"})
        )


def test_what_a_browser_has_is_not_sent_again(reader, collected):
    wait_for_the_first_look(reader)
    for address in (f"/days/{collected.days[1]}", f"/companies/{CODE}", "/feed.atom", "/api"):
        first = reader.get(address)
        again = reader.get(address, headers={"If-None-Match": first.headers["etag"]})
        other = reader.get(
            address, headers={"If-None-Match": first.headers["etag"], "Accept-Language": "ja"}
        )
        assert (again.status_code, again.content) == (304, b""), address
        assert other.status_code == 200, address


def test_today_is_filtered_by_category_code_and_words(reader, collected):
    rows = reader.get(f"/api/v1/disclosures?from={collected.days[0]}&limit=500").json()["items"]
    earnings = [row for row in rows if row["category"] == "earnings"]

    page = text_of(reader.get("/?category=earnings&lang=en"))
    company = html.fromstring(reader.get(f"/?code={rows[0]['code'][:4]}").content)

    assert f"{len(earnings)} of 60 disclosures" in page
    codes = {one.get("href") for one in company.xpath("//td[@class='code']/a")}
    assert codes == {f"/companies/{rows[0]['code']}"}


def test_a_day_that_is_not_whole_says_why(reader, collected):
    wait_for_the_first_look(reader)

    page = text_of(reader.get(f"/days/{collected.days[2]}?lang=en"))

    assert "Why this day is not whole" in page
    assert "check rows_complete failed" in page


def test_why_a_day_is_not_whole_is_said_in_japanese_too(reader, collected):
    wait_for_the_first_look(reader)

    day = text_of(reader.get(f"/days/{collected.days[2]}?lang=ja"))
    status = text_of(reader.get("/status?lang=ja"))

    assert "検査 rows_complete に合格していません" in day
    assert "failed" not in day
    assert "検査 rows_complete に合格していません" in status
    assert re.search("合格していません[^）]*（[^）]*収集[^）]*）", status)
    assert "not there" not in status


def test_every_reason_and_step_has_words_in_japanese():
    words = Words("ja")
    reasons = {kind: Lack("facts", kind, "x", ("a", "b")) for kind in LACK_KINDS}
    causes = [Cause(kind, "x", ("a", "b")) for kind in CAUSE_KINDS]
    steps = [Step(kind, "collection", datetime(2026, 6, 10, 3, tzinfo=UTC)) for kind in STEP_KINDS]

    said = words.outlook(Outlook([*reasons.values()], causes, steps))

    assert len({words.lack(one) for one in reasons.values()}) == 6
    assert "facts: 以前の読み取り方（a）で作られています。今は b です" in said
    assert "元になる a、b が完了していません" in said
    assert "実行 a は一覧を読む前に終わりました（b）" in said
    assert said.endswith(
        "（収集を実行中、収集を開始、収集は 12:00 に再開、収集は順番待ち、公表待ち、"
        "別の内容か新しい読み取り方を待っています）"
    )


def test_several_reasons_stand_apart_as_each_language_has_it():
    reasons = [
        Lack("documents", wholeness.ABSENT, "not there"),
        Lack("earnings", wholeness.CHECK_FAILED, "check x failed", ("x",)),
    ]

    assert Words("en").lacks(reasons) == "documents: not there; earnings: check x failed"
    assert Words("ja").lacks(reasons) == (
        "documents: まだありません。earnings: 検査 x に合格していません"
    )


def test_an_empty_lake_says_what_to_do_first(empty_reader):
    wait_for_the_first_look(empty_reader)

    today = text_of(empty_reader.get("/?lang=ja"))
    status = text_of(empty_reader.get("/status?lang=en"))

    assert "まだ何も収集されていません。" in today
    assert f"tdnet collect {datetime.now(TOKYO).date()}" in today
    assert "Nothing has been collected yet." in status
    assert "is whole" not in status


def test_a_company_shows_results_forecasts_revisions_and_dividends(reader):
    page = reader.get(f"/companies/{CODE}?lang=en")
    said = text_of(page)
    tree = html.fromstring(page.content)

    assert NAME in said
    assert "Revisions of forecasts" in said
    assert "to loss" in said
    assert len(tree.xpath("//svg")) == 5
    # Every chart has its table.
    assert len(tree.xpath("//figure[.//details//table]")) == 4
    paid = [
        [f"{year}/03", f"{amount}.00", f"{amount}.00", "31 %"]
        for year, amount in ((2025, 40), (2024, 38), (2023, 36), (2022, 34), (2021, 32))
    ]
    dividends = tree.xpath("//section[@aria-labelledby='dividends']//tbody/tr")
    cells = [[cell.text_content() for cell in row] for row in dividends]
    assert cells == [["2026/03", "", "42.00", ""], *paid]


def test_a_short_code_leads_to_the_company(reader):
    answer = reader.get("/companies/8699", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (302, f"/companies/{CODE}")
    assert reader.get("/companies/0000x").status_code == 404


def test_the_status_tells_runs_days_and_what_comes_next(reader, collected):
    page = text_of(reader.get("/status?lang=en"))

    assert str(collected.days[2]) in page
    assert "collection" in page
    assert "IncompleteDayError" in page
    assert "60 / 0 / 0" in page


def test_the_feed_is_atom_with_stable_ids(reader, collected):
    tree = etree.fromstring(reader.get("/feed.atom?category=earnings").content)

    entries = tree.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert entries
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"tag:tdnet-reader,2026:disclosure/[0-9]{14}", one) for one in ids)
    assert {entry.find(f"{ATOM}category").get("term") for entry in entries} == {"earnings"}


def test_a_page_of_a_pdf_is_a_picture_made_elsewhere(reader, collected):
    row = reader.get(f"/api/v1/disclosures?from={collected.days[0]}&category=earnings").json()
    number = row["items"][0]["disclosure_id"]

    picture = reader.get(f"/disclosures/{number}/pages/1.png")
    again = reader.get(f"/disclosures/{number}/pages/1.png")
    beyond = reader.get(f"/disclosures/{number}/pages/99.png")
    page = text_of(reader.get(f"/disclosures/{number}?lang=ja"))

    assert picture.content.startswith(b"\x89PNG")
    assert again.content == picture.content
    assert (beyond.status_code, "no page 99" in beyond.text) == (422, True)
    assert "この文書は見本です" in page


HOSTILE = '<script>alert(1)</script>\u202e\x07 {{ 7*7 }} " onload=x 決算'


@pytest.fixture
def hostile(platform):
    """A day whose titles and files mean harm."""
    lake = LakeResource(config=platform)
    rows = [
        disclosure(
            DAY,
            number,
            title=HOSTILE,
            company_name="<img src=x onerror=alert(1)>",
            pdf_url="https://tdnet.invalid/x.pdf",
            previous_titles=(HOSTILE,),
            history=HOSTILE,
            status="retitled",
        )
        for number in range(3)
    ]
    put_day(lake, DAY, rows)
    content = b"<html><script>alert(1)</script></html>"
    number = rows[0].disclosure_id
    key = layout.document_key(DAY, number, "pdf")
    lake.put_new(key, content, content_type="text/html", metadata={})
    stored = dict.fromkeys(DOCUMENTS_TABLE.schema) | {
        "disclosure_id": number,
        "kind": "pdf",
        "status": "stored",
        "s3_key": key,
        "bytes": len(content),
        "sha256": sha256(content),
    }
    lake.write_table("documents", DAY, DOCUMENTS_TABLE.frame([stored]), {})
    with TestClient(application(platform), base_url="http://127.0.0.1") as client:
        yield client, number


def test_a_hostile_day_is_text_everywhere(hostile):
    client, number = hostile
    code = client.get(f"/api/v1/disclosures/{number}").json()["code"]
    for address in (
        f"/days/{DAY}",
        f"/disclosures/{number}",
        f"/companies/{code}",
        f"/search?q=決算&from={DAY}&to={DAY}",
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/%3Cscript%3E",
    ):
        page = client.get(address)
        tree = html.fromstring(page.content)
        assert page.headers["content-type"].startswith("text/html")
        assert [one.get("src") for one in tree.xpath("//script")] != [None], address
        assert all(one.get("src", "").startswith("/static/") for one in tree.xpath("//script"))
        assert not tree.xpath("//*[@onerror or @onload or @style]"), address
        assert "\u202e" not in page.text, address
        assert "\x07" not in page.text, address
        assert "49" not in tree.xpath("string(//h1)"), address
    assert "\\u202e" in client.get(f"/disclosures/{number}").text
    # JSON keeps the text exactly, as an escape; CSV shows it as one.
    assert client.get(f"/api/v1/disclosures/{number}").json()["title"] == HOSTILE
    assert "\u202e" not in client.get(f"/api/v1/disclosures.csv?from={DAY}&to={DAY}").text
    etree.fromstring(client.get("/feed.atom").content)


def test_a_pdf_that_is_html_is_never_shown_as_html(hostile):
    client, number = hostile

    file = client.get(f"/api/v1/documents/{number}.pdf")
    picture = client.get(f"/disclosures/{number}/pages/1.png")

    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["x-content-type-options"] == "nosniff"
    assert picture.headers["content-type"] == "application/problem+json"
    assert "cannot be opened as a PDF" in picture.json()["detail"]
