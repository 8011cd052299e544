"""Arrows run one way, and boto3, sockets and powertools are where they may be: the contracts of pyproject.toml."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from support.project import ROOT, modules, name

ALLOWED = {
    "boto3": ("layers/core/mailscribe/store/aws/", "functions/", "local/", "tests/", "benchmarks/", "tools/"),
    "aws_lambda_powertools": ("layers/core/mailscribe/service/api/", "functions/", "tests/"),
    "cryptography": (
        "layers/core/mailscribe/authentication/key.py",
        "local/mailscribe_local/self_signed.py",
        "tests/",
        "benchmarks/",
    ),
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


@pytest.mark.parametrize(
    "module", ["mailscribe.message", "mailscribe.service.ingest", "mailscribe.authentication.dkim"]
)
def test_the_mathematics_of_signatures_is_loaded_by_the_first_signature_alone(module: str) -> None:
    """It takes longer to load than most messages take to parse."""
    script = f"import sys, {module}; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_ingest_knows_nothing_of_the_checks() -> None:
    """Neither directly nor by what it imports: who answers for a message is asked elsewhere."""
    script = "import sys, app; print([name for name in sys.modules if name.startswith('mailscribe.authentication')])"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT / "functions/ingest", capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
