"""The message that a report is about, if we hold it: joined when the report is read, in whatever order they came.

By the Message-ID that the report gives, else by its Original-Envelope-Id. At most four reads of a report, none for
other mail; what was deleted or has expired is not named. Of several with that Message-ID it is the first.
"""

from typing import Final

from msgspec import UNSET, structs

from mailscribe.records import MessageRecord
from mailscribe.records.report import DeliveryReport, DmarcReport
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Key, Records

CANDIDATES: Final = 4
"""messages under one Message-ID that are looked at"""


def joined(record: MessageRecord, records: Records, keys: RecordKeys) -> MessageRecord:
    """The record, its report naming our id of the original. Raises `StoreUnavailable`."""
    report = record.report
    if report is UNSET or isinstance(report, DmarcReport):
        return record
    pointers: list[Key] = []
    if report.original_message_id is not UNSET and report.original_message_id:
        pointers.append(keys.message_id(report.original_message_id, ""))
    if isinstance(report, DeliveryReport) and report.original_envelope_id is not UNSET:
        pointers.append(keys.envelope_id(report.original_envelope_id, ""))
    for pointer in pointers:
        found = _first(pointer, record.id, records, keys)
        if found is not None:
            return structs.replace(record, report=structs.replace(report, original_message=found))
    return record


def _first(pointer: Key, report: str, records: Records, keys: RecordKeys) -> str | None:
    ulids = [item.sk for item in records.query(pointer.pk, limit=CANDIDATES + 1) if item.sk != report][:CANDIDATES]
    if not ulids:
        return None
    wanted = [key for ulid in ulids for key in (keys.message(ulid), keys.tombstone(ulid))]
    there = {item.key for item in records.get_many(wanted)}
    return next((u for u in ulids if keys.message(u) in there and keys.tombstone(u) not in there), None)
