"""Addresses: of header fields (RFC 8621 §4.1.2.3) and of the SMTP envelope (§7)."""

from msgspec import UNSET, UnsetType

from mailscribe.records.value import Value


class EmailAddress(Value, frozen=True, kw_only=True):
    """RFC 8621 §4.1.2.3: display name (decoded) and addr-spec."""

    name: str | None
    email: str


class EnvelopeAddress(Value, frozen=True, kw_only=True):
    """RFC 8621 §7 Address: mailbox and its MAIL or RCPT parameters (null: a keyword without a value)."""

    email: str
    parameters: dict[str, str | None] | None = None


class Envelope(Value, frozen=True, kw_only=True):
    """RFC 8621 §7 Envelope, from SMTP, never from header fields. The null reverse-path is ``""``."""

    mail_from: EnvelopeAddress
    rcpt_to: tuple[EnvelopeAddress, ...]


class DeliveredTo(Value, frozen=True, kw_only=True):
    """A recipient after aliases and lists; `via` is the one that the client named."""

    email: str
    via: str | UnsetType = UNSET
