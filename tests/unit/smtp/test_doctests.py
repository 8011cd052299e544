"""The examples in the docstrings of the SMTP modules run."""

import doctest
import importlib
import pkgutil

import pytest

import mailscribe.smtp

MODULES = [module.name for module in pkgutil.iter_modules(mailscribe.smtp.__path__, "mailscribe.smtp.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
