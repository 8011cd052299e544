"""TLS, AUTH and rules' delays over real sockets, on asyncio's loop and on uvloop."""

import asyncio
import contextlib
import shutil
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import uvloop
from msgspec import UNSET, structs

from mailscribe.ids import UlidFactory
from mailscribe.records import Tls
from mailscribe.smtp import NoteEvent, Service, read_transcript, turns
from mailscribe.store.keys import session_key
from mailscribe_smtp.certificate import Certificate, make_context
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.hub import SessionEnded
from mailscribe_smtp.metrics import Metrics
from mailscribe_smtp.server import SmtpServer
from support.frontend import LOCAL, QUICK
from support.spools import MemorySpool
from support.tls import self_signed

MESSAGE = b"Subject: over TLS\r\n\r\nhello\r\n"


class OneUser:
    """Knows mable."""

    async def verify(self, user: str, secret: bytes) -> bool:
        return (user, secret) == ("mable", b"open sesame")


@dataclass
class Threaded:
    """A server in a thread of its own, so that blocking clients can be used."""

    address: tuple[str, int]
    spool: MemorySpool
    ended: list[SessionEnded]
    gone: threading.Semaphore
    metrics: Metrics

    def last(self) -> bytes:
        """The transcript of the session that ended last, once it has."""
        assert self.gone.acquire(timeout=20)
        return self.spool.objects[session_key(self.ended[-1].id)]


