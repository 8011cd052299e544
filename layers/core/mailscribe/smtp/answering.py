"""A command and its answer: the table of handlers, verb → what answers it, and the commands that need no module.

The table is total over the verbs that the order table lets through. A refusal is an exception that is the reply; a
refused BDAT has its octets read away first.
"""

from collections.abc import Callable
from typing import Final

from mailscribe.smtp import inquiry, mailing, opening
from mailscribe.smtp.command import Verb, check_argument, parse_inquiry
from mailscribe.smtp.exchange import Exchange, Step
from mailscribe.smtp.lines import Line
from mailscribe.smtp.reply import Refused, ReplyName


def answer(exchange: Exchange, line: Line, *, behind: bool) -> Step:
    """Answer a line that the client sent; `behind`: more input came before this reply."""
    if exchange.is_identifying:
        return exchange.respond(line)
    verb, argument = exchange.record(line)
    try:
        exchange.check(line, verb, behind=behind)
        check_argument(verb, argument)
        return HANDLERS[verb](exchange, verb, argument)
    except Refused as refused:
        return exchange.skip(refused, argument) if verb is Verb.BDAT else exchange.refuse(refused)


def _rset(exchange: Exchange, _verb: Verb, _argument: str) -> Step:
    exchange.end_transaction()
    exchange.wire.reply(ReplyName.RESET_OK)
    return Step.NEXT


def _noop(exchange: Exchange, _verb: Verb, _argument: str) -> Step:
    exchange.wire.reply(ReplyName.NOOP_OK)
    return Step.NEXT


def _help(exchange: Exchange, _: Verb, argument: str) -> Step:
    first, *more = inquiry.help_text(argument, exchange.off)
    exchange.wire.reply(ReplyName.HELP_TEXT, *more, text=first)
    return Step.NEXT


def _inquire(exchange: Exchange, verb: Verb, argument: str) -> Step:
    ask = inquiry.verify if verb is Verb.VRFY else inquiry.expand
    asked = parse_inquiry(argument)
    name, texts = ask(exchange.policy.directory, asked, authenticated=exchange.auth is not None)
    exchange.wire.reply(name, *texts[1:], mailbox=texts[0] if texts else "")
    return Step.NEXT


def _quit(exchange: Exchange, _verb: Verb, _argument: str) -> Step:
    exchange.end_transaction()
    exchange.wire.reply(ReplyName.CLOSING)
    return Step.QUIT


def _foreign(exchange: Exchange, _verb: Verb, _argument: str) -> Step:
    exchange.wire.finding("http-probe")
    raise Refused(ReplyName.NOT_SMTP)


HANDLERS: Final[dict[Verb, Callable[[Exchange, Verb, str], Step]]] = {
    Verb.HELO: opening.hello,
    Verb.EHLO: opening.hello,
    Verb.STARTTLS: opening.starttls,
    Verb.AUTH: opening.auth,
    Verb.MAIL: mailing.mail,
    Verb.SEND: mailing.mail,
    Verb.SOML: mailing.mail,
    Verb.SAML: mailing.mail,
    Verb.RCPT: mailing.rcpt,
    Verb.DATA: mailing.data,
    Verb.BDAT: mailing.bdat,
    Verb.RSET: _rset,
    Verb.NOOP: _noop,
    Verb.QUIT: _quit,
    Verb.HELP: _help,
    Verb.VRFY: _inquire,
    Verb.EXPN: _inquire,
    Verb.FOREIGN: _foreign,
}
