"""One name means one thing, outside the folders that name a module after its command or table."""

import ast
import importlib
import inspect
import pkgutil
from collections import defaultdict

import tdnet_assets

NAMED_AFTER_THEIR_SUBJECT = ("tdnet_assets.cli.", "tdnet_assets.tables.")


def _modules():
    return [
        found
        for found in pkgutil.walk_packages(tdnet_assets.__path__, "tdnet_assets.")
        if not found.name.startswith(NAMED_AFTER_THEIR_SUBJECT)
    ]


def _constants(module):
    """Public constants that the module itself defines, with their values."""
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for node in (one for target in targets for one in ast.walk(target)):
                name = node.id if isinstance(node, ast.Name) else ""
                if name.isupper() and name in vars(module) and not name.startswith("_"):
                    yield name, getattr(module, name)


def _repeated(names):
    return {name: sorted(uses) for name, uses in names.items() if len(uses) > 1}


def test_no_two_modules_have_one_name():
    names = defaultdict(set)
    for found in _modules():
        if not found.ispkg:
            names[found.name.rpartition(".")[2]].add(found.name)

    assert {"definitions", "day_run"} <= names.keys()
    assert _repeated(names) == {}


def test_no_constant_of_one_name_has_two_types():
    types = defaultdict(lambda: defaultdict(list))
    for found in _modules():
        for name, value in _constants(importlib.import_module(found.name)):
            types[name][type(value).__qualname__].append(found.name)

    assert "DISCLOSURES_STEP" in types
    assert {name: dict(uses) for name, uses in types.items() if len(uses) > 1} == {}
