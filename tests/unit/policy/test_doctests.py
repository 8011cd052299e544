"""The examples in the docstrings of the modules of the policy run."""

import doctest
import importlib
import pkgutil

import pytest

import mailscribe.policy

MODULES = [module.name for module in pkgutil.iter_modules(mailscribe.policy.__path__, "mailscribe.policy.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
