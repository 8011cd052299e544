"""Commands: which verbs there are, what each may carry, and its argument as a typed value (RFC 5321 §4.1.1).

The verb table holds flags; a parser per verb turns the argument into a value or raises `Refused`. Whether a
command is in order is decided by the state table, before its argument is read.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Literal

from msgspec import Struct

from mailscribe.smtp.extension import PARAMETERS, ParameterOf, parse_parameters
from mailscribe.smtp.grammar import CHUNK, CONTROL, HEADER_WORD, HTTP_METHODS, MECHANISM, QUALIFIED_NAME
from mailscribe.smtp.path import MAX_DOMAIN, Path, forward_path, reverse_path
from mailscribe.smtp.reply import Refused, ReplyName


class Verb(StrEnum):
    """Every verb that is known, on or off, and two for what is none."""

    HELO = "HELO"
    EHLO = "EHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    RSET = "RSET"
    NOOP = "NOOP"
    QUIT = "QUIT"
    HELP = "HELP"
    VRFY = "VRFY"
    EXPN = "EXPN"
    SEND = "SEND"
    SOML = "SOML"
    SAML = "SAML"
    TURN = "TURN"
    AUTH = "AUTH"
    STARTTLS = "STARTTLS"
    BDAT = "BDAT"
    XCLIENT = "XCLIENT"
    UNKNOWN = "UNKNOWN"
    FOREIGN = "FOREIGN"


class Argument(Enum):
    """Whether a verb takes an argument."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class VerbRule:
    """A row of the verb table.

    `transaction`: belongs to a mail transaction, so its refusal rejects mail. `last`: ends a pipelining group
    (RFC 2920 §3.1). `off`: known, answered 502. `needs`: on where the listener's service of that name is, else off.
    `junk`: does nothing for mail; floods of it are counted.
    """

    argument: Argument = Argument.OPTIONAL
    transaction: bool = False
    last: bool = False
    off: bool = False
    needs: Literal["", "starttls", "auth", "classic"] = ""
    junk: bool = False
    help: str = ""


def _classic(verb: str, to: str) -> "VerbRule":
    return VerbRule(transaction=True, needs="classic", help=f"{verb} FROM:<address>: as MAIL, for {to}")


_OFF: Final = VerbRule(off=True)
VERBS: Final[dict[Verb, VerbRule]] = {
    Verb.HELO: VerbRule(last=True, help="HELO <host name>: open the session"),
    Verb.EHLO: VerbRule(last=True, help="EHLO <host name>: open the session and list the extensions"),
    Verb.MAIL: VerbRule(
        transaction=True,
        help="MAIL FROM:<address> [SIZE=n] [BODY=7BIT|8BITMIME|BINARYMIME] [SMTPUTF8]: name the sender",
    ),
    Verb.RCPT: VerbRule(transaction=True, help="RCPT TO:<address>: name a recipient; once for each"),
    Verb.DATA: VerbRule(Argument.NONE, transaction=True, last=True, help='DATA: the message, ended by a lone "."'),
    Verb.RSET: VerbRule(Argument.NONE, junk=True, help="RSET: forget sender, recipients and message"),
    Verb.NOOP: VerbRule(last=True, junk=True, help="NOOP: do nothing"),
    Verb.QUIT: VerbRule(Argument.NONE, last=True, help="QUIT: close the session"),
    Verb.HELP: VerbRule(junk=True, help="HELP [command]: this"),
    Verb.VRFY: VerbRule(
        Argument.REQUIRED, last=True, junk=True, help="VRFY <name or address> [SMTPUTF8]: ask about a mailbox"
    ),
    Verb.EXPN: VerbRule(
        Argument.REQUIRED, last=True, junk=True, help="EXPN <list> [SMTPUTF8]: ask who is on a mailing list"
    ),
    Verb.SEND: _classic("SEND", "the recipient's terminal"),
    Verb.SOML: _classic("SOML", "the recipient's terminal or else mailbox"),
    Verb.SAML: _classic("SAML", "the recipient's terminal and mailbox"),
    Verb.TURN: _OFF,
    Verb.AUTH: VerbRule(Argument.REQUIRED, needs="auth", help="AUTH mechanism [initial response]: say who you are"),
    Verb.STARTTLS: VerbRule(Argument.NONE, last=True, needs="starttls", help="STARTTLS: go on under TLS"),
    Verb.BDAT: VerbRule(
        Argument.OPTIONAL, transaction=True, help="BDAT octets [LAST]: so many octets of the message, then those"
    ),
    Verb.XCLIENT: _OFF,
    Verb.UNKNOWN: VerbRule(),
    Verb.FOREIGN: VerbRule(),
}
_BY_WORD: Final = {verb.value: verb for verb in Verb if verb not in (Verb.UNKNOWN, Verb.FOREIGN)}
KNOWN: Final = frozenset(_BY_WORD.values())


class Hello(Struct, frozen=True):
    """HELO or EHLO: the name, and whether it is a qualified name or an address literal."""

    name: str
    qualified: bool


class Mail(Struct, frozen=True):
    """MAIL FROM: the reverse-path and its parameters."""

    path: Path
    parameters: dict[str, str | None]

    @property
    def size(self) -> int | None:
        """The declared size (RFC 1870)."""
        text = self.parameters.get("SIZE")
        return int(text) if text else None

    @property
    def is_eight_bit(self) -> bool:
        """Whether content outside ASCII was declared (RFC 6152, 3030)."""
        return self._body in ("8BITMIME", "BINARYMIME")

    @property
    def is_binary(self) -> bool:
        """Whether content that is no lines was declared (RFC 3030)."""
        return self._body == "BINARYMIME"

    @property
    def is_utf8(self) -> bool:
        """Whether SMTPUTF8 was said (RFC 6531)."""
        return "SMTPUTF8" in self.parameters

    @property
    def _body(self) -> str:
        return (self.parameters.get("BODY") or "").upper()


