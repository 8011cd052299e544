"""docs/settings.md, made from the one table of settings; `--check` says whether it is current and writes nothing.

The page is never edited by hand: a test compares it with the table.
"""

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import Final

from mailscribe.settings import Settings, env_name

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "settings.md"
HEAD: Final = """\
# Settings

Every setting is an environment variable. Sizes are in bytes, times in seconds; a list has commas between. A value
that cannot be used stops the program with the variable's name and the reason. `mailscribe up` sets some of its own
(every domain accepted, bare line ends stored and flagged); a variable that you set wins over those.

This page is made by `python tools/settings_doc.py` from `layers/core/mailscribe/settings.py`.

| variable | default | least | what it does | source |
|---|---|---|---|---|
"""


def page() -> str:
    """The text of docs/settings.md."""
    return HEAD + "".join(
        f"| `{env_name(entry.name)}` | {_value(entry.default)} | {_value(entry.metadata['least'])} "
        f"| {_cell(entry.metadata['doc'])} | {_cell(entry.metadata['source'])} |\n"
        for entry in fields(Settings)
    )


def main() -> int:
    """Write the page, or with `--check` say whether it is current."""
    parser = argparse.ArgumentParser(description="Make docs/settings.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when the page is not current")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not current: run python tools/settings_doc.py", file=sys.stderr)
    return 1


def _value(value: object) -> str:
    match value:
        case None | "" | ():
            return ""
        case int():
            return str(value)
        case tuple():
            return f"`{','.join(value)}`"
        case _:
            return f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
