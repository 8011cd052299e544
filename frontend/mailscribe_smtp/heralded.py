"""A connection that a proxy announces: its PROXY header is read whole before there is a session.

Who speaks, the header says; so what comes from nobody who is believed, and what is no header or none in time, ends the
connection without a word and without a record. Not an octet is read beyond the header: the next may be a handshake.
"""

from mailscribe_smtp.proxy import SECONDS, BadHeader, Trusted, read_header
from mailscribe_smtp.reading import Reading


class Heralded(Reading):
    """The beginning of a connection."""

    __slots__ = ()

    def _begin(self, ip: str, port: int, proxied: str = "") -> None:
        """It is known who speaks."""
        raise NotImplementedError

    def _await_header(self, proxy: str, trusted: Trusted) -> None:
        self._heading = bytearray()
        if proxy in trusted:
            self._hub.loop.call_later(SECONDS, self._give_up_waiting)
        else:
            self._give_up_waiting()

    def _give_up_waiting(self) -> None:
        if self._heading is not None and self._transport is not None:
            self._hub.counts.dropped += 1
            self._transport.abort()

    def _read_header(self, data: memoryview) -> None:
        if self._heading is None or self._transport is None:
            return
        self._heading += data
        try:
            found = read_header(bytes(self._heading))
        except BadHeader:
            self._give_up_waiting()
            return
        if found is not None:
            self._heading = None
            address = found[0].client or self._transport.get_extra_info("peername")
            self._begin(address[0], address[1], found[0].text)
