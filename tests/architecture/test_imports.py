"""Arrows run one way, and boto3, sockets and powertools are where they may be: the contracts of pyproject.toml."""

import ast
import subprocess
import sys
from pathlib import Path

from support.project import ROOT, modules, name

ALLOWED = {
    "boto3": ("layers/core/mailscribe/store/aws/", "functions/", "local/", "tests/", "benchmarks/", "tools/"),
    "aws_lambda_powertools": ("layers/core/mailscribe/service/api/", "functions/", "tests/"),
    "apsw": ("layers/core/mailscribe/store/", "local/", "tests/", "benchmarks/"),
    "moto": ("local/mailscribe_local/moto_backend.py", "tests/"),
    "samtranslator": ("local/mailscribe_local/moto_backend.py", "tests/"),
    "sqlite3": (),
}
"""Where a package may be imported; nowhere else."""


def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_packages_are_imported_only_where_they_belong() -> None:
    strays = [
        f"{name(path)} imports {package}"
        for path in modules()
        for package in imported(path) & ALLOWED.keys()
        if not name(path).startswith(ALLOWED[package])
    ]
    assert strays == []
