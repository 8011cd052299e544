"""`mailscribe reindex` over a data folder, whether a system runs on it or not."""

from pathlib import Path

import pytest

from mailscribe.ids import now_ms
from mailscribe.service.catalog import Catalog
from mailscribe.service.search import Question, Search
from mailscribe.settings import Settings
from mailscribe_local.cli import main
from mailscribe_local.stack.backend import open_objects, open_records
from mailscribe_local.stack.lock import DataLock
from support.conversation import plain_message
from support.sealed_world import ask


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with mail that was dropped and never ingested."""
    open_objects(tmp_path).put("inbound/one.eml", [plain_message(1)])
    open_records(tmp_path).close()
    return tmp_path


def found(data: Path) -> int:
    records = open_records(data)
    try:
        question: Question = ask("message", "hello")
        search = Search(records, open_objects(data), Settings(), clock_ms=now_ms)
        return len(search.page(question).summaries)
    finally:
        records.close()


def test_a_folder_at_rest_is_made_anew(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reindex", "--data", str(data)]) == 0
    assert capsys.readouterr().out == "reindexed 1 objects: 0 records changed, 1 had no record\n"
    assert found(data) == 1
    assert main(["reindex", "--data", str(data)]) == 0
    assert capsys.readouterr().out == "reindexed 1 objects: 0 records changed\n"
    records = open_records(data)
    assert Catalog(records).reigning().generations.current == 2
    records.close()
    assert found(data) == 1


def test_where_a_system_runs_what_has_no_record_is_left_to_it(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with DataLock(data):
        assert main(["reindex", "--data", str(data)]) == 0
    assert "1 had no record" in capsys.readouterr().out
    assert found(data) == 0


def test_one_can_be_given_up(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reindex", "--data", str(data), "--abandon"]) == 0
    assert "none was under way" in capsys.readouterr().err


def test_a_folder_that_is_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reindex", "--data", str(tmp_path)]) == 2
    assert "no data folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
