"""The issuers of the sample TDnet site: all of them invented.

What belongs here: who discloses (code, names, exchanges, kind, accounting habits), as a pure
function of the code, and the one source of deterministic chance that the sample modules share.

What does not: what they disclose on a day (``day.py``) and their figures
(``figures.py``).
"""

# ruff: noqa: SIM905 - a word a line would be four screens

import random
from dataclasses import dataclass
from functools import cache
from typing import Literal

Kind = Literal["company", "reit", "etf", "etn"]

SHOWN_NAME_CHARACTERS = 10
"""The list pages cut names here."""

# Invented place-like words: no listed company is called so, whatever follows.
_STEMS = (
    "霧浜 蒼嶺 穂乃川 瑞雲台 凪原 鷺ノ森 緋月 朝凪島 雲見坂 白妙野 灯台岬 月ヶ淵 時雨沢 夕霧谷 "
    "千歳葉 花筏 遠音 翠嵐 星見台 風待浦 木霊 雪兎 藍染川 百舌野 薄氷 若水沢 浮雲 綾瀬浜 "
    "鈴蘭台 琥珀峠 群青 露草 暁星野 銀鱗 砂時計 潮騒崎 篝火 笹舟 虹ノ浦 水琴"
).split()
_TRADES = (
    "製作所 電機 商事 化学 食品 建設 工業 精機 紡績 薬品 運輸 倉庫 不動産 ガス 製紙 金属 印刷 "
    "造船 観光 百貨店 油脂 計器 鋼管 製菓 ＨＤ 通信 硝子 農機 飲料 興産"
).split()
_BRANDS = (
    "ソラヴィス トワリス カゼノワ ルミナーダ ヒノメア クロノヴェ ベルミナス ユキノハナ アオミネス "
    "ツキカゼラ ミズタマリ ノアレンジ オトハラボ キリハマル フタバノス シズクリア モリノネ "
    "コハルナ サザナミア ホタルビス テンノカワ ナギサリア イロハノス ワタユキア"
).split()
_BUSINESSES = (
    "テック システム フーズ ファーマ ロジ ＨＤ ソフト バイオ ネット ＡＩ ロボ エナジー ケア "
    "リサーチ"
).split()
_INDICES = (
    "世界株 外債 金先物 原油先物 高配当 小型株 国債 ２倍株 逆連動 新興株 不動産 銀先物".split()
)
_SURNAMES = (
    "浅緋 霧生 穂高谷 月岡野 凪沢 雲井田 時任川 遠見 花城 水鳥 篠懸 鴇田野 風祭原 藤波瀬".split()
)
_GIVEN_NAMES = "誠一 和泉 美月 健吾 遥香 隆之 千早 直哉 結衣 修平 真帆 光彦".split()

_LTD_FIRST_SHARE, _GROUP_SHARE, _IFRS_SHARE, _THOUSANDS_SHARE = 0.5, 0.78, 0.12, 0.12


@dataclass(frozen=True, slots=True)
class Company:
    """One invented issuer."""

    code: str
    """Five characters, letters possible in the second and fourth."""
    short_name: str
    """As the list shows it: market prefix included, at most ten characters."""
    name: str
    """In full, e.g. 霧浜製作所株式会社."""
    kind: Kind
    place: str
    """Exchanges as the list shows them, e.g. 東名."""
    fiscal_month: int
    """Month (1 to 12) in whose last day the fiscal year ends."""
    consolidated: bool
    standard: Literal["jp", "if"]
    """J-GAAP or IFRS, spelt as in the names of XBRL files."""
    thousands: bool
    """Whether amounts are shown in 千円 instead of 百万円."""
    representative: str
    contact: str
    spelling: int
    """0 to 3: which mixture of full and half width its titles use."""


