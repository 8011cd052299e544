"""A program to be killed: writes objects and records from several threads for ever, and says what was acknowledged.

`python -m support.crash_writer FOLDER`: a line `object NAME` or `record NAME` on stdout after each call that returned.
"""

import hashlib
import sys
import threading
from itertools import count
from pathlib import Path

from mailscribe.store.ports import Absent, Item, Put
from mailscribe_local.files import FileObjects
from mailscribe_local.sqlite import SqliteRecords

CHUNK = 20_000
CHUNKS = 8
ITEMS = 3


def content(name: str) -> bytes:
    """What the object of a name holds: long, and different for each name."""
    return hashlib.shake_256(name.encode()).digest(CHUNK * CHUNKS)


def object_key(name: str) -> str:
    """Names are spread over folders that are made on the way."""
    return f"objects/{int(name.partition('-')[2]) % 5}/{name}"


def record_items(name: str) -> list[Item]:
    """The items that one transaction writes."""
    return [Item(f"partition-{number}", name, content(name)[:5000]) for number in range(ITEMS)]


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def write_objects(objects: FileObjects, writer: int) -> None:
    """Put objects for ever."""
    for number in count():
        name = f"{writer}-{number}"
        data = content(name)
        objects.put(object_key(name), (data[at : at + CHUNK] for at in range(0, len(data), CHUNK)))
        say(f"object {name}")


def write_records(records: SqliteRecords, writer: int) -> None:
    """Make transactions for ever."""
    for number in count():
        name = f"{writer}-{number}"
        records.transact([Put(item, Absent()) for item in record_items(name)])
        say(f"record {name}")


def main(folder: Path) -> None:
    """Start the writers; they end with the process."""
    objects, records = FileObjects(folder / "objects"), SqliteRecords(folder / "records.sqlite")
    for writer in range(2):
        threading.Thread(target=write_objects, args=(objects, writer)).start()
        threading.Thread(target=write_records, args=(records, writer)).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
