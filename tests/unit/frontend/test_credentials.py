"""Who may authenticate: the file, its errors, and that verifying never waits without bounds."""

import asyncio
import logging
import threading
from pathlib import Path

import argon2
import pytest

from mailscribe.errors import ConfigError, StoreUnavailable
from mailscribe.settings import Settings
from mailscribe.smtp import AuthRequested
from mailscribe_smtp import credentials
from mailscribe_smtp.assembly import open_verifier
from mailscribe_smtp.credentials import WAITING, Anybody, CredentialsFile, hashed, read_credentials
from mailscribe_smtp.entrance import Entrance


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real ones take 30 ms each."""
    monkeypatch.setattr(credentials, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "users"
    made.write_text(f"# users\n\nmable:{hashed(b'open sesame')}\njosé@x.test:{hashed(b'x')}\n", encoding="utf-8")
    return made


def write(path: Path, text: str | None) -> None:
    """Another text, or no file."""
    path.unlink()
    if text is not None:
        path.write_text(text)


async def test_verify(path: Path) -> None:
    users = CredentialsFile(path)
    assert await users.verify("mable", b"open sesame")
    assert await users.verify("josé@x.test", b"x")
    assert not await users.verify("mable", b"open sesam")
    assert not await users.verify("Mable", b"open sesame")
    assert not await users.verify("nobody", b"nobody")
    users.close()


async def test_a_changed_file_is_read_anew_and_a_bad_one_is_not(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    users = CredentialsFile(path)
    write(path, f"bob:{hashed(b'b')}\n")
    assert await users.verify("bob", b"b")
    assert not await users.verify("mable", b"open sesame")
    for text in ("nonsense\n", "bob:plain-text-secret\n"):
        write(path, text)
        with caplog.at_level(logging.ERROR):
            assert await users.verify("bob", b"b")
        assert "plain-text" not in caplog.text
    write(path, None)
    assert await users.verify("bob", b"b")
    users.close()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("mable\n", 1, "not USER:HASH"),
        ("# x\n:hash\n", 2, "not USER:HASH"),
        ("mable:secret\n", 1, "no argon2 hash"),
        ("a b:x\n", 1, "not USER:HASH"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    path = tmp_path / "users"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f":{line}: {reason}") as raised:
        read_credentials(path)
    assert "secret" not in str(raised.value)


def test_a_user_twice_and_no_file(path: Path, tmp_path: Path) -> None:
    path.write_text(f"a:{hashed(b'a')}\na:{hashed(b'b')}\n")
    with pytest.raises(ConfigError, match="twice"):
        read_credentials(path)
    with pytest.raises(ConfigError, match="nowhere"):
        CredentialsFile(tmp_path / "nowhere")


async def test_no_more_than_so_many_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users, go = CredentialsFile(path), threading.Event()
    monkeypatch.setattr(credentials, "_fits", lambda *_: go.wait(30))
    waiting = [asyncio.create_task(users.verify("mable", b"x")) for _ in range(WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable):
        await users.verify("mable", b"x")
    assert await Entrance(verifier=users).verified(AuthRequested("PLAIN", "mable", b"x")) is None
    go.set()
    assert await asyncio.gather(*waiting) == [True] * WAITING
    monkeypatch.undo()
    users.close()


async def test_which_verifier(path: Path) -> None:
    assert open_verifier(Settings()) is None
    assert isinstance(open_verifier(Settings(auth="any")), Anybody)
    users = open_verifier(Settings(auth=str(path)))
    assert isinstance(users, CredentialsFile)
    users.close()
    named = open_verifier(Settings(auth_users=f"bob:{hashed(b'b')}\n"))
    assert named is not None
    assert await named.verify("bob", b"b")
    assert not await named.verify("bob", b"c")
    with pytest.raises(ConfigError, match="MAILSCRIBE_AUTH_USERS:1: not USER:HASH"):
        open_verifier(Settings(auth_users="x"))
    asked = AuthRequested("PLAIN", "anybody", b"anything")
    assert await Entrance(verifier=Anybody()).verified(asked) is True
    assert await Entrance().verified(asked) is False


async def test_a_broken_verifier_is_nobodys_fault(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        async def verify(self, user: str, secret: bytes) -> bool:
            raise RuntimeError(f"{user} broke it")

    assert await Entrance(verifier=Broken()).verified(AuthRequested("PLAIN", "mable", b"sesame")) is None
    assert "sesame" not in caplog.text


def test_real_hashes_are_argon2id() -> None:
    assert argon2.PasswordHasher().hash(b"x").startswith("$argon2id$")
