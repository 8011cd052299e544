"""Refused content goes by the day, and nothing else does."""

import asyncio
from datetime import date
from pathlib import Path

import pytest

from mailscribe_local.refused import SECONDS, keep_swept, sweep_refused


def test_days_that_are_over_go(tmp_path: Path) -> None:
    kept = ["refused/2026/01/08/a.eml", "refused/2026/01/15/b.eml", "messages/2025/01/01/c.eml", "refused/x/y/z/d.eml"]
    over = ["refused/2026/01/07/e.eml", "refused/2025/12/31/f.eml", "refused/2025/12/31/g.eml"]
    for name in (*kept, *over):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert sweep_refused(tmp_path, 7, date(2026, 1, 15)) == 2
    assert all((tmp_path / name).exists() for name in kept)
    assert not any((tmp_path / name).exists() for name in over)
    assert sweep_refused(tmp_path / "nowhere", 7, date(2026, 1, 15)) == 0


async def test_it_is_looked_at_again_and_again_unless_all_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, looks = tmp_path / "refused/2020/01/01", 0

    async def next_look(seconds: float) -> None:
        nonlocal looks
        assert (seconds, old.exists()) == (SECONDS, False)
        looks += 1
        if looks == 3:
            raise asyncio.CancelledError
        old.mkdir()

    old.mkdir(parents=True)
    monkeypatch.setattr("mailscribe_local.refused.asyncio.sleep", next_look)
    await keep_swept(tmp_path, 0)
    assert old.exists()
    with pytest.raises(asyncio.CancelledError):
        await keep_swept(tmp_path, 7)
    assert looks == 3
