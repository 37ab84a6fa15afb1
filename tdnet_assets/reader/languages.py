"""What the pages say, in Japanese and in English, and which of the two a reader wants.

What belongs here: the words. What does not: titles, names and texts of disclosures, which are shown
as they were published.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, Literal, get_args

from tdnet_assets.automation.day_plan import (
    AGAIN,
    DAMAGE_MET,
    ENDED_EARLY,
    GOES_ON,
    LATER,
    LONG_AGO,
    NOT_OVER,
    OTHER_CONTENT,
    STARTS,
    TO_BE_PUBLISHED,
    Outlook,
)
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION
from tdnet_assets.tables.wholeness import (
    ABSENT,
    CHECK_FAILED,
    DAMAGED,
    INPUT_NOT_WHOLE,
    OLD_READER,
    OUTDATED,
    Lack,
)
from tdnet_assets.tdnet.listing import TOKYO

Language = Literal["ja", "en"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
NAMES: Final[Mapping[Language, str]] = {"ja": "日本語", "en": "English"}
_JA, _EN = 0, 1

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "site": ("TDnet リーダー", "TDnet reader"),
    "skip": ("本文へ", "Skip to content"),
    "today": ("今日", "Today"),
    "companies": ("会社", "Companies"),
    "search": ("検索", "Search"),
    "status": ("稼働状況", "Status"),
    "api": ("API", "API"),
    "feed": ("フィード", "Feed"),
    "language": ("言語", "Language"),
    "go": ("表示", "Show"),
    "clear": ("解除", "Clear"),
    "notice": (
        (
            "適時開示情報は各発行者および東京証券取引所（TDnet）の著作物です。"
            "ここで読む人のためのもので、再配布はできません。"
        ),
        (
            "Disclosures are works of their issuers and of the Tokyo Stock Exchange (TDnet). They "
            "are here for you to read, and may not be redistributed."
        ),
    ),
    "time": ("時刻", "Time"),
    "code": ("コード", "Code"),
    "company": ("会社名", "Company"),
    "title": ("表題", "Title"),
    "category": ("種別", "Category"),
    "files": ("書類", "Files"),
    "all_categories": ("すべての種別", "All categories"),
    "words": ("ことば", "Words"),
    "words_hint": ("表題・会社名のことば", "Words of a title or a name"),
    "code_hint": ("例: 7203", "e.g. 7203"),
    "xbrl_only": ("XBRLのみ", "With XBRL"),
    "filter": ("絞り込み", "Filter"),
    "disclosures": ("開示", "Disclosures"),
    "count": ("{0}件", "{0} disclosures"),
    "count_of": ("{1}件中 {0}件", "{0} of {1} disclosures"),
    "none_today": ("今日の開示はまだありません。", "Nothing has been disclosed today yet."),
    "none": ("該当する開示はありません。", "No disclosure matches."),
    "older": ("さらに前の開示", "Earlier disclosures"),
    "newest_first": ("新しい順", "newest first"),
    "window": ("公開期間の日々", "Days of the window"),
    "whole": ("完了", "whole"),
    "not_whole": ("未完了", "not whole"),
    "not_yet": ("未収集", "not there yet"),
    "unknown": ("確認中", "being looked at"),
    "why_not_whole": ("未完了の理由", "Why this day is not whole"),
    "day_is_whole": ("この日の収集は完了しています。", "This day is whole."),
    "day_not_there": ("この日はまだ収集されていません。", "This day has not been collected yet."),
    "day_not_known": (
        "この日は公開期間の外にあるか、確認中です。",
        "This day is outside the window, or is being looked at.",
    ),
    "by_hour": ("時間帯ごと", "By hour"),
    "by_category": ("種別ごと", "By category"),
    "hour": ("時間帯", "Hour"),
    "number": ("件数", "Number"),
    "previous_day": ("前の日", "Day before"),
    "next_day": ("次の日", "Next day"),
    "corrected": ("訂正", "correction"),
    "deleted": ("削除", "deleted"),
    "retitled": ("表題変更", "retitled"),
    "active": ("公開", "active"),
    "as_table": ("表で見る", "As a table"),
    "exchanges": ("上場取引所", "Exchanges"),
    "latest_report": ("最新の決算短信", "Latest report"),
    "no_report": (
        "この会社の決算短信はまだありません。",
        "There is no report of results of this company yet.",
    ),
    "results": ("業績", "Results"),
    "results_note": (
        "百万円単位（1株当たりは円）。数字に触れると全桁が見えます。期中は年度の累計です。",
        (
            "Millions of yen (per share: yen). Point at a figure for all its digits. Within a year "
            "the figures are cumulative."
        ),
    ),
    "period": ("期間", "Period"),
    "year": ("年度", "Year"),
    "published": ("発表", "Published"),
    "result": ("実績", "Result"),
    "so_far": ("累計", "So far"),
    "forecast": ("予想", "Forecast"),
    "first_forecast": ("期初予想", "First forecast"),
    "last_forecast": ("直前予想", "Last forecast"),
    "on_year": ("前年比", "on the year"),
    "against_forecast": ("予想比", "against forecast"),
    "reached": ("進捗", "reached"),
    "next": ("来期予想", "Next year"),
    "to_profit": ("黒字転換", "to profit"),
    "to_loss": ("赤字転落", "to loss"),
    "larger_loss": ("赤字拡大", "larger loss"),
    "smaller_loss": ("赤字縮小", "smaller loss"),
    "revisions": ("予想の推移", "Revisions of forecasts"),
    "revisions_note": (
        "会社予想がいつ、どう変わったか。線の終わりのひし形は実績です。",
        (
            "When the company changed its forecasts, and how. The diamond at the end of a line is "
            "the result."
        ),
    ),
    "no_revisions": ("予想の変更はありません。", "No forecast was changed."),
    "item": ("項目", "Item"),
    "before": ("変更前", "Before"),
    "after": ("変更後", "After"),
    "change": ("増減率", "Change"),
    "withdrawn": ("未定", "withdrawn"),
    "dividends": ("配当", "Dividends"),
    "dividends_note": ("1株当たり年間、円", "Per share and year, in yen"),
    "paid": ("実績", "Decided"),
    "payout": ("配当性向", "Payout ratio"),
    "all_disclosures": ("すべての開示", "All disclosures"),
    "more": ("もっと見る", "More"),
    "million_yen": ("百万円", "¥ million"),
    "yen": ("円", "yen"),
    "history": ("経緯", "History"),
    "old_titles": ("以前の表題", "Earlier titles"),
    "changed_at": ("変更日時", "Changed"),
    "first_seen": ("最初の取得", "First seen"),
    "last_seen": ("最後の取得", "Last seen"),
    "history_note": ("更新履歴", "History as TDnet states it"),
    "document": ("書類", "Document"),
    "text": ("本文", "Text"),
    "page_of": ("{0} / {1} ページ", "Page {0} of {1}"),
    "page_image": ("PDFの{0}ページ目の画像", "Picture of page {0} of the PDF"),
    "previous_page": ("前のページ", "Previous page"),
    "next_page": ("次のページ", "Next page"),
    "download_pdf": ("PDFを保存", "Save the PDF"),
    "download_xbrl": ("XBRLを保存", "Save the XBRL archive"),
    "no_pdf": ("PDFは保存されていません", "The PDF is not stored"),
    "no_text": ("このページに文字はありません（画像）。", "This page holds no text (a scan)."),
    "text_not_there": (
        "この書類の本文はまだ抽出されていません。",
        "The text of this document has not been extracted yet.",
    ),
    "figures": ("数値", "Figures"),
    "figure": ("値", "Value"),
    "provenance": ("出所", "Provenance"),
    "disclosure_id": ("開示番号", "Disclosure number"),
    "capture": ("取得記録", "Capture"),
    "digest": ("SHA-256", "SHA-256"),
    "size": ("大きさ", "Size"),
    "fetched_at": ("取得日時", "Fetched"),
    "state": ("状態", "State"),
    "kind": ("種類", "Kind"),
    "replaces": ("置き換えた開示", "Replaces"),
    "replaced_by": ("この開示を置き換えた開示", "Replaced by"),
    "related": ("関連する開示", "Related reports"),
    "is_replaced": (
        "この報告は後の開示に置き換えられています。",
        "A later disclosure has replaced this report.",
    ),
    "is_deleted": (
        "この開示はTDnetで削除されました。以下は削除前の記録です。",
        "TDnet has deleted this disclosure. What follows is the record from before.",
    ),
    "search_in": ("対象", "In"),
    "in_title": ("表題・会社名", "titles and names"),
    "in_text": ("本文", "texts"),
    "in_all": ("すべて", "everything"),
    "from": ("から", "From"),
    "to": ("まで", "To"),
    "as_of": ("時点", "As of"),
    "search_hint": (
        'ことばを空けて並べると全てを含むもの、"語句" はそのまま、-語 は除きます。',
        'Several words: all of them. "Words in quotes": as they stand. -word: without it.',
    ),
    "search_empty": ("探すことばを入れてください。", "Say what to look for."),
    "found": ("{0}件見つかりました", "{0} found"),
    "page": ("ページ", "page"),
    "freshness": ("鮮度", "Freshness"),
    "fresh": (
        "{0} までの期日の来た日はすべて完了しています。",
        "Every due day up to {0} is whole.",
    ),
    "behind": ("{0} から遅れています。", "The archive is behind since {0}."),
    "looked_at": ("{0} 現在", "as of {0}"),
    "days_not_whole": ("完了していない日", "Days that are not whole"),
    "all_whole": ("公開期間の日はすべて完了しています。", "Every day of the window is whole."),
    "day": ("日", "Day"),
    "reason": ("理由", "Reason"),
    "next_step": ("次にすること", "What comes next"),
    "reconciler_note": (
        "センサー reconcile が動いていれば、次に始める仕事です。実行記録から見た予定です。",
        "What the sensor reconcile starts next if it is on, as far as the records of runs tell.",
    ),
    "runs": ("実行", "Runs"),
    "no_runs": ("実行の記録はまだありません。", "No run has left a record yet."),
    "started": ("開始", "Started"),
    "ended": ("終了", "Ended"),
    "days": ("対象日", "Days"),
    "progress": ("進み", "Progress"),
    "counts": ("新規 / 済 / 失敗", "New / kept / failed"),
    "error": ("エラー", "Error"),
    "run": ("実行", "Run"),
    "no_records_right": (
        "実行記録を読む権限がないか、表がありません。",
        "The records of runs cannot be read: the right is missing, or the table.",
    ),
    "login": ("合言葉", "Token"),
    "login_note": (
        "このリーダーは合言葉を求めます。管理者に聞いてください。",
        "This reader asks for a token: its operator has it.",
    ),
    "log_in": ("入る", "Log in"),
    "wrong_token": ("合言葉が違います。", "This is not the token."),
    "problem_404": ("見つかりません", "Not found"),
    "problem_400": ("この問いには答えられません", "This cannot be answered"),
    "problem_401": ("合言葉が必要です", "A token is needed"),
    "problem_503": ("今は答えられません", "No answer just now"),
    "problem_other": ("うまくいきませんでした", "Something went wrong"),
    "back": ("今日の開示へ", "To today's disclosures"),
    "new_rows": ("新しい開示があります", "There are new disclosures"),
    "companies_hint": (
        "コードか名前の一部を入れてください。",
        "Type a code or a part of a name.",
    ),
    "newest": ("最新", "Newest"),
    "Consolidated": ("連結", "consolidated"),
    "NonConsolidated": ("個別", "non-consolidated"),
    "jp": ("日本基準", "Japanese GAAP"),
    "ifrs": ("IFRS", "IFRS"),
    "us": ("米国基準", "US GAAP"),
    "reit": ("REIT", "REIT"),
    "etf": ("ETF", "ETF"),
    "Q1": ("第1四半期", "Q1"),
    "Q2": ("中間期", "Q2"),
    "Q3": ("第3四半期", "Q3"),
    "FY": ("通期", "full year"),
    "revenue": ("売上高", "Revenue"),
    "operating_income": ("営業利益", "Operating income"),
    "ordinary_income": ("経常利益", "Ordinary income"),
    "profit_before_tax": ("税引前利益", "Profit before tax"),
    "net_income": ("純利益", "Net income"),
    "eps": ("1株利益", "EPS"),
    "distribution_per_unit": ("1口分配金", "Distribution per unit"),
    "ordinary_or_pretax_income": ("経常利益・税引前利益", "Ordinary or pre-tax income"),
    "profit": ("当期利益", "Profit"),
    "comprehensive_income": ("包括利益", "Comprehensive income"),
    "diluted_eps": ("希薄化後1株利益", "Diluted EPS"),
    "dividend": ("配当", "Dividend"),
    "stored": ("保存済", "stored"),
    "failed": ("失敗", "failed"),
    "gone": ("取得不能", "gone"),
    "pending": ("待機", "pending"),
    "running": ("実行中", "running"),
    "completed": ("完了", "completed"),
    "canceled": ("中止", "cancelled"),
    "notices": ("通知", "Notices"),
    "notices_note": (
        "過去{0}日の開示について、監視リストが誰に何をいつ知らせたか。直前の実行までの記録です。",
        (
            "What the watch-lists told of the disclosures of {0} days, to whom and when, as the "
            "last run has stored it."
        ),
    ),
    "who_was_told": ("誰に知らせたか", "Who was told"),
    "no_watches": (
        (
            "監視リストがありません。監視ファイル（docs/watch-lists.md）を書き、"
            "その場所を環境変数で知らせてください。"
        ),
        (
            "Nothing is watched. Write a watch file (docs/watch-lists.md), and say in the "
            "environment where it is:"
        ),
    ),
    "no_notice": ("該当する通知はありません。", "No notice matches."),
    "older_notices": ("さらに前の通知", "Earlier notices"),
    "watch": ("監視", "Watch"),
    "all_watches": ("すべての監視", "All watches"),
    "all_states": ("すべての状態", "All states"),
    "destination": ("宛先", "Destination"),
    "seen_at": ("取得", "Seen"),
    "sent_at": ("送信", "Sent"),
    "took": ("所要", "Took"),
    "repeated": ("再送の可能性", "possibly again"),
    "tries": ("{0}回試行", "{0} tries"),
    "notice_sent": ("送信済", "sent"),
    "notice_due": ("送信待ち", "due"),
    "notice_claimed": ("送信中", "being sent"),
    "notice_failed": ("失敗", "failed"),
    "notice_speed": (
        "発表から送信まで 中央値 {0}、95%は {1} 以内",
        "from publication: median {0}, 95 of 100 within {1}",
    ),
    "why_hint": (
        "14桁。監視も選ぶと、知らせなかった理由が出ます",
        "14 digits; with a watch: why it did not tell",
    ),
    "why_told": ("なぜ知らせたか", "Why this was told"),
    "why_not_told": ("なぜ知らせなかったか", "Why this was not told"),
    "why_matched": (
        "監視の条件に合いました。通知の状態は下の表のとおりです。",
        "The watch matched; what became of the notices stands below.",
    ),
    "why_no_such_watch": (
        "監視ファイルにこの監視はなく、この監視による通知もありません。",
        "The watch file that the reader knows has no such watch, and nothing was told by it.",
    ),
    "why_against": (
        "条件に合いません。「いいえ」の行が理由です。",
        "It does not match: the lines with no say why.",
    ),
    "why_not_yet": (
        "まだ判断できません。本文または数値が読み取られていません。",
        "It cannot be said yet: texts or figures have not been read.",
    ),
    "why_not_due": (
        "条件には合いますが、監視の開始より前か、削除後か、発表から7日を過ぎて知られた開示です。",
        (
            "It matches, but nothing was due: it began to watch later, the disclosure was deleted "
            "before, or became known more than 7 days after its publication."
        ),
    ),
    "why_no_such_disclosure": (
        "この番号の開示は保存されていません。",
        "The lake has no disclosure of this number.",
    ),
    "condition": ("条件", "Condition"),
    "holds": ("合うか", "Holds"),
    "wanted": ("求めるもの", "Wanted"),
    "seen": ("実際", "Seen"),
    "holds_yes": ("はい", "yes"),
    "holds_no": ("いいえ", "no"),
    "holds_not_yet": ("未読", "not yet"),
    "condition_codes": ("コード", "codes"),
    "condition_categories": ("種別", "categories"),
    "condition_exchanges": ("上場取引所", "exchanges"),
    "condition_xbrl": ("XBRL", "XBRL"),
    "condition_title": ("表題", "title"),
    "condition_text": ("本文", "text"),
    "condition_figures": ("数値", "figures"),
    "nothing_collected": (
        "まだ何も収集されていません。",
        "Nothing has been collected yet.",
    ),
    "how_to_begin": (
        (
            "Dagster の画面（Automation）でセンサーを有効にすると自動で集まります。"
            "すぐに1日分を集めるには:"
        ),
        (
            "Turn the sensors on in Dagster's UI (Automation), and days are collected by "
            "themselves. One day at once, in a terminal:"
        ),
    ),
    "newest_day": ("開示のある最新の日: {0}（{1}件）", "The newest day with any: {0} ({1})"),
    "total_assets": ("総資産", "Total assets"),
    "net_assets": ("純資産", "Net assets"),
    "equity_ratio": ("自己資本比率", "Equity ratio"),
    "dividend_per_share": ("年間配当", "Dividend per share"),
    "forecast_revenue": ("売上高予想", "Revenue forecast"),
    "forecast_operating_income": ("営業利益予想", "Operating income forecast"),
    "forecast_net_income": ("純利益予想", "Net income forecast"),
    "forecast_eps": ("1株利益予想", "EPS forecast"),
    "forecast_dividend_per_share": ("年間配当予想", "Dividend forecast"),
    "whole_day": ("終日", "Whole day"),
    "first_quarter": ("第1四半期", "Q1"),
    "first_half": ("中間期", "first half"),
    "nine_months": ("第3四半期累計", "nine months"),
    "full_year": ("通期", "full year"),
    "other": ("その他", "other"),
}
_CATEGORIES: Final[Mapping[str, tuple[str, str]]] = {
    "etf_reit_notice": ("ETF・REIT", "Funds"),
    "presentation": ("説明資料", "Presentation"),
    "earnings": ("決算", "Earnings"),
    "forecast_revision": ("業績予想", "Forecast"),
    "monthly_report": ("月次", "Monthly"),
    "stock_compensation": ("株式報酬", "Stock compensation"),
    "stock_split": ("株式分割", "Stock split"),
    "share_buyback": ("自己株式", "Buyback"),
    "shareholder_benefit": ("株主優待", "Shareholder benefit"),
    "gain": ("利益計上", "Gain"),
    "dividend": ("配当", "Dividend"),
    "share_issue": ("株式発行", "Share issue"),
    "merger_acquisition": ("M&A", "M&A"),
    "alliance": ("提携", "Alliance"),
    "subsidiary": ("子会社", "Subsidiary"),
    "shareholders": ("株主", "Shareholders"),
    "accounting": ("会計・監査", "Accounting"),
    "litigation_or_loss": ("訴訟・損失", "Litigation, loss"),
    "listing": ("上場", "Listing"),
    "business_plan": ("経営計画", "Business plan"),
    "financing": ("資金調達", "Financing"),
    "governance": ("ガバナンス", "Governance"),
    "personnel": ("人事", "Personnel"),
    "assets": ("資産", "Assets"),
    "business": ("事業", "Business"),
    "other": ("その他", "Other"),
}
# Lacks, causes and steps are closed sets of other modules; English is how those say it themselves.
_LACKS: Final[Mapping[str, str]] = {
    ABSENT: "まだありません",
    DAMAGED: "壊れています（{0}）",
    OLD_READER: "以前の読み取り方（{0}）で作られています。今は {1} です",
    OUTDATED: "今の {0} から作られていません",
    CHECK_FAILED: "検査 {0} に合格していません",
    INPUT_NOT_WHOLE: "元になる {0} が完了していません",
}
_CAUSES: Final[Mapping[str, str]] = {
    NOT_OVER: "一覧を最後に読んだのは、その日が終わる前です",
    LONG_AGO: "一覧を最後に読んだのは {0} です",
    ENDED_EARLY: "実行 {0} は一覧を読む前に終わりました（{1}）",
    DAMAGE_MET: "実行 {0} が壊れた入力を見つけました: {1}",
}
_STEPS: Final[Mapping[str, str]] = {
    GOES_ON: "{0}を実行中",
    STARTS: "{0}を開始",
    AGAIN: "{0}は {1} に再開",
    LATER: "{0}は順番待ち",
    TO_BE_PUBLISHED: "公表待ち",
    OTHER_CONTENT: "別の内容か新しい読み取り方を待っています",
}
_WORKS: Final[Mapping[str, str]] = {COLLECTION: "収集", DERIVATION: "加工"}
_UNKNOWN_READER: Final = "旧版"
_MINUTE: Final = 60
_HOUR: Final = 3600
_WEEKDAYS: Final = (tuple("月火水木金土日"), ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))


class Words:
    """What is said in one language; templates call it ``t``."""

    def __init__(self, language: Language) -> None:
        """Take the words of this language."""
        self.language = language
        self._place = _JA if language == "ja" else _EN

    def __call__(self, name: str, *values: object) -> str:
        """A word by its name; a name without words stands for itself."""
        words = _WORDS.get(name)
        text = words[self._place] if words else name
        return text.format(*values) if values else text

    def category(self, name: str) -> str:
        """A category by its name."""
        words = _CATEGORIES.get(name)
        return words[self._place] if words else name

    def lack(self, lack: Lack) -> str:
        """Why a table is not whole; what the reason names stays as it is."""
        if self.language != "ja":
            return f"{lack.table}: {lack.reason}"
        details = lack.details
        if lack.kind == OLD_READER:
            details = (details[0] or _UNKNOWN_READER, details[1])
        elif lack.kind in (OUTDATED, INPUT_NOT_WHOLE):
            details = ("、".join(details),)
        return f"{lack.table}: {_LACKS[lack.kind].format(*details)}"

    def lacks(self, lacks: Iterable[Lack]) -> str:
        """Why a day is not whole, in one line."""
        return ("。" if self.language == "ja" else "; ").join(map(self.lack, lacks))

    def outlook(self, outlook: Outlook) -> str:
        """What a day lacks and what comes next, in one line."""
        if self.language != "ja":
            return str(outlook)
        told = [self.lack(one) for one in outlook.lacks]
        told += [_CAUSES[one.kind].format(*one.details) for one in outlook.causes]
        steps = [
            _STEPS[one.kind].format(
                _WORKS.get(one.work, one.work),
                one.at.astimezone(TOKYO).strftime("%H:%M") if one.at else "",
            )
            for one in outlook.steps
        ]
        return f"{'。'.join(told)}（{'、'.join(steps)}）"

    def seconds(self, seconds: float) -> str:
        """How long something took, as short as it is still of use."""
        if seconds < _MINUTE:
            return f"{seconds:.0f}{'秒' if self.language == 'ja' else ' s'}"
        if seconds < _HOUR:
            return f"{seconds / _MINUTE:.1f}{'分' if self.language == 'ja' else ' min'}"
        return f"{seconds / _HOUR:.1f}{'時間' if self.language == 'ja' else ' h'}"

    def weekday(self, day: date) -> str:
        """The day of the week, short."""
        return _WEEKDAYS[self._place][day.weekday()]

    def long_day(self, day: date) -> str:
        """A day with its day of the week."""
        if self.language == "ja":
            return f"{day.year}年{day.month}月{day.day}日（{self.weekday(day)}）"
        return f"{self.weekday(day)} {day:%Y-%m-%d}"

    def period(self, label: str, year_end: date) -> str:
        """A part of a fiscal year, e.g. ``2026年3月期 第3四半期``."""
        if self.language == "ja":
            return f"{year_end.year}年{year_end.month}月期 {self(label)}"
        return f"FY {year_end:%Y/%m} {'' if label == 'FY' else self(label)}".rstrip()


def preferred(asked: str | None, remembered: str | None, accepted: str) -> Language:
    """The language of an answer: asked for, else remembered, else as the browser says.

    Args:
        asked: of the query string.
        remembered: of the cookie.
        accepted: the header ``Accept-Language``.
    """
    for wanted in (asked, remembered):
        for language in LANGUAGES:
            if wanted == language:
                return language
    weights: dict[Language, float] = {}
    for part in accepted.split(",")[:20]:
        name, _, rest = part.strip().partition(";")
        for language in LANGUAGES:
            if name.strip().lower().partition("-")[0] == language:
                weights.setdefault(language, _weight(rest))
    return max(weights, key=lambda one: weights[one]) if any(weights.values()) else "en"


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