@contextlib.contextmanager
def serving(
    loop_of: str, service: Service, certificate: Path, *, context: Callable[[], ssl.SSLContext] | None = None
) -> Iterator[Threaded]:
    own = make_context(certificate, certificate)
    entrance = Entrance(service=service, tls=context or (lambda: own), verifier=OneUser())
    made, ended, gone = threading.Event(), [], threading.Semaphore(0)
    found: list[Threaded] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def on_session(session: SessionEnded) -> None:
        ended.append(session)
        gone.release()

    async def serve() -> None:
        spool, metrics = MemorySpool(), Metrics()
        server = SmtpServer(
            replace(LOCAL, put_timeout=5),
            spool,
            new_id=UlidFactory(),
            on_session=on_session,
            timing=QUICK,
            metrics=metrics,
        )
        address = await server.start("127.0.0.1", 0, entrance)
        found.append(Threaded(address, spool, ended, gone, metrics))
        stop.append((asyncio.get_running_loop(), asyncio.Event()))
        made.set()
        await stop[0][1].wait()
        await server.drain()

    runner = uvloop.run if loop_of == "uvloop" else asyncio.run
    thread = threading.Thread(target=lambda: runner(serve()))
    thread.start()
    assert made.wait(20)
    try:
        yield found[0]
    finally:
        stop[0][0].call_soon_threadsafe(stop[0][1].set)
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_of(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


SUBMISSION = Service(name="submission", starttls=True, auth=True, auth_required=True)


def test_starttls_and_auth(loop_of: str, certificate: Path) -> None:
    with serving(loop_of, SUBMISSION, certificate) as running:
        with smtplib.SMTP(*running.address, local_hostname="c.test", timeout=20) as client:
            assert client.ehlo()[0] == 250
            assert not client.has_extn("auth")
            client.starttls(context=trusting(certificate))
            client.ehlo()
            assert not client.has_extn("starttls")
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("mable", "wrong")
            client.login("mable", "open sesame")
            client.sendmail("a@b.test", ["c@test.org"], MESSAGE)
        transcript = read_transcript(running.last())
    [tls, auth] = [event.note for event in transcript.events if isinstance(event, NoteEvent) and not event.note.finding]
    assert tls.tls
    assert tls.tls.version == "TLSv1.3"
    assert tls.tls.cipher.startswith("TLS_")
    assert tls.tls.sni is None  # an address is never asked for by name (RFC 6066 section 3)
    assert auth.auth
    assert auth.auth.user == "mable"
    assert [turn.verb for turn in turns(transcript)][:4] == [None, "EHLO", "STARTTLS", "EHLO"]
    assert transcript.end
    assert transcript.end.end == "quit"
    assert set(transcript.end.outcome) == {"delivered", "auth-failed"}
    counted = running.metrics.snapshot().numbers
    assert counted["mailscribe_tls_total", ("TLSv1.3",)] == 1
    assert counted["mailscribe_auth_total", ("accepted",)] == 1
    assert counted["mailscribe_auth_total", ("rejected",)] == 2, "smtplib tries every mechanism"
    assert (running.ended[0].tls, running.ended[0].user) == ("TLSv1.3", "mable")


def test_implicit_tls(loop_of: str, certificate: Path) -> None:
    service = replace_service(SUBMISSION, starttls=False, implicit_tls=True)
    with serving(loop_of, service, certificate) as running:
        with smtplib.SMTP_SSL(*running.address, context=trusting(certificate), timeout=20) as client:
            client.login("mable", "open sesame")
            client.sendmail("a@b.test", ["c@test.org"], MESSAGE * 20_000)
        transcript = read_transcript(running.last())
        [message] = running.spool.messages
        assert message.endswith(MESSAGE * 20_000)
    assert transcript.end
    assert transcript.end.outcome == ("delivered",)


def replace_service(service: Service, **changes: object) -> Service:
    return structs.replace(service, **changes)


def test_the_name_that_was_asked_for(loop_of: str, certificate: Path) -> None:
    service = replace_service(SUBMISSION, starttls=False, implicit_tls=True)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with serving(loop_of, service, certificate) as running:
        with (
            socket.create_connection(running.address, 20) as plain,
            context.wrap_socket(plain, server_hostname="mail.test.org") as client,
        ):
            assert client.recv(100).startswith(b"220 ")
            client.sendall(b"QUIT\r\n")
            assert client.recv(100).startswith(b"221 ")
            assert client.recv(100) == b""
        transcript = read_transcript(running.last())
    [tls] = [
        event.note.tls for event in transcript.events if isinstance(event, NoteEvent) and event.note.tls is not UNSET
    ]
    assert isinstance(tls, Tls)
    assert tls.sni == "mail.test.org"


@pytest.mark.parametrize("implicit", [False, True])
def test_a_handshake_that_fails_is_a_session_all_the_same(loop_of: str, certificate: Path, implicit: bool) -> None:
    service = replace_service(SUBMISSION, starttls=not implicit, implicit_tls=implicit)
    with serving(loop_of, service, certificate) as running:
        with socket.create_connection(running.address, 20) as client:
            if not implicit:
                stream = client.makefile("rwb")
                assert stream.readline().startswith(b"220 ")
                for command in (b"EHLO c.test\r\n", b"STARTTLS\r\n"):
                    stream.write(command)
                    stream.flush()
                    while (line := stream.readline())[3:4] == b"-":
                        pass
                    assert line[:1] == b"2"
            client.sendall(b"GET / HTTP/1.1\r\nHost: mail\r\n\r\n" * 3)
            with contextlib.suppress(ConnectionError):
                while client.recv(4096):
                    pass
        transcript = read_transcript(running.last())
        assert running.metrics.snapshot().numbers["mailscribe_tls_total", ("failed",)] == 1
    assert transcript.end
    assert transcript.end.outcome == ("tls-failed",)
    notes = [event.note for event in transcript.events if isinstance(event, NoteEvent)]
    assert any(note.tls_failed for note in notes)


def test_a_client_that_leaves_in_the_handshake(loop_of: str, certificate: Path) -> None:
    service = replace_service(SUBMISSION, starttls=False, implicit_tls=True)
    with serving(loop_of, service, certificate) as running:
        with socket.create_connection(running.address, 20) as client:
            client.sendall(b"\x16\x03\x01")
        transcript = read_transcript(running.last())
    assert transcript.end
    assert transcript.end.outcome == ("tls-failed",)


def test_a_renewed_certificate_is_for_the_next_connection_and_sessions_last(tmp_path: Path) -> None:
    path = self_signed(tmp_path, "127.0.0.1")
    certificate = Certificate(path, path)
    service = replace_service(SUBMISSION, starttls=False, implicit_tls=True)
    with serving("uvloop", service, path, context=certificate.context) as running:
        before = smtplib.SMTP_SSL(*running.address, context=trusting(path), timeout=20)
        before.ehlo()
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(self_signed(other, "127.0.0.1"), path)
        assert certificate.refresh()
        with smtplib.SMTP_SSL(*running.address, context=trusting(path), timeout=20) as after:
            after.ehlo()
            assert isinstance(before.sock, ssl.SSLSocket)
            assert isinstance(after.sock, ssl.SSLSocket)
            assert before.sock.getpeercert(True) != after.sock.getpeercert(True)
        assert before.noop()[0] == 250
        before.quit()
