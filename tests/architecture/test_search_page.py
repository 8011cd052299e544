"""docs/search.md is the table of operators, whole and current."""

import subprocess
import sys

from mailscribe.query import OPERATORS
from support.project import ROOT


def test_the_page_is_made_from_the_table() -> None:
    command = [sys.executable, "tools/search_doc.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_operator_is_on_the_page_with_its_example() -> None:
    text = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    assert [spec.name for spec in OPERATORS if f"| `{spec.name}:` |" not in text] == []
    assert [spec.example for spec in OPERATORS if f"`{spec.example}`" not in text] == []
