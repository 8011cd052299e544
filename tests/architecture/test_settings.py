"""docs/settings.md is the table of settings, whole and current, and whatever reads a variable reads one of it."""

import re
import subprocess
import sys
from dataclasses import fields

from mailscribe.settings import Settings, env_name
from support.project import ROOT, modules, name

OTHERS = {
    "MAILSCRIBE_URL",  # the command line, api.md
    "MAILSCRIBE_TOKEN",  # the command line, api.md
    "MAILSCRIBE_SMTP_PASSWORD",  # the command line, send
    "MAILSCRIBE_REQUIRE_CLIENTS",  # tests
}
NAME = re.compile(r"\bMAILSCRIBE_[A-Z_]*[A-Z]\b")


def known() -> set[str]:
    return {env_name(entry.name) for entry in fields(Settings)}


def test_the_page_is_made_from_the_table() -> None:
    command = [sys.executable, "tools/settings_doc.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_setting_is_on_the_page() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert known() <= set(NAME.findall(text))


def test_code_names_no_variable_that_is_not_in_the_table() -> None:
    strays = [
        f"{name(path)}: {variable}"
        for path in modules()
        if not name(path).startswith("tests/")
        for variable in NAME.findall(path.read_text(encoding="utf-8"))
        if variable not in known() | OTHERS
    ]
    assert strays == []
