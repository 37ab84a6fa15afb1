"""Asset checks from an accountant's findings: shown with the figures, day by day.

What belongs here: the checks' names and meanings for Dagster, and what a person reads of the
findings. What does not: the comparisons themselves (``tdnet/reports/accounting_checks.py``).

A finding is a question about what a company filed, so it warns and fails nothing; only forecasts
that our own reading dropped are a fault of ours.
"""

from collections.abc import Mapping, Sequence

from tdnet_assets.assets.filings import Filing
from tdnet_assets.assets.previews import amount, preview
from tdnet_assets.assets.steps import CheckResult
from tdnet_assets.tdnet.reports.accounting_checks import (
    ASSETS_BALANCE,
    CHANGE_AMOUNT_AGREES,
    CHANGE_RATE_AGREES,
    DIVIDENDS_ADD_UP,
    EQUITY_RATIO_AGREES,
    FIGURES_TAGGED,
    FORECAST_IS_FIGURE_OR_RANGE,
    FORECASTS_KEPT,
    NET_ASSETS_WITHIN_ASSETS,
    SUMMARY_EQUALS_STATEMENTS,
    Finding,
)

EARNINGS_CHECKS = {
    SUMMARY_EQUALS_STATEMENTS: "Figures of the summary are those of the attached statements.",
    CHANGE_RATE_AGREES: "Stated change rates are those of the stated amounts.",
    ASSETS_BALANCE: "Assets are liabilities and net assets, in the attached balance sheet.",
    NET_ASSETS_WITHIN_ASSETS: "Net assets are not more than all assets.",
    EQUITY_RATIO_AGREES: "The equity ratio is equity by all assets.",
    FIGURES_TAGGED: "A result whose change or earlier figure is tagged is tagged itself.",
    FORECASTS_KEPT: "Every forecast that a summary states is in its row.",
    FORECAST_IS_FIGURE_OR_RANGE: "A forecast is one figure or a range, not both.",
    DIVIDENDS_ADD_UP: "The parts of a dividend make the stated year's.",
}
REVISION_CHECKS = {
    CHANGE_AMOUNT_AGREES: "Stated differences are those of the forecasts before and after.",
    CHANGE_RATE_AGREES: "Stated change rates are those of the stated amounts.",
}

_OURS = frozenset((FORECASTS_KEPT,))
WARNINGS = frozenset({*EARNINGS_CHECKS, *REVISION_CHECKS} - _OURS)
"""Checks that only warn: what they found is told when a table is made, and not stored with it."""


def accounting_checks(
    descriptions: Mapping[str, str], findings: Sequence[tuple[Filing, Finding]]
) -> list[CheckResult]:
    """One result for each check, with the figures of the filings that fail it."""
    return [
        _check(name, [(filing, found) for filing, found in findings if found.name == name])
        for name in descriptions
    ]


def _check(name: str, findings: Sequence[tuple[Filing, Finding]]) -> CheckResult:
    failed = [(filing, found) for filing, found in findings if not found.passed]
    description = f"{len(findings)} comparisons agree"
    if failed:
        filing, found = failed[0]
        description = (
            f"{len(failed)} of {len(findings)} comparisons do not agree, first "
            f"{filing.disclosure_id} ({filing.code}): {found.compared}: {amount(found.left)} and "
            f"{amount(found.right)}; look at the filing"
        )
    return CheckResult(
        name,
        passed=not failed,
        description=description,
        metadata={
            "comparisons": len(findings),
            "failed": len(failed),
            "figures": preview(
                {
                    "disclosure": filing.disclosure_id,
                    "code": filing.code,
                    "compared": found.compared,
                    "stated": amount(found.left),
                    "expected": amount(found.right),
                    "tolerance": amount(found.tolerance),
                }
                for filing, found in failed
            ),
        },
        only_warns=name in WARNINGS,
    )
