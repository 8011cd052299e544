"""The session of the old description, typed by hand, is served with its codes and shown in its form."""

import re
from pathlib import Path

from support.stack import Stack, running_stack
from support.wire import Wire

_CONTENT = (
    b"Received: by sun.tuc.test.org. (4.1/SMI-4.1)\r\n\tid AA01301; Tue, 21 May 98 11:37:22 MST\r\n"
    b"Message-Id: <6210181836.AA00502@sun.tuc.test.org.>\r\nFrom: mable@sun.tuc.test.org (Mable Merliney)\r\n"
    b"Reply-To: mable@test.org\r\nX-Phone:\r\n +0 202 671 2761\r\nX-Mailer:\r\n Mail User's Shell (9.1.0 12/02/98)\r\n"
    b"To: mable@test.org\r\nSubject: testing\r\n\r\n8, 9, 10.\r\n"
)

_CLASSIC = """\
220 test.org ESMTP mailscribe ready
>>> HELO sun.tuc.test.org
250 test.org Hello sun.tuc.test.org, pleased to meet you
>>> MAIL From:<mable@sun.tuc.test.org>
250 2.1.0 <mable@sun.tuc.test.org>... Sender ok
>>> RCPT To:<mable@test.org>
250 2.1.5 <mable@test.org>... Recipient ok
>>> DATA
354 Enter mail, end with "." on a line by itself
>>> ({size} bytes)
>>> .
250 2.0.0 {ulid} Message accepted for delivery
>>> QUIT
221 2.0.0 test.org closing connection
"""


def test_the_session_typed_by_hand(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data", env={"MAILSCRIBE_HOSTNAME": "test.org"}) as stack:
        ulid = _type_it(stack)
        (record,) = stack.wait_message("subject:testing from:mable@sun.tuc.test.org")
        session = stack.wait_session("helo:sun.tuc.test.org end:quit")
        transcript = stack.get(f"/v1/sessions/{session['id']}/transcript", accept="text/plain").body.decode()
        assert transcript == _CLASSIC.format(size=len(_CONTENT), ulid=ulid)
        assert record["id"] == ulid
        assert record["envelope"]["mailFrom"]["email"] == "mable@sun.tuc.test.org"
        assert [address["email"] for address in record["envelope"]["rcptTo"]] == ["mable@test.org"]
        assert record["from"] == [{"name": "Mable Merliney", "email": "mable@sun.tuc.test.org"}]
        fields = {field["name"]: field["value"].strip() for field in record["headers"]}
        assert fields["X-Phone"] == "+0 202 671 2761"
        assert fields["X-Mailer"] == "Mail User's Shell (9.1.0 12/02/98)"
        assert stack.get(f"/v1/messages/{ulid}/text").body.decode().strip() == "8, 9, 10."


def _type_it(stack: Stack) -> str:
    """The description's lines, in its spelling."""
    with Wire(stack.smtp_host, stack.smtp_port) as wire:
        assert re.match(rb"220 test\.org ", wire.line())
        assert wire.code(b"HELO sun.tuc.test.org") == 250
        assert wire.code(b"MAIL From:<mable@sun.tuc.test.org>") == 250
        assert wire.code(b"RCPT To:<mable@test.org>") == 250
        assert wire.say(b"DATA") == [b'354 Enter mail, end with "." on a line by itself']
        wire.send(_CONTENT)
        ulid = wire.say(b".")[0].split()[2].decode()
        assert wire.code(b"QUIT") == 221
        assert wire.closed()
    return ulid
