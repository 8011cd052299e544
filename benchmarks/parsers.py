"""The parsers that `benchmarks.parser` measures, each as a function of a message's bytes; what they return is kept."""

import hashlib
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime

from fast_mail_parser import parse_email

from mailscribe.message import parse, part_text

type Parser = Callable[[bytes], object]
type Compat = Message[str, str]

_ADDRESSES = ("From", "Sender", "To", "Cc", "Bcc", "Reply-To")
_IDS = ("Message-ID", "In-Reply-To", "References")


def ours(data: bytes) -> object:
    """The whole message, and the text of its text parts."""
    parsed = parse(data)
    shown = {part.part_id: part for part in (*parsed.text_body, *parsed.html_body) if part.charset is not None}
    return parsed, [part_text(data, part) for part in shown.values()]


def compat32(data: bytes) -> object:
    """Structure, and the text of the text parts."""
    message = message_from_bytes(data)
    return message, [_text(part) for part in message.walk() if part.get_content_maintype() == "text"]


def compat32_all(data: bytes) -> object:
    """The same with what a record says of header and attachments."""
    message = message_from_bytes(data)
    addresses = [getaddresses(message.get_all(name, [])) for name in _ADDRESSES]
    ids = [message.get(name, "").split() for name in _IDS]
    subject = str(make_header(decode_header(message.get("Subject", ""))))
    dates = [parsedate_to_datetime(message["Date"])]
    dates += [parsedate_to_datetime(field.rpartition(";")[2]) for field in message.get_all("Received", [])]
    return message, addresses, ids, subject, dates, list(_leaves(message))


def policy_default(data: bytes) -> object:
    """Structure, and the text of the text parts."""
    message = message_from_bytes(data, _class=EmailMessage, policy=default)
    return message, [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]


def fast(data: bytes) -> object:
    """Structure, and the text of the text parts."""
    mail = parse_email(data)
    return mail, mail.text_plain, mail.text_html


def _text(part: Compat) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(part.get_content_charset("utf-8"), "replace")


def _leaves(message: Compat) -> Iterator[str]:
    """Text, or for other content its hash."""
    for part in message.walk():
        if part.get_content_maintype() == "text":
            yield _text(part)
        elif not part.is_multipart():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            yield hashlib.sha256(content).hexdigest()


PARSERS: dict[str, Parser] = {
    "compat32, structure and text": compat32,
    "compat32, reads all": compat32_all,
    "policy.default, structure and text": policy_default,
    "fast-mail-parser, structure and text": fast,
    "mailscribe, reads all": ours,
}
