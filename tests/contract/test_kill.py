"""The embedded stores under SIGKILL: what was acknowledged is there, the rest is there whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailscribe.store.ports import Item, Put
from mailscribe_local.durable import sweep
from mailscribe_local.files import TEMPORARY, FileObjects
from mailscribe_local.sqlite import SqliteRecords
from support import crash_writer
from support.crash_writer import content, object_key, record_items

TESTS = Path(crash_writer.__file__).parents[1]


def write_and_kill(folder: Path, acknowledged: int) -> list[tuple[str, str]]:
    """Run the writer until it has said that many lines, then kill it; all lines that it managed to say."""
    command = [sys.executable, "-m", "support.crash_writer", str(folder)]
    environ = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledged)]
        process.kill()
        lines += process.stdout.readlines()
    whole = [line.split() for line in lines if line.endswith("\n")]
    assert len(whole) >= acknowledged, "the writer died by itself"
    return [(kind, name) for kind, name in whole]


def check_objects(objects: FileObjects, acknowledged: set[str]) -> None:
    listed = objects.list("", limit=1_000_000)
    found = {info.key.rpartition("/")[2]: info for info in listed}
    assert acknowledged <= set(found)
    for name, info in found.items():
        assert info.key == object_key(name)
        assert objects.get(info.key) == content(name)


def check_records(records: SqliteRecords, acknowledged: set[str]) -> None:
    partitions = [records.query(f"partition-{number}", limit=1_000_000) for number in range(crash_writer.ITEMS)]
    names = [item.sk for item in partitions[0]]
    assert acknowledged <= set(names)
    expected = [record_items(name) for name in names]
    assert partitions == [[items[number] for items in expected] for number in range(crash_writer.ITEMS)]


@pytest.mark.parametrize("acknowledged", [1, 4, 40])
def test_killed_while_writing(tmp_path: Path, acknowledged: int) -> None:
    said = write_and_kill(tmp_path, acknowledged)
    objects, records = FileObjects(tmp_path / "objects"), SqliteRecords(tmp_path / "records.sqlite")
    check_objects(objects, {name for kind, name in said if kind == "object"})
    check_records(records, {name for kind, name in said if kind == "record"})
    sweep(objects.root / TEMPORARY)
    objects.put("after", [b"x"])
    records.transact([Put(Item("after", "x", b"x"))])
    assert objects.get("after") == b"x"
    assert records.query("after") == [Item("after", "x", b"x")]
    records.close()
