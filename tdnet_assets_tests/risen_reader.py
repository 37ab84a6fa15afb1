"""A table's reader as a later version of the project would have it."""

from dataclasses import replace

import pytest

from tdnet_assets import definitions
from tdnet_assets.tables.recipes import RECIPES


def raise_reader(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    """From here on the table is made by the reader ``next``, as the recipes and its step say."""
    monkeypatch.setitem(RECIPES, table, replace(RECIPES[table], reader="next"))
    for name in ("COLLECTION_STEPS", "DERIVATION_STEPS"):
        steps = [
            replace(step, spec=step.spec.replace_attributes(code_version="next"))
            if step.name == table
            else step
            for step in getattr(definitions, name)
        ]
        monkeypatch.setattr(definitions, name, steps)
