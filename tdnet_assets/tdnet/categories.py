"""What a disclosure is about, judged by its title alone.

What belongs here: the table of rules. A title names its matters in the company's own words, so this
is a convenience for searching and never a fact: the first rule that matches wins, and a title that
no rule knows is honestly ``other``. What does not: anything read from inside a document.
"""

import re
from typing import NamedTuple

from tdnet_assets.tdnet.listing import normalize_title

OTHER = "other"
CATEGORIES = {
    "etf_reit_notice": "notices of funds: ETF, ETN, REIT and infrastructure fund",
    "presentation": "explanatory material: presentations, supplements, questions and answers",
    "earnings": "financial results (決算短信), and when they are published",
    "forecast_revision": "forecasts of results: made, revised, or compared with what came",
    "monthly_report": "figures of a month: sales, orders, stores, assets",
    "stock_compensation": "stock options and restricted stock for officers and employees",
    "stock_split": "splits, reverse splits, trading units",
    "share_buyback": "purchase and cancellation of own shares",
    "shareholder_benefit": "gifts to shareholders (株主優待)",
    "gain": "extraordinary and non-operating income, dividends received",
    "dividend": "dividends, their forecasts and policy",
    "share_issue": "shares, warrants and convertible bonds issued, sold or placed",
    "merger_acquisition": "mergers, divisions, tender offers, companies and businesses sold",
    "alliance": "business and capital alliances, joint ventures",
    "subsidiary": "subsidiaries and affiliates founded, dissolved or reorganised",
    "shareholders": "major shareholders, parent and controlling companies",
    "accounting": "auditors, accounting periods and policies, internal control, filings",
    "litigation_or_loss": "lawsuits, losses, misconduct, accidents, sanctions, insolvency",
    "listing": "listing, delisting, market segment, trading supervision",
    "business_plan": "medium-term plans, cost of capital, growth potential",
    "financing": "loans, bonds, ratings, guarantees, capital reduction",
    "governance": "shareholder meetings, articles, boards, independent officers, policies",
    "personnel": "officers, representatives, organisation and staff",
    "assets": "fixed assets, property and securities bought or sold",
    "business": "products, contracts, orders, stores, patents, new business",
    OTHER: "no rule knows the title",
}


class Rule(NamedTuple):
    """Titles in which the pattern is found belong to the category, unless an earlier rule fits."""

    category: str
    pattern: re.Pattern[str]


def _rule(category: str, *alternatives: str, words: str = "") -> Rule:
    """A rule of Japanese alternatives and of Latin words, which must stand alone."""
    # Not \b: to it a kana is a letter too, so that 「上場ETFに」 would hold no word ETF.
    latin = (f"(?<![A-Za-z])(?:{words})(?![A-Za-z])",) if words else ()
    # A title has some 100 characters; without an end, .* would cost the square of a hostile one.
    within = "|".join(alternatives + latin).replace(".*", ".{0,300}")
    return Rule(category, re.compile(within, re.IGNORECASE))


