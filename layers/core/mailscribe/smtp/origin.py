"""Where a message comes from: what its trace block says of the session, put together from those who know it."""

from datetime import datetime

from msgspec import Struct

from mailscribe.records import Client, SessionLink
from mailscribe.smtp.event import Peer
from mailscribe.smtp.exchange import Exchange
from mailscribe.smtp.trace import TraceFacts
from mailscribe.smtp.transaction import Transaction


class Origin(Struct, frozen=True):
    """A session, as it was when it was opened."""

    session_id: str
    peer: Peer
    host: str
    opened: datetime


def client_of(peer: Peer) -> Client:
    """The peer as it is recorded."""
    return Client(ip=peer.ip, port=peer.port, name=peer.name) if peer.name else Client(ip=peer.ip, port=peer.port)


def trace_facts(ulid: str, origin: Origin, exchange: Exchange, transaction: Transaction) -> TraceFacts:
    """What the block of message `ulid` says."""
    return TraceFacts(
        id=ulid,
        envelope=transaction.envelope(),
        delivered_to=transaction.delivered_to(exchange.policy.directory),
        delivery=transaction.delivery,
        session=SessionLink(id=origin.session_id, transaction=transaction.number),
        client=client_of(origin.peer),
        helo=exchange.helo,
        extended=exchange.extended,
        tls=exchange.tls,
        auth=exchange.auth,
        listener=origin.peer.listener,
        host=origin.host,
        opened=origin.opened,
    )
