"""What tables and their main columns are called in Japanese, for the page that describes them.

What belongs here: terms of the exchange, of 決算短信 and of accounting. What does not: words that a
person reads on the reader's pages (``reader/languages.py``), which have to be short.
"""

from collections.abc import Mapping
from typing import Final

TABLES: Final[Mapping[str, str]] = {
    "disclosures": "適時開示の一覧",
    "rejects": "読めなかった行",
    "documents": "開示資料（PDF・XBRL）",
    "document_texts": "開示資料の本文",
    "text_extractions": "本文抽出の結果",
    "financial_facts": "財務数値（XBRLの全項目）",
    "unread_facts": "読めなかった項目",
    "unread_filings": "読めなかったXBRL",
    "earnings": "決算短信",
    "earnings_rejects": "読めなかった決算短信",
    "forecast_revisions": "業績予想・配当予想の修正",
    "forecast_revision_rejects": "読めなかった予想修正",
    "report_figures": "決算の主要数値と会社予想",
    "report_links": "短信の訂正・差替関係",
    "watch_notices": "ウォッチリストの通知",
    "disclosure_history": "適時開示の年次コピー（銘柄順）",
    "earnings_history": "決算短信の年次コピー（銘柄順）",
    "report_figures_history": "主要数値の年次コピー（銘柄順）",
    "report_links_by_code": "訂正・差替関係の全期間コピー（銘柄順）",
    "disclosure_index": "適時開示の索引（DynamoDB）",
    "linked_earnings": "決算短信（差替関係つき）",
    "earnings_summary": "決算短信の要約",
    "earnings_figures": "決算短信の数値（縦持ち）",
    "comparable_texts": "検索用に正規化した本文",
}
"""By a table's name."""

COLUMNS: Final[Mapping[str, str]] = {
    # The list.
    "date": "開示日",
    "disclosure_id": "開示番号",
    "disclosed_at": "開示日時",
    "published_at": "開示日時",
    "code": "証券コード",
    "company_name": "会社名",
    "title": "表題",
    "category": "開示の種類",
    "is_correction": "訂正か",
    "exchanges": "上場取引所",
    "status": "状態",
    "previous_titles": "旧表題",
    "history": "更新履歴",
    "changed_at": "更新日時",
    "first_seen_at": "初回取得日時",
    "last_seen_at": "最終取得日時",
    # Files and their texts.
    "pages": "ページ数",
    "page": "ページ",
    "text": "本文・文字列",
    "reason": "理由",
    "fetched_at": "取得日時",
    # XBRL.
    "element": "要素名",
    "context_id": "コンテキストID",
    "value": "値",
    "unit": "単位",
    "decimals": "精度",
    "scale": "位取り",
    "is_nil": "値なし（nil）",
    "consolidation": "連結・個別",
    # Reports.
    "document_type": "書類種別",
    "standard": "会計基準",
    "fiscal_year_end": "決算期",
    "period": "会計期間",
    "period_start": "期間の初日",
    "period_end": "期間の末日",
    "filing_date": "提出日",
    "dividend_payment_date": "配当支払開始予定日",
    "replaces": "差替元の開示番号",
    "replaced_by": "差替先の開示番号",
    "is_current": "最新か",
    # Results.
    "revenue": "売上高",
    "operating_income": "営業利益",
    "ordinary_income": "経常利益",
    "profit_before_tax": "税引前利益",
    "ordinary_or_pretax_income": "経常利益・税引前利益",
    "profit": "当期利益",
    "net_income": "親会社株主に帰属する当期純利益",
    "comprehensive_income": "包括利益",
    "eps": "1株当たり当期純利益",
    "diluted_eps": "潜在株式調整後1株当たり当期純利益",
    "distribution_per_unit": "1口当たり分配金",
    "excess_distribution_per_unit": "1口当たり利益超過分配金",
    "total_distribution_per_unit": "1口当たり分配金合計",
    "total_assets": "総資産",
    "net_assets": "純資産",
    "equity": "自己資本",
    "equity_ratio": "自己資本比率",
    "net_assets_per_share": "1株当たり純資産",
    "cash_end": "現金及び現金同等物期末残高",
    "operating_cash_flow": "営業活動によるキャッシュ・フロー",
    "investing_cash_flow": "投資活動によるキャッシュ・フロー",
    "financing_cash_flow": "財務活動によるキャッシュ・フロー",
    "return_on_equity": "自己資本当期純利益率",
    "return_on_assets": "総資産経常利益率",
    "operating_margin": "売上高営業利益率",
    "equity_method_income": "持分法投資損益",
    "shares_issued": "期末発行済株式数",
    "treasury_shares": "期末自己株式数",
    "average_shares": "期中平均株式数",
    "dividend_per_share": "1株当たり配当金",
    "dividend_annual": "年間配当金",
    "dividend_year_end": "期末配当金",
    "payout_ratio": "配当性向",
    # Forecasts.
    "item": "項目",
    "previous": "前回予想",
    "current": "今回予想",
    "change": "増減額",
    "change_rate": "増減率",
    "result": "実績",
    "prior_result": "前期実績",
    # Watch-lists.
    "watch": "ウォッチ",
    "destination": "通知先",
    "seen_at": "検知日時",
    "sent_at": "送信日時",
}
"""By a column's name, which means the same in every table that has it."""

_SUFFIXES: Final = {"_prior": "（前期）", "_change": " 増減率"}


def of_column(name: str) -> str:
    """The term of a column, of its earlier value or of its change; empty where there is none."""
    for suffix, term in _SUFFIXES.items():
        base = name.removesuffix(suffix)
        if base != name and base in COLUMNS:
            return f"{COLUMNS[base]}{term}"
    return COLUMNS.get(name, "")
