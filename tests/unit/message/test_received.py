"""Received fields of many mailers."""

from datetime import UTC, datetime

import pytest

from mailscribe.message import Received
from mailscribe.message.received import parse_received

WHEN = datetime(2024, 5, 21, 11, 37, 22, tzinfo=UTC)
DATE = "Tue, 21 May 2024 11:37:22 +0000"

CASES: list[tuple[str, Received]] = [
    (
        f"from a.example (a.example [192.0.2.1]) by b.example (Postfix) with ESMTPS id 4F for <c@d.example>; {DATE} ()",
        Received("a.example", "b.example", "ESMTPS", "4F", "c@d.example", WHEN),
    ),
    (
        f"by sun.tuc.test.org. (4.1/SMI-4.1) id AA01301; {DATE}",
        Received(None, "sun.tuc.test.org", None, "AA01301", None, WHEN),
    ),
    (
        f"from a.example by b.example via TCP with SMTP id x; {DATE}",
        Received("a.example", "b.example", "SMTP", "x", None, WHEN),
    ),
    (f"(qmail 1234 invoked by uid 0); {DATE}", Received(date=WHEN)),
    (
        f"from unknown (HELO a.example) (192.0.2.1) by 0 with SMTP; {DATE}",
        Received("unknown", "0", "SMTP", None, None, WHEN),
    ),
    (
        f"from [192.0.2.1] (helo=a.example) by b.example with esmtp (Exim 4) id 1-2-3 for c@d.example; {DATE}",
        Received("[192.0.2.1]", "b.example", "esmtp", "1-2-3", "c@d.example", WHEN),
    ),
    (
        f"from a.example by b.example with Microsoft SMTP Server id 15.1; {DATE}",
        Received("a.example", "b.example", "Microsoft", "15.1", None, WHEN),
    ),
    (
        f"from by.example by with.example with SMTP; {DATE}",
        Received("by.example", "with.example", "SMTP", None, None, WHEN),
    ),
    ("from a.example by b.example", Received("a.example", "b.example")),
    ("from a.example; whenever", Received("a.example")),
    (f"from a.example (x; y) by b.example; {DATE}", Received("a.example", "b.example", date=WHEN)),
    ("from", Received()),
    ("", Received()),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_received(text: str, expected: Received) -> None:
    assert parse_received(text) == expected
