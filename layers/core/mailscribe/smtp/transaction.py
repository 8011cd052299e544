"""A mail transaction (RFC 5321 §3.3): the reverse-path and the recipients, from MAIL to its one end."""

from dataclasses import dataclass, field
from typing import Final

from mailscribe.policy import Directory
from mailscribe.records import DeliveredTo, Delivery, Envelope, EnvelopeAddress
from mailscribe.smtp.command import Mail, Rcpt, Verb

DELIVERIES: Final[dict[Verb, Delivery]] = {
    Verb.MAIL: "mailbox",
    Verb.SEND: "terminal",
    Verb.SOML: "terminal-or-mailbox",
    Verb.SAML: "both",
}
"""What each verb that opens a transaction asks for (RFC 821 §3.4)."""


@dataclass(slots=True)
class Transaction:
    """What MAIL and RCPT have said; `number` counts the session's transactions from 1.

    `limit`: octets of content, the least of what the server and its recipients' domains take. `discarded`: a rule
    throws the message away; `dropped`: recipients that a rule accepted and threw away.
    """

    number: int
    mail: Mail
    limit: int
    delivery: Delivery = "mailbox"
    recipients: dict[tuple[str, str], Rcpt] = field(default_factory=dict)
    dropped: set[tuple[str, str]] = field(default_factory=set)
    discarded: bool = False

    @property
    def is_discarded(self) -> bool:
        """Whether nobody is left who would get it."""
        return self.discarded or not self.recipients

    @property
    def addresses(self) -> tuple[str, ...]:
        """The recipients as the client named them."""
        return tuple(rcpt.path.email for rcpt in self.recipients.values())

    def envelope(self) -> Envelope:
        """The envelope as recorded."""
        sender = EnvelopeAddress(email=self.mail.path.email, parameters=self.mail.parameters or None)
        return Envelope(
            mail_from=sender,
            rcpt_to=tuple(
                [
                    EnvelopeAddress(email=rcpt.path.email, parameters=rcpt.parameters or None)
                    for rcpt in self.recipients.values()
                ]
            ),
        )

    def delivered_to(self, directory: Directory) -> tuple[DeliveredTo, ...]:
        """Who gets it after aliases and lists, each once; empty where those are just the recipients."""
        if not directory.has_expansions:
            return ()
        found: dict[str, DeliveredTo] = {}
        expanded = False
        for rcpt in self.recipients.values():
            for each in directory.expand(*rcpt.path.identity, rcpt.path.email):
                expanded = expanded or each.email != rcpt.path.email
                found.setdefault(each.email, each)
        return tuple(found.values()) if expanded else ()
