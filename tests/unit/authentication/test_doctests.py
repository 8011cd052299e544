"""The examples in the docstrings of the checks are true."""

import doctest
import importlib
import pkgutil

import pytest

import mailscribe.authentication

MODULES = [
    module.name
    for module in pkgutil.walk_packages(mailscribe.authentication.__path__, f"{mailscribe.authentication.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