class Rcpt(Struct, frozen=True):
    """RCPT TO: the forward-path and its parameters."""

    path: Path
    parameters: dict[str, str | None]


class Chunk(Struct, frozen=True):
    """BDAT: how many octets follow, and whether they are the last."""

    size: int
    last: bool


class Inquiry(Struct, frozen=True):
    """VRFY or EXPN: what is asked about, and whether the answer may be outside ASCII."""

    text: str
    utf8: bool


def split_command(line: bytes) -> tuple[Verb, str]:
    """Verb and argument of a command line without CRLF; trailing blanks are tolerated (RFC 5321 §4.1.1).

    >>> split_command(b"Mail  From:<mable@test.org> ")
    (<Verb.MAIL: 'MAIL'>, 'From:<mable@test.org>')
    """
    text = line.decode("utf-8", "replace").rstrip(" \t")
    word, _, argument = text.partition(" ")
    verb = _BY_WORD.get(word.upper())
    if verb is None and "\t" in word:
        word, _, argument = text.partition("\t")
        verb = _BY_WORD.get(word.upper())
    if verb is not None:
        return verb, argument.lstrip(" \t")
    return (Verb.FOREIGN if _is_foreign(word) else Verb.UNKNOWN), ""


def _is_foreign(word: str) -> bool:
    if HEADER_WORD.fullmatch(word):
        return word[:-1].upper() not in _BY_WORD
    return word.upper() in HTTP_METHODS


def check_argument(verb: Verb, argument: str) -> None:
    """Raise `Refused` when the verb takes no argument but has one, or needs one and has none."""
    rule = VERBS[verb].argument
    if rule is Argument.NONE and argument:
        raise Refused(ReplyName.NO_ARGUMENT_ALLOWED, verb=verb)
    if rule is Argument.REQUIRED and not argument:
        raise Refused(ReplyName.ARGUMENT_NEEDED, verb=verb)


def parse_hello(argument: str) -> Hello:
    """The argument of HELO and EHLO: one word of printable ASCII, at most a domain long. Raises `Refused`."""
    if not argument or len(argument) > MAX_DOMAIN or not argument.isascii() or " " in argument:
        raise Refused(ReplyName.BAD_HELLO)
    if CONTROL.search(argument):
        raise Refused(ReplyName.BAD_HELLO)
    return Hello(argument, QUALIFIED_NAME.fullmatch(argument) is not None)


def parse_mail(argument: str, *, extended: bool) -> Mail:
    """The argument of MAIL; parameters only after EHLO. Raises `Refused`."""
    path, rest = reverse_path(_after(argument, "FROM:", ReplyName.MAIL_SYNTAX))
    if not path.is_ascii and not _says_utf8(rest):
        raise Refused(ReplyName.NON_ASCII_ADDRESS)
    return Mail(path, parse_parameters(rest, PARAMETERS[ParameterOf.MAIL] if extended else {}))


def parse_rcpt(argument: str, *, extended: bool, utf8: bool = False) -> Rcpt:
    """The argument of RCPT; parameters only after EHLO. `utf8`: MAIL said SMTPUTF8. Raises `Refused`."""
    path, rest = forward_path(_after(argument, "TO:", ReplyName.RCPT_SYNTAX))
    if not utf8 and not path.is_ascii:
        raise Refused(ReplyName.NON_ASCII_ADDRESS)
    if not utf8 and not rest.isascii():
        raise Refused(ReplyName.PARAMETER_SYNTAX)
    return Rcpt(path, parse_parameters(rest, PARAMETERS[ParameterOf.RCPT] if extended else {}))


def parse_chunk(argument: str) -> Chunk:
    """The argument of BDAT. Raises `Refused`: nobody knows then where the next command begins."""
    found = CHUNK.fullmatch(argument)
    if found is None:
        raise Refused(ReplyName.BAD_CHUNK)
    return Chunk(int(found["size"]), found["last"] is not None)


def parse_inquiry(argument: str) -> Inquiry:
    """The argument of VRFY and EXPN (RFC 6531 §3.7.4.2 for its parameter). Raises `Refused`."""
    text, _, word = argument.rpartition(" ")
    utf8 = word.upper() == "SMTPUTF8" and bool(text.strip())
    text = text.strip() if utf8 else argument
    if CONTROL.search(text):
        raise Refused(ReplyName.CONTROL_IN_ARGUMENT)
    if not utf8 and not text.isascii():
        raise Refused(ReplyName.NON_ASCII_ADDRESS)
    return Inquiry(text, utf8)


def parse_auth(argument: str) -> tuple[str, str | None]:
    """The argument of AUTH: mechanism, and initial response if there is one. Raises `Refused`."""
    found = MECHANISM.fullmatch(argument)
    if found is None:
        raise Refused(ReplyName.AUTH_MECHANISM)
    return found["mechanism"], found["initial"]


def _says_utf8(parameters: str) -> bool:
    return "SMTPUTF8" in parameters.upper().split()


def _after(argument: str, keyword: str, syntax: ReplyName) -> str:
    if argument[: len(keyword)].upper() != keyword:
        raise Refused(syntax)
    return argument[len(keyword) :].lstrip(" \t")
