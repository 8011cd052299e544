"""Every reply in one table: name → code, enhanced code, text.

No other module spells a code. Enhanced codes (RFC 2034, 3463) stand on every 2xx, 4xx and 5xx reply except the
greeting and the replies to HELO and EHLO; on each line of a multi-line reply. Nothing of a reply comes from an
exception. Fields in braces are filled with values that the grammar has already made harmless.
"""

from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Final

from mailscribe.errors import MailscribeError


class ReplyName(StrEnum):
    """What the server can say."""

    GREETING = auto()
    NO_SERVICE = auto()
    TOO_MANY_SESSIONS = auto()
    HELLO = auto()
    BAD_HELLO = auto()
    SENDER_OK = auto()
    RECIPIENT_OK = auto()
    START_CONTENT = auto()
    MESSAGE_ACCEPTED = auto()
    RESET_OK = auto()
    NOOP_OK = auto()
    HELP_TEXT = auto()
    CANNOT_VERIFY = auto()
    VERIFIED = auto()
    MEMBERS = auto()
    NO_SUCH_USER = auto()
    NO_SUCH_LIST = auto()
    AMBIGUOUS_USER = auto()
    CHUNK_OK = auto()
    BAD_CHUNK = auto()
    CHUNKS_GO_ON = auto()
    BINARY_NEEDS_CHUNKS = auto()
    START_TLS = auto()
    TLS_ACTIVE = auto()
    TLS_NEEDED = auto()
    EARLY_TLS_INPUT = auto()
    AUTH_CHALLENGE = auto()
    AUTH_OK = auto()
    AUTH_NEEDED = auto()
    AUTH_TWICE = auto()
    AUTH_IN_TRANSACTION = auto()
    AUTH_NEEDS_TLS = auto()
    AUTH_MECHANISM = auto()
    AUTH_BASE64 = auto()
    AUTH_CANCELLED = auto()
    AUTH_LINE_TOO_LONG = auto()
    AUTH_REJECTED = auto()
    AUTH_UNAVAILABLE = auto()
    EARLY_TALKER = auto()
    NOBODY_WATCHES = auto()
    TOO_MANY_TRANSACTIONS = auto()
    UNKNOWN_USER = auto()
    CLOSING = auto()
    NOT_SMTP = auto()
    SHUTTING_DOWN = auto()
    TIMED_OUT = auto()
    TOO_MANY_ERRORS = auto()
    LINE_FLOOD = auto()
    CONTENT_FLOOD = auto()
    UNKNOWN_COMMAND = auto()
    LINE_TOO_LONG = auto()
    BAD_CHARACTER = auto()
    COMMAND_OFF = auto()
    NO_ARGUMENT_ALLOWED = auto()
    ARGUMENT_NEEDED = auto()
    MAIL_SYNTAX = auto()
    RCPT_SYNTAX = auto()
    BAD_SENDER = auto()
    BAD_RECIPIENT = auto()
    CONTROL_IN_ARGUMENT = auto()
    NON_ASCII_ADDRESS = auto()
    PARAMETER_SYNTAX = auto()
    PARAMETER_TWICE = auto()
    PARAMETER_UNKNOWN = auto()
    PARAMETER_VALUE = auto()
    HELLO_FIRST = auto()
    NESTED_MAIL = auto()
    MAIL_FIRST = auto()
    RCPT_FIRST = auto()
    NO_VALID_RECIPIENTS = auto()
    ONLY_QUIT = auto()
    EARLY_INPUT = auto()
    NOT_OUR_DOMAIN = auto()
    TOO_MANY_RECIPIENTS = auto()
    MESSAGE_TOO_BIG = auto()
    HEADER_FLOOD = auto()
    MAIL_LOOP = auto()
    BARE_LF = auto()
    BARE_CR = auto()
    TEXT_LINE_TOO_LONG = auto()
    STORE_FAILED = auto()
    STORE_FULL = auto()


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """A row: code (RFC 5321 §4.2), enhanced code or None, text.

    `error`: counts against the error budget. `closes`: the session ends with it, for this reason.
    """

    code: int
    enhanced: str | None
    text: str
    error: bool = False
    closes: str = ""
    front: str = field(init=False, default="")
    """Code and enhanced code, as they stand before the text."""
    is_fixed: bool = field(init=False, default=False)
    """Whether the text has nothing to be filled in."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "front", f"{self.code} {self.enhanced} " if self.enhanced else f"{self.code} ")
        object.__setattr__(self, "is_fixed", "{" not in self.text)


_R = ReplyRule
REPLIES: Final[dict[ReplyName, ReplyRule]] = {
    ReplyName.GREETING: _R(220, None, "{host} ESMTP mailscribe ready"),
    ReplyName.NO_SERVICE: _R(554, None, "{host} no SMTP service here"),
    ReplyName.TOO_MANY_SESSIONS: _R(
        421, "4.7.0", "{host} too many sessions, try again later", closes="too many sessions"
    ),
    ReplyName.HELLO: _R(250, None, "{host} Hello {client}, pleased to meet you"),
    ReplyName.BAD_HELLO: _R(501, None, "Name yourself by host name or address literal", error=True),
    ReplyName.SENDER_OK: _R(250, "2.1.0", "<{path}>... Sender ok"),
    ReplyName.RECIPIENT_OK: _R(250, "2.1.5", "<{path}>... Recipient ok"),
    ReplyName.START_CONTENT: _R(354, None, 'Enter mail, end with "." on a line by itself'),
    ReplyName.MESSAGE_ACCEPTED: _R(250, "2.0.0", "{id} Message accepted for delivery"),
    ReplyName.RESET_OK: _R(250, "2.0.0", "Reset state"),
    ReplyName.NOOP_OK: _R(250, "2.0.0", "OK"),
    ReplyName.HELP_TEXT: _R(214, "2.0.0", "{text}"),
    ReplyName.CANNOT_VERIFY: _R(252, "2.5.2", "Cannot verify, but will take the message and try to deliver it"),
    ReplyName.VERIFIED: _R(250, "2.1.5", "{mailbox}"),
    ReplyName.MEMBERS: _R(250, "2.1.5", "{mailbox}"),
    ReplyName.NO_SUCH_USER: _R(550, "5.1.1", "No such user here"),
    ReplyName.NO_SUCH_LIST: _R(550, "5.1.1", "No such mailing list here"),
    ReplyName.AMBIGUOUS_USER: _R(553, "5.1.4", "User ambiguous; possibilities are"),
    ReplyName.CHUNK_OK: _R(250, "2.0.0", "{octets} octets received"),
    ReplyName.BAD_CHUNK: _R(
        501, "5.5.4", "Syntax: BDAT octets [LAST], closing connection", closes="chunk of unknown size"
    ),
    ReplyName.CHUNKS_GO_ON: _R(503, "5.5.1", "The message is coming in chunks, need BDAT or RSET", error=True),
    ReplyName.BINARY_NEEDS_CHUNKS: _R(503, "5.5.1", "BODY=BINARYMIME needs BDAT", error=True),
    ReplyName.START_TLS: _R(220, "2.0.0", "Ready to start TLS"),
    ReplyName.TLS_ACTIVE: _R(503, "5.5.1", "TLS is active already", error=True),
    ReplyName.TLS_NEEDED: _R(530, "5.7.0", "Must issue a STARTTLS command first", error=True),
    ReplyName.EARLY_TLS_INPUT: _R(
        554, "5.5.0", "Input behind STARTTLS, closing connection", closes="input behind STARTTLS"
    ),
    ReplyName.AUTH_CHALLENGE: _R(334, None, "{challenge}"),
    ReplyName.AUTH_OK: _R(235, "2.7.0", "Authentication successful"),
    ReplyName.AUTH_NEEDED: _R(530, "5.7.0", "Authentication required", error=True),
    ReplyName.AUTH_TWICE: _R(503, "5.5.1", "Authenticated already", error=True),
    ReplyName.AUTH_IN_TRANSACTION: _R(503, "5.5.1", "No AUTH in a mail transaction", error=True),
    ReplyName.AUTH_NEEDS_TLS: _R(538, "5.7.11", "Encryption required for authentication", error=True),
    ReplyName.AUTH_MECHANISM: _R(504, "5.5.4", "Authentication mechanism not supported", error=True),
    ReplyName.AUTH_BASE64: _R(501, "5.5.2", "Cannot decode the response", error=True),
    ReplyName.AUTH_CANCELLED: _R(501, "5.7.0", "Authentication cancelled", error=True),
    ReplyName.AUTH_LINE_TOO_LONG: _R(500, "5.5.6", "Authentication exchange line is too long", error=True),
    ReplyName.AUTH_REJECTED: _R(535, "5.7.8", "Authentication credentials invalid", error=True),
    ReplyName.AUTH_UNAVAILABLE: _R(454, "4.7.0", "Temporary authentication failure"),
    ReplyName.EARLY_TALKER: _R(
        554, "5.5.0", "Input before the greeting, closing connection", closes="input before the greeting"
    ),
    ReplyName.NOBODY_WATCHES: _R(450, "4.2.1", "<{path}>... Nobody watches that terminal now"),
    ReplyName.TOO_MANY_TRANSACTIONS: _R(
        421, "4.7.0", "{host} too many messages in one session", closes="too many messages"
    ),
    ReplyName.UNKNOWN_USER: _R(550, "5.1.1", "<{path}>... User unknown"),
    ReplyName.CLOSING: _R(221, "2.0.0", "{host} closing connection"),
    ReplyName.NOT_SMTP: _R(221, "2.7.0", "{host} this is SMTP, closing connection", closes="not SMTP"),
    ReplyName.SHUTTING_DOWN: _R(421, "4.3.2", "{host} shutting down, closing connection", closes="shutting down"),
    ReplyName.TIMED_OUT: _R(421, "4.4.2", "{host} waited too long, closing connection", closes="timed out"),
    ReplyName.TOO_MANY_ERRORS: _R(421, "4.7.0", "{host} too many errors, closing connection", closes="too many errors"),
    ReplyName.LINE_FLOOD: _R(421, "4.7.0", "{host} line without end, closing connection", closes="line without end"),
    ReplyName.CONTENT_FLOOD: _R(
        421, "4.7.0", "{host} message without end, closing connection", closes="message without end"
    ),
    ReplyName.UNKNOWN_COMMAND: _R(500, "5.5.2", "Command unrecognized", error=True),
    ReplyName.LINE_TOO_LONG: _R(500, "5.5.2", "Line too long", error=True),
    ReplyName.BAD_CHARACTER: _R(500, "5.5.2", "NUL, bare <CR> or bare <LF> in a command", error=True),
    ReplyName.COMMAND_OFF: _R(502, "5.5.1", "{verb} command not implemented"),
    ReplyName.NO_ARGUMENT_ALLOWED: _R(501, "5.5.4", "{verb} takes no argument", error=True),
    ReplyName.ARGUMENT_NEEDED: _R(501, "5.5.4", "{verb} needs an argument", error=True),
    ReplyName.MAIL_SYNTAX: _R(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]", error=True),
    ReplyName.RCPT_SYNTAX: _R(501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]", error=True),
    ReplyName.BAD_SENDER: _R(501, "5.1.7", "Bad sender address syntax", error=True),
    ReplyName.BAD_RECIPIENT: _R(501, "5.1.3", "Bad recipient address syntax", error=True),
    ReplyName.CONTROL_IN_ARGUMENT: _R(501, "5.5.4", "Control character in argument", error=True),
    ReplyName.NON_ASCII_ADDRESS: _R(553, "5.6.7", "Address outside ASCII needs SMTPUTF8", error=True),
    ReplyName.PARAMETER_SYNTAX: _R(501, "5.5.4", "Bad parameter syntax", error=True),
    ReplyName.PARAMETER_TWICE: _R(501, "5.5.4", "Parameter {keyword} given twice", error=True),
    ReplyName.PARAMETER_UNKNOWN: _R(555, "5.5.4", "Parameter not recognized or not announced", error=True),
    ReplyName.PARAMETER_VALUE: _R(501, "5.5.4", "Bad value of parameter {keyword}", error=True),
    ReplyName.HELLO_FIRST: _R(503, "5.5.1", "Say HELO or EHLO first", error=True),
    ReplyName.NESTED_MAIL: _R(503, "5.5.1", "Nested MAIL command", error=True),
    ReplyName.MAIL_FIRST: _R(503, "5.5.1", "Need MAIL first", error=True),
    ReplyName.RCPT_FIRST: _R(503, "5.5.1", "Need RCPT first", error=True),
    ReplyName.NO_VALID_RECIPIENTS: _R(554, "5.5.1", "No valid recipients", error=True),
    ReplyName.ONLY_QUIT: _R(503, "5.5.1", "No service here, only QUIT", error=True),
    ReplyName.EARLY_INPUT: _R(
        554, "5.5.0", "Input before the reply to DATA, closing connection", closes="input before the reply to DATA"
    ),
    ReplyName.NOT_OUR_DOMAIN: _R(550, "5.7.1", "<{path}>... Mail for that domain is not accepted here"),
    ReplyName.TOO_MANY_RECIPIENTS: _R(452, "4.5.3", "Too many recipients"),
    ReplyName.MESSAGE_TOO_BIG: _R(552, "5.3.4", "Message exceeds the limit of {limit} bytes"),
    ReplyName.HEADER_FLOOD: _R(554, "5.6.0", "Header block too large or of too many fields"),
    ReplyName.MAIL_LOOP: _R(554, "5.4.6", "Too many Received fields: mail loop"),
    ReplyName.BARE_LF: _R(550, "5.5.2", "bare <LF> received: lines end with <CR><LF>"),
    ReplyName.BARE_CR: _R(550, "5.5.2", "bare <CR> received: lines end with <CR><LF>"),
    ReplyName.TEXT_LINE_TOO_LONG: _R(554, "5.6.0", "Text line too long"),
    ReplyName.STORE_FAILED: _R(451, "4.3.0", "Message not stored, try again later"),
    ReplyName.STORE_FULL: _R(452, "4.3.1", "No room for the message, try again later"),
}


class Refused(MailscribeError):
    """The peer's command cannot be obeyed; the error is the reply: a row of the table, or one that a rule words."""

    def __init__(self, name: ReplyName | ReplyRule, *more: str, **fields: str) -> None:
        super().__init__(str(name))
        self.name = name if isinstance(name, ReplyName) else None
        self.rule = REPLIES[name] if isinstance(name, ReplyName) else name
        self.more = more
        self.fields = fields


def render(name: ReplyName | ReplyRule, *more: str, **fields: str) -> list[str]:
    """The lines of a reply, without CRLF: the row's text, then `more`, coded as RFC 5321 §4.2.1 wants.

    >>> render(ReplyName.SENDER_OK, path="mable@test.org")
    ['250 2.1.0 <mable@test.org>... Sender ok']
    """
    rule = REPLIES[name] if isinstance(name, ReplyName) else name
    text = rule.text if rule.is_fixed or not fields else rule.text.format_map(fields)
    if not more:
        return [rule.front + text]
    enhanced = f"{rule.enhanced} " if rule.enhanced else ""
    texts = (text, *more)
    return [f"{rule.code}-{enhanced}{line}" for line in texts[:-1]] + [f"{rule.code} {enhanced}{texts[-1]}"]
