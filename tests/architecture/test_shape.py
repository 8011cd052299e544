"""The code stays readable by rule: short files, short functions, a docstring that opens every module.

And nothing in a tracked file names a place that only one workplace has.
"""

import ast
from pathlib import Path

import pytest

from support.project import ROOT, modules, name, tracked_files

MAX_FILE = 400
MAX_FUNCTION = 50
ELSEWHERE = (
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb.debian" + ".org",
    "/wo" + "rk/",
)
"""Package registries and paths of a workplace; the lock alone has to name a registry."""


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", modules(), ids=name)
def test_files_and_functions_are_short_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    long = [
        f"{node.name}: {lines_of(node)} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of(node) > MAX_FUNCTION
    ]
    assert len(text.splitlines()) <= MAX_FILE
    assert not long
    assert ast.get_docstring(tree), "the module does not say its rule"


def test_a_long_function_would_be_seen() -> None:
    body = "def f():\n" + "    pass\n" * MAX_FUNCTION
    (function,) = ast.parse(body).body
    assert isinstance(function, ast.FunctionDef)
    assert lines_of(function) == MAX_FUNCTION + 1


def test_tracked_files_name_no_registry_and_no_workplace() -> None:
    found = [
        f"{name(path)}: {place}"
        for path in tracked_files()
        if path != ROOT / "uv.lock"
        for place in ELSEWHERE
        if place.encode() in path.read_bytes()
    ]
    assert found == []
