"""`directory check` and `credentials`: what they say, what they write, and what nobody gets to see."""

import io
from pathlib import Path

import pytest

from mailscribe_local.cli import main
from mailscribe_smtp.credentials import CredentialsFile, read_credentials
from support.terminal import on_terminal


def test_a_directory_is_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "directory.yaml"
    path.write_text("domains: [x.test]\nmailboxes: {a@x.test: A, b@x.test: }\naliases: {c@x.test: a@x.test}\n")
    assert main(["directory", "check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: 1 domains, 2 mailboxes, 1 aliases, 0 lists; disclosure none\n"


@pytest.mark.parametrize(
    ("data", "reason"), [(b"domains: [\n", ":1: "), (b"#\n\xff", ":2: no UTF-8"), (None, "No such file")]
)
def test_what_is_wrong_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes | None, reason: str
) -> None:
    path = tmp_path / "directory.yaml"
    if data is not None:
        path.write_bytes(data)
    assert main(["directory", "check", str(path)]) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["check"], ["check", "a", "b"], ["chekc", "a"]])
def test_what_was_not_understood(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["directory", *words])
    assert ended.value.code == 2
    assert "try: mailscribe" in capsys.readouterr().err


async def test_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "users"
    for user, password, word in (("mable", "first", "added"), ("bob", "b", "added"), ("mable", "second", "changed")):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\nmore\n"))
        assert main(["credentials", str(path), user]) == 0
        said = capsys.readouterr()
        assert said.out == f"{path}: {user} {word}\n"
        assert password not in said.out + said.err or password == "b"
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(read_credentials(path)) == ["bob", "mable"]
    users = CredentialsFile(path)
    assert await users.verify("mable", b"second")
    assert not await users.verify("mable", b"first")
    users.close()


@pytest.mark.parametrize(
    ("user", "password"), [("mable", ""), ("a b", "x"), ("", "x"), ("a:b", "x"), ("#a", "x"), ("mable", "\udcff")]
)
def test_what_cannot_be_a_user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, user: str, password: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    assert main(["credentials", str(tmp_path / "users"), user]) == 2
    assert not (tmp_path / "users").exists()
    assert "mailscribe credentials: " in capsys.readouterr().err


def test_a_file_that_cannot_be_read_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users"
    for data, reason in ((b"\xff\n", "no UTF-8"), (b"mable\n", ":1: not USER:HASH")):
        path.write_bytes(data)
        monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
        assert main(["credentials", str(path), "mable"]) == 2
        assert reason in capsys.readouterr().err
        assert path.read_bytes() == data


@pytest.mark.parametrize("place", ["nowhere/users", "."])
def test_a_place_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert main(["credentials", str(tmp_path / place), "mable"]) == 1
    assert "directory" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link_and_nothing_beside_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, link, other = tmp_path / "real", tmp_path / "link", tmp_path / "other"
    link.symlink_to(real)
    other.write_text("precious")
    (tmp_path / ".real.new").symlink_to(other)
    for user in ("mable", "bob"):
        monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
        assert main(["credentials", str(link), user]) == 0
    assert link.is_symlink()
    assert sorted(read_credentials(real)) == ["bob", "mable"]
    assert other.read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 4


def test_nothing_is_left_of_a_write_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "users"
    monkeypatch.setattr("sys.stdin", io.StringIO("first\n"))
    assert main(["credentials", str(path), "mable"]) == 0
    before = path.read_bytes()
    for step in ("mailscribe_local.durable.os.write", "pathlib.Path.replace"):
        with monkeypatch.context() as broken:
            broken.setattr(step, fail)
            broken.setattr("sys.stdin", io.StringIO("second\n"))
            assert main(["credentials", str(path), "mable"]) == 1
        assert capsys.readouterr().err == f"mailscribe credentials: {path}: No space left on device\n"
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


def test_without_standard_input_there_is_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert main(["credentials", str(tmp_path / "users"), "mable"]) == 2
    assert "an empty password is none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("first", "second", "code", "words"),
    [
        ("secret\n", "secret\n", 0, "mable added"),
        ("secret\n", "secrte\n", 2, "the two are not the same"),
        ("\x04", "", 2, "nothing more to read"),
        ("secret\n", "\x04", 2, "nothing more to read"),
    ],
)
def test_a_terminal_is_asked_twice_and_shows_nothing(
    tmp_path: Path, first: str, second: str, code: int, words: str
) -> None:
    path = tmp_path / "users"
    with on_terminal("credentials", str(path), "mable", columns=400) as terminal:
        terminal.wait_for("Password: ")  # a prompt comes when echo is off
        terminal.type(first)
        if second:
            terminal.wait_for("Again: ")
            terminal.type(second)
        assert terminal.end() == code
    assert words in terminal.shown
    assert "secret" not in terminal.shown
    assert path.exists() == (code == 0)