def chance(*parts: object) -> random.Random:
    """A source of chance that depends on the parts only: same parts, same draws, anywhere."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - repeatable, not secret


@cache
def companies() -> tuple[Company, ...]:
    """Every ordinary company, REIT, fund and note of the sample market, sorted by code."""
    draw = chance("companies")
    names = [stem + trade for stem in _STEMS for trade in _TRADES]
    names += [brand + business for brand in _BRANDS for business in _BUSINESSES]
    draw.shuffle(names)
    numeric = draw.sample([f"{number}0" for number in range(1700, 10_000)], len(names))
    listed = []
    for position, (name, number) in enumerate(zip(names, numeric, strict=True)):
        young = position % 9 == 0
        # Codes given out since 2024 hold a letter.
        code = f"{130 + position // 9}A0" if young else number
        listed.append(_company(code, name, "Ｇ－" if young or position % 11 == 0 else ""))
    # One letter code and one pair that differs in the last character only are always there.
    listed.append(_company("141A0", "霧笛ラボ", "Ｇ－"))
    listed += [_company(f"{number}A0", f"{stem}総研", "Ｐ－") for number, stem in _professional()]
    listed += [
        _fund(f"{8900 + 3 * position}0", f"Ｒ－{stem}リート", "reit")
        for position, stem in enumerate(_STEMS[:24])
    ]
    listed += [
        _fund(f"{1320 + 4 * position}0", f"{stem}{index}", "etf")
        for position, (stem, index) in enumerate(_paired(_STEMS, _INDICES, 60))
    ]
    for position, (stem, index) in enumerate(_paired(_BRANDS, _INDICES, 12)):
        listed.append(_fund(f"{1557 + 5 * position}4", f"Ｅ－{stem}{index}", "etf"))
    for position, (stem, index) in enumerate(_paired(_STEMS[::-1], _INDICES, 14)):
        listed.append(_fund(f"{2070 + position}4", f"Ｎ－{stem}{index}", "etn"))
    listed += [
        _fund("15570", "蒼嶺米国株", "etf"),
        _fund("585A0", "翠嵐宇宙株", "etf"),
        _fund("585A4", "Ｎ－篝火ＡＩ株", "etn"),
    ]
    by_code = {company.code: company for company in listed}
    return tuple(by_code[code] for code in sorted(by_code))


@cache
def company_of(code: str) -> Company:
    """The company with this code; an unknown code gets an invented company of its own."""
    for company in companies():
        if company.code == code:
            return company
    draw = chance("company", code)
    return _company(code, f"{draw.choice(_STEMS)}{draw.choice(_BUSINESSES)}", "")


@cache
def issuers(kind: Kind) -> tuple[Company, ...]:
    """The companies of one kind, sorted by code."""
    return tuple(company for company in companies() if company.kind == kind)


def _professional() -> list[tuple[int, str]]:
    return [(330 + 7 * position, stem) for position, stem in enumerate(_STEMS[8:26])]


def _paired(
    left: tuple[str, ...] | list[str], right: list[str], size: int
) -> list[tuple[str, str]]:
    return [(left[position % len(left)], right[position % len(right)]) for position in range(size)]


def _company(code: str, name: str, prefix: str) -> Company:
    draw = chance("company", code)
    ltd_first = draw.random() < _LTD_FIRST_SHARE
    consolidated = draw.random() < _GROUP_SHARE
    return Company(
        code=code,
        short_name=(prefix + name)[:SHOWN_NAME_CHARACTERS],
        name=f"株式会社{name}" if ltd_first else f"{name}株式会社",
        kind="company",
        place=draw.choices(
            ("東", "東名", "名", "札", "福", "東福", "東札", "東名札福"),
            (86, 5, 3, 1.5, 1.5, 1.5, 1, 0.5),
        )[0],
        fiscal_month=draw.choices((3, 12, 6, 9, 2, 5, 8, 11), (62, 13, 5, 6, 6, 3, 3, 2))[0],
        consolidated=consolidated,
        standard="if" if consolidated and draw.random() < _IFRS_SHARE else "jp",
        thousands=draw.random() < _THOUSANDS_SHARE,
        representative=f"{draw.choice(_SURNAMES)}　{draw.choice(_GIVEN_NAMES)}",
        contact=f"{draw.choice(_SURNAMES)}　{draw.choice(_GIVEN_NAMES)}",
        spelling=draw.choices((0, 1, 2, 3), (50, 30, 15, 5))[0],
    )


def _fund(code: str, name: str, kind: Kind) -> Company:
    draw = chance("fund", code)
    return Company(
        code=code,
        short_name=name[:SHOWN_NAME_CHARACTERS],
        name=f"{name}投資法人" if kind == "reit" else name,
        kind=kind,
        place="東",
        fiscal_month=draw.randrange(1, 13),
        consolidated=False,
        standard="jp",
        thousands=True,
        representative=f"{draw.choice(_SURNAMES)}　{draw.choice(_GIVEN_NAMES)}",
        contact=f"{draw.choice(_SURNAMES)}　{draw.choice(_GIVEN_NAMES)}",
        spelling=draw.randrange(3),
    )
