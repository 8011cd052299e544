"""What the documents name exists: tests that hold an invariant or a row, links, folders, commands."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_DOCUMENTS = sorted(path for path in (*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md")))


def _name(path: Path) -> str:
    return path.relative_to(_ROOT).as_posix()


@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    gone = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert gone == []


@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_paths_that_are_named_exist(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"(?<![\w/])((?:tests|tools|benchmarks|docs|events|functions|frontend|local)/[\w./-]+\w)", text)
    named += [
        f"tests/{path}" for path in re.findall(r"(?<![\w/])((?:unit|contract|e2e|functional)/[\w./-]+\.py)", text)
    ]
    gone = [path for path in named if not (_ROOT / path).exists()]
    assert gone == []


def test_every_invariant_names_a_test() -> None:
    table = (_ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## What always holds")[2]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 10
    assert [row for row in rows if "tests/" not in row] == []


def test_every_command_and_extension_row_names_its_test() -> None:
    text = (_ROOT / "docs" / "supported-smtp.md").read_text(encoding="utf-8").partition("## Commands")[2]
    rows = [line for line in text.partition("## Extensions")[0].splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 10
    assert [row for row in rows if ".py" not in row and "dialogs/" not in row] == []
