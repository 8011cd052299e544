"""A mail transaction (RFC 5321 §3.3): the reverse-path and the recipients, from MAIL to its one end."""

from dataclasses import dataclass, field

from mailscribe.records import Envelope, EnvelopeAddress
from mailscribe.smtp.command import Mail, Rcpt


@dataclass(slots=True)
class Transaction:
    """What MAIL and RCPT have said; `number` counts the session's transactions from 1."""

    number: int
    mail: Mail
    recipients: dict[tuple[str, str], Rcpt] = field(default_factory=dict)

    def envelope(self) -> Envelope:
        """The envelope as recorded."""
        sender = EnvelopeAddress(email=self.mail.path.email, parameters=self.mail.parameters or None)
        return Envelope(
            mail_from=sender,
            rcpt_to=tuple(
                EnvelopeAddress(email=rcpt.path.email, parameters=rcpt.parameters or None)
                for rcpt in self.recipients.values()
            ),
        )
