"""The examples in the docstrings of the use cases and the API are true."""

import doctest
import importlib
import pkgutil

import pytest

import mailscribe.service

MODULES = [module.name for module in pkgutil.walk_packages(mailscribe.service.__path__, "mailscribe.service.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
