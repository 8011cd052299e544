"""HELO, EHLO, STARTTLS, AUTH: who the client is, and over what it speaks (RFC 5321 §4.1.1.1, 3207, 4954)."""

from functools import lru_cache

from mailscribe.policy import Stage
from mailscribe.smtp import inquiry
from mailscribe.smtp.command import Verb, parse_auth, parse_hello
from mailscribe.smtp.exchange import Exchange, Step
from mailscribe.smtp.extension import Standing, announced
from mailscribe.smtp.reply import Refused, ReplyName
from mailscribe.smtp.sasl import SaslExchange


def hello(exchange: Exchange, verb: Verb, argument: str) -> Step:
    """HELO and EHLO: name the client, begin anew, list the extensions."""
    said = parse_hello(argument)
    if not said.qualified:
        exchange.wire.finding("helo-not-fqdn")
    if exchange.judge.has(Stage.HELO) and exchange.judge(Stage.HELO, exchange, helo=said.name):
        return Step.DROP
    exchange.helo, exchange.extended = said.name, verb is Verb.EHLO
    exchange.end_transaction()
    more = _announced(_standing(exchange)) if exchange.extended else ()
    exchange.wire.reply(ReplyName.HELLO, *more, client=said.name)
    return Step.NEXT


def starttls(exchange: Exchange, _verb: Verb, _argument: str) -> Step:
    """STARTTLS: say go."""
    if exchange.tls is not None:
        raise Refused(ReplyName.TLS_ACTIVE)
    exchange.wire.reply(ReplyName.START_TLS)
    return Step.TLS


def auth(exchange: Exchange, _: Verb, argument: str) -> Step:
    """AUTH: begin an exchange."""
    if not exchange.extended:
        raise Refused(ReplyName.HELLO_FIRST)
    if exchange.auth is not None:
        raise Refused(ReplyName.AUTH_TWICE)
    if exchange.tls is None and not exchange.service.auth_in_clear:
        raise Refused(ReplyName.AUTH_NEEDS_TLS)
    mechanism, initial = parse_auth(argument)
    sasl = SaslExchange(mechanism)
    return exchange.identify(sasl, sasl.begin(initial))


def _standing(exchange: Exchange) -> Standing:
    return Standing(
        settings=exchange.settings,
        service=exchange.service,
        secure=exchange.tls is not None,
        authenticated=exchange.auth is not None,
        discloses=inquiry.discloses(exchange.policy.directory, authenticated=True),
    )


@lru_cache(maxsize=64)
def _announced(standing: Standing) -> tuple[str, ...]:
    return announced(standing)
