"""`directory check` and `credentials`: what they say, what they write, and what nobody gets to see."""

import io
from pathlib import Path

import pytest

from mailscribe_local.cli import main
from mailscribe_smtp.credentials import CredentialsFile, read_credentials


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


@pytest.mark.parametrize(("user", "password"), [("mable", ""), ("a b", "x"), ("", "x"), ("a:b", "x")])
def test_what_cannot_be_a_user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, user: str, password: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    assert main(["credentials", str(tmp_path / "users"), user]) == 2
    assert not (tmp_path / "users").exists()
    assert "mailscribe credentials: " in capsys.readouterr().err
