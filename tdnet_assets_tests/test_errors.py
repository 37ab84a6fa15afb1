"""One tree: whatever has a name of this project can be caught by one base."""

import inspect
import pkgutil
from importlib import import_module

import tdnet_assets
from tdnet_assets.tdnet.errors import TdnetAssetsError


def _own_errors():
    for module in pkgutil.walk_packages(tdnet_assets.__path__, "tdnet_assets."):
        for _, value in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(value, BaseException) and value.__module__ == module.name:
                yield value


def test_every_error_of_the_package_is_of_one_tree():
    errors = set(_own_errors())

    assert len(errors) > 20
    assert [error for error in errors if not issubclass(error, TdnetAssetsError)] == []
