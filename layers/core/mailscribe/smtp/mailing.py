"""MAIL, SEND, SOML, SAML, RCPT, DATA, BDAT: the commands of a mail transaction (RFC 5321 §3.3, RFC 3030, RFC 821 §3.4).

Who is taken as a recipient is the directory's word, what else is wrong with it the rules'.
"""

from mailscribe.policy import Stage, Standing
from mailscribe.smtp.command import Verb, parse_chunk, parse_mail, parse_rcpt
from mailscribe.smtp.exchange import Exchange, Step
from mailscribe.smtp.path import Path
from mailscribe.smtp.reply import Refused, ReplyName
from mailscribe.smtp.state import State
from mailscribe.smtp.transaction import DELIVERIES, Transaction


def mail(exchange: Exchange, verb: Verb, argument: str) -> Step:
    """MAIL, and the classic verbs that do as MAIL does: begin a transaction."""
    _check_session(exchange)
    said = parse_mail(argument, extended=exchange.extended)
    _note_brackets(exchange, said.path)
    limit = exchange.settings.max_message_size
    if (said.size or 0) > limit:
        raise Refused(ReplyName.MESSAGE_TOO_BIG, limit=str(limit))
    judge = exchange.judge
    if judge.has(Stage.MAIL) and judge(Stage.MAIL, exchange, sender=said.path.email):
        return Step.DROP
    if exchange.offers_tls_in_vain():
        exchange.wire.finding("starttls-offered-unused")
    discarded = judge.take_discard() or judge.discards_all
    exchange.begin_transaction(said, limit, DELIVERIES[verb], discarded=discarded)
    exchange.wire.reply(ReplyName.SENDER_OK, path=said.path.email)
    return Step.NEXT


def rcpt(exchange: Exchange, _: Verb, argument: str) -> Step:
    """RCPT: one more recipient."""
    transaction = exchange.current
    if exchange.state is State.MAIL:
        exchange.state = State.REFUSED
    said = parse_rcpt(argument, extended=exchange.extended, utf8=transaction.mail.is_utf8)
    path = said.path
    _note_brackets(exchange, path)
    judge = exchange.judge
    if judge.has(Stage.RCPT) and judge(Stage.RCPT, exchange, recipients=(path.email,)):
        return Step.DROP
    if judge.take_discard():
        transaction.dropped.add(path.identity)
    else:
        _admit(exchange, transaction, path)
        transaction.recipients.setdefault(path.identity, said)
    exchange.state = State.RCPT
    exchange.wire.reply(ReplyName.RECIPIENT_OK, path=path.email)
    return Step.NEXT


def data(exchange: Exchange, _verb: Verb, _argument: str) -> Step:
    """DATA: content comes, up to its true end."""
    transaction = exchange.current
    if transaction.mail.is_binary:
        raise Refused(ReplyName.BINARY_NEEDS_CHUNKS)
    return Step.DROP if exchange.judge_content(Stage.DATA, transaction) else Step.CONTENT


def bdat(exchange: Exchange, _: Verb, argument: str) -> Step:
    """BDAT: so many octets come."""
    exchange.chunk = parse_chunk(argument)
    if exchange.chunk.size > exchange.settings.max_message_size:
        raise Refused(ReplyName.CONTENT_FLOOD)
    if exchange.state is State.RCPT and exchange.judge_content(Stage.DATA, exchange.current):
        return Step.DROP
    exchange.state = State.CHUNKS
    return Step.CHUNK


def judge_whole(exchange: Exchange, transaction: Transaction) -> bool:
    """Raise `Refused` for what there is against a message that is right by itself; True: drop the connection."""
    dropped = exchange.judge_content(Stage.EOD, transaction)
    paths = [rcpt.path for rcpt in transaction.recipients.values()]
    if transaction.delivery == "terminal" and paths and not any(exchange.is_watched(path) for path in paths):
        raise Refused(ReplyName.NOBODY_WATCHES, path=paths[0].email)
    return dropped


def _check_session(exchange: Exchange) -> None:
    """Raise `Refused` when this session may not send mail, or no more of it."""
    if exchange.service.tls_required and exchange.tls is None:
        raise Refused(ReplyName.TLS_NEEDED)
    if exchange.service.auth_required and exchange.auth is None:
        raise Refused(ReplyName.AUTH_NEEDED)
    if exchange.transactions >= exchange.settings.max_transactions:
        raise Refused(ReplyName.TOO_MANY_TRANSACTIONS)


def _admit(exchange: Exchange, transaction: Transaction, path: Path) -> None:
    """Raise `Refused` unless mail for that path is taken."""
    directory = exchange.policy.directory
    standing = directory.standing(*path.identity)
    if standing is not Standing.OURS:
        unknown = standing is Standing.UNKNOWN
        raise Refused(ReplyName.UNKNOWN_USER if unknown else ReplyName.NOT_OUR_DOMAIN, path=path.email)
    limit = directory.max_size(path.domain)
    if limit is not None and (transaction.mail.size or 0) > limit:
        raise Refused(ReplyName.MESSAGE_TOO_BIG, limit=str(limit))
    if transaction.delivery == "terminal" and not exchange.is_watched(path):
        raise Refused(ReplyName.NOBODY_WATCHES, path=path.email)
    recipients = transaction.recipients
    if path.identity not in recipients and len(recipients) >= exchange.settings.max_recipients:
        raise Refused(ReplyName.TOO_MANY_RECIPIENTS)
    if limit is not None:
        transaction.limit = min(transaction.limit, limit)


def _note_brackets(exchange: Exchange, path: Path) -> None:
    if not path.bracketed:
        exchange.wire.finding("unbracketed-path")
