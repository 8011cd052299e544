"""The golden dialogs (`support.dialogs`): what the machine answers, and what it records of itself."""

from pathlib import Path

import pytest

from support.dialogs import DIALOGS, ending, play


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
