"""The project's own messages (tests/corpus), one behaviour each, against what was agreed about them.

Each is read with LF and with CRLF. `MAILSCRIBE_REFRESH_CORPUS=1` writes the expectations anew; look at the difference.
"""

import json
import os
from pathlib import Path

import pytest

from mailscribe.message import parse
from support.mail_view import view

CORPUS = Path(__file__).parents[2] / "corpus"
MESSAGES = sorted(CORPUS.glob("*.eml"))
REFRESH = os.environ.get("MAILSCRIBE_REFRESH_CORPUS") == "1"


def test_the_corpus_is_there() -> None:
    assert len(MESSAGES) >= 290
    assert {path.stem for path in CORPUS.glob("*.json")} == {path.stem for path in MESSAGES}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_message(path: Path, end: bytes) -> None:
    data = path.read_bytes().replace(b"\n", end)
    found = view(data, parse(data))
    golden = path.with_suffix(".json")
    if REFRESH:
        golden.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    assert found == json.loads(golden.read_text())
