"""Refused content goes by the day, and nothing else does."""

from datetime import date
from pathlib import Path

from mailscribe_local.refused import sweep_refused


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
