"""The golden dialogs (`support.dialogs`): what the machine answers, and what it records of itself."""

import re
from pathlib import Path

import pytest

from mailscribe.smtp import classic
from support.dialogs import DIALOGS, ending, play, read
from support.retelling import Retelling


def test_there_are_dialogs() -> None:
    assert len(DIALOGS) >= 20


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
def test_dialog(path: Path) -> None:
    driver = play(path)
    [expected] = [line[2:] for line in path.read_text().splitlines() if line.startswith("= ")]
    assert ending(driver) == expected


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
def test_dialog_byte_by_byte(path: Path) -> None:
    text = path.read_text()
    if "whole" in text.splitlines():
        return
    driver = play(path, bytewise=True)
    assert f"\n= {ending(driver)}\n" in text
    assert driver.stored == play(path).stored


ENDS = {
    "quit": r"",
    "aborted": r"--- (connection lost|closed: TLS handshake failed)\n",
    "timeout": r"--- timed out\n",
    "shutdown": r"--- closed: shutting down\n",
    "policy": r"--- closed: .+\n",
}


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
def test_the_record_is_the_dialog(path: Path) -> None:
    driver, lines = play(path), read(path)
    told = "".join(f"{line}\n" for line in Retelling(lines).told)
    recorded = classic(driver.transcript)
    assert recorded.startswith(told)
    end = driver.transcript.end
    assert re.fullmatch(ENDS[end.end] if end else "", recorded.removeprefix(told))