# In order of precedence, the narrow before the wide; written for NFKC titles.
RULES = (
    _rule(
        "etf_reit_notice",
        r"上場投資信託|上場投信|指標連動(証券|有価証券)|受益証券|有価証券報告書の適正性",
        r"日々の[一1]口|[一1]口(あたり|当たり)(の)?(参考|純資産|分配)|基準価額|収益分配|分配金",
        r"投資口|投資主|投資法人|資産運用会社|インフラファンド",
        words="ETFs?|ETNs?|JDR",
    ),
    _rule(
        "presentation",
        r"(説明|補足|参考|発表|プレゼンテーション|コール|コール用|IR|決算|概要)資料|説明会|質疑応答",
        r"ファクトブック|ファクトシート|データブック|動画|よくある(ご)?質問|書き起こし|統合報告書|アニュアルレポート",
        words=r"Q&A|presentation|supplementary|fact ?book|fact ?sheet|annual report",
    ),
    # Results of years ago that have to be stated anew are a matter of accounting.
    _rule("accounting", r"過年度.*(訂正|修正)"),
    _rule(
        "earnings",
        r"決算短信|四半期決算|決算(の)?(開示|発表|公表|概況|概要|数値)",
        r"(業績|経営成績)(の)?(概況|概要|ハイライト|に関する|について|のお知らせ)",
        words="financial results",
    ),
    _rule(
        "forecast_revision",
        r"(業績|収益|損益|経営成績|売上高?)(の)?(予想|見通し|予測|見込)|(通期|連結|個別)(の)?予想",
        r"(予想|実績)(値)?(と|との|及び|並びに).*(差異|実績)|(業績|決算)(の)?.*速報",
        words="forecasts?",
    ),
    _rule(
        "monthly_report",
        r"月次|月度|[0-9]月(分|の)?(売上|業績|受注|営業|実績|概況|運用資産)|[0-9]月.*(前年(同月)?比|速報)",
        r"売上(進捗|状況|速報|報告)",
        words="monthly",
    ),
    _rule(
        "stock_compensation",
        r"ストック・?オプション|譲渡制限付(き)?株式|株式報酬|株式(の)?(給付|付与|交付信託)",
        r"従業員持株会|(取締役|従業員|役員|監査役).*新株予約権",
        words="RSU?|PSU|J?-?ESOP",
    ),
    _rule("stock_split", r"株式(の)?(分割|併合)(?!に伴う配当)|単元株"),
    _rule(
        "share_buyback",
        r"自己株式.{0,12}(取得|買付|買取|買入|消却)|自己株券買付|自社株買|立会外買付",
        words="ToSTNeT(-[0-9])?",
    ),
    _rule("shareholder_benefit", r"株主優待|優待制度"),
    # Of a gain and something else, the title names first what it is about.
    _rule("litigation_or_loss", r"(特別損失|減損).*(特別利益|繰延税金)|繰延税金資産.{0,4}取り?崩"),
    _rule("assets", r"固定資産(の)?(譲渡|売却)(?!益)"),
    _rule(
        "gain",
        r"(特別|営業外)(利益|収益|損益)|為替差益|売却益|配当金?(等)?(の)?(受領|受取)|受取配当",
        r"補助金|繰延税金|法人税等調整",
    ),
    _rule("dividend", r"配当|増配|減配|復配|無配|株主還元", words="dividends?"),
    _rule("alliance", r"(業務|資本)提携.*(第三者割当|新株|自己株式)"),
    _rule(
        "share_issue",
        r"新株(式)?(の)?発行|新株予約権|第三者割当|公募|売出|転換社債|優先株|種類株|立会外分売|増資",
        r"募集(株式|新株|事項)|株式(の)?(発行|募集)|自己株式(の)?処分|行使価額|オーバーアロットメント|安定操作",
    ),
    _rule("governance", r"買収防衛|大規模買付|買収への対応"),
    # The one that we are an affiliate of, not one that is ours.
    _rule("shareholders", r"その他の関係会社"),
    _rule(
        "merger_acquisition",
        r"合併|株式(交換|移転|交付)|(会社|吸収|新設)分割|事業(の)?(譲渡|譲受|承継)|公開買付|子会社化",
        r"買収|経営統合|スクイーズアウト|売渡請求|スピンオフ|持株会社|(株式|持分)(等)?(の)?(取得|譲渡|売却|譲受)",
        r"(子会社|関係会社|関連会社).*の?異動|持分法適用",
        words="MBO|TOB|M&A",
    ),
    _rule("alliance", r"提携|資本業務|合弁|協業|包括連携|共同(開発|研究|出資|事業)|覚書|基本合意"),
    # What a company on special alert files with the exchange to be released from it.
    _rule("listing", r"(特設|特別)注意|内部管理体制確認書"),
    _rule("subsidiary", r"子会社|孫会社|関係会社|関連会社|現地法人"),
    _rule("shareholders", r"(主要|筆頭|大|支配)株主|親会社|大量保有|議決権(の)?(割合|所有)"),
    _rule(
        "accounting",
        r"会計監査人|公認会計士|監査法人|監査報告|決算期|事業年度|会計(方針|基準|処理|上)|内部統制",
        r"(有価証券|四半期|半期)報告書|内部管理体制|不適切な会計|財務会計基準機構|国際財務報告",
        words="IFRS",
    ),
    _rule(
        "litigation_or_loss",
        r"訴訟|提訴|判決|和解|仲裁|損害賠償|特別損失|減損|評価損|営業外費用|為替差損|貸倒|引当金|取立不能",
        r"債務超過|継続企業|破産|民事再生|会社更生|債務免除|退職者|不正|不祥事|調査委員会|改善(報告|措置)",
        r"行政処分|課徴金|排除措置|業務停止|リコール|自主回収|火災|事故|地震|台風|災害|被害|サイバー|ランサム",
        r"システム障害|漏えい|漏洩|情報流出|お詫び|違約金|差押|仮処分|逮捕|法令違反",
    ),
    _rule(
        "listing",
        r"上場(廃止|維持|承認|申請|市場|区分|契約|時価)|新規上場|(市場|所属部|区分).*変更|(監理|整理)銘柄",
        r"市場(区分)?(の)?選択|(プライム|スタンダード|グロース)市場|貸借銘柄|重複上場|証券取引所",
    ),
    _rule(
        "business_plan",
        r"経営計画|(中期|長期|中長期|成長|再生|再建|事業)(的な)?(の)?(計画|戦略|ビジョン|方針)|ビジョン",
        r"成長可能性|資本コスト|株価を意識|経営(方針|目標)|企業価値(の)?向上",
    ),
    _rule(
        "financing",
        r"借入|借換|融資|貸付|金銭消費貸借|コミットメント|社債|シンジケート|資金(の)?調達|格付|債務保証",
        r"当座貸越|担保|劣後|資本金|準備金|剰余金の処分|財務上の特約|財務制限",
        words="loans?",
    ),
    _rule(
        "governance",
        r"株主総会|定款|招集|議決権|ガバナンス|独立役員|基本方針|株主提案|実効性",
        r"監査等委員会設置|(指名|報酬)委員会|報酬制度|役員報酬|株主名簿|基準日|決議(事項|通知)|公告|商号",
        r"コンプライアンス|サステナビリティ|本店|本社.*移転",
    ),
    _rule(
        "personnel",
        r"役員|取締役|監査役|執行役|代表者|社長|会長|人事|異動|組織(変更|改|再編|体制)|機構改革|経営(体制|陣)",
        r"後任|辞任|逝去|訃報|退任|就任|候補者|従業員|賃金|賃上げ|ベースアップ",
        words="CEO|CFO|COO",
    ),
    _rule(
        "assets",
        r"資産(の)?(取得|譲渡|売却|除却)|不動産|土地|建物|信託受益権|有価証券(の)?(売却|取得|投資)|設備投資",
        r"工場|投資有価証券|物件|暗号資産|ビットコイン|政策保有",
    ),
    _rule(
        "business",
        r"新(規)?(事業|製品|商品|サービス|会社|店)|契約|受注|採択|発売|販売|提供|開始|開設|開店|出店|閉店|閉鎖",
        r"特許|承認|治験|臨床|試験|ライセンス|開発|認定|認証|導入|採用|事業|店舗|施設|プロジェクト|稼働|撤退",
    ),
)


def categorize(title: str) -> str:
    """The category of a title, raw or normalised: a key of ``CATEGORIES``."""
    normalized = normalize_title(title)
    fitting = (rule.category for rule in RULES if rule.pattern.search(normalized))
    return next(fitting, OTHER)


def is_correction(title: str) -> bool:
    """Whether the title says that it corrects an earlier disclosure, as 3 % of them do."""
    normalized = normalize_title(title)
    return "訂正" in normalized or "correction" in normalized.casefold()
