"""The policy in force: files that change, sets that the API keeps, and that what is bad changes nothing."""

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from mailscribe.errors import ConfigError, StoreUnavailable
from mailscribe.policy import Facts, Stage, Standing
from mailscribe.policy.document import MAX_TEXT
from mailscribe.settings import Settings
from mailscribe.store.keys import presence_key
from mailscribe_local.folder_config import FolderConfig
from mailscribe_smtp.bucket_config import BucketConfig
from mailscribe_smtp.policy_source import PolicySource

NOW = datetime.now(UTC)
PRESENT = json.dumps({"address": "bob@x.test", "expires": "2999-01-01T00:00:00Z"}).encode()
PAST = json.dumps({"address": "bob@x.test", "expires": "1999-01-01T00:00:00Z"}).encode()


def document(*rules: object) -> bytes:
    return json.dumps({"rules": list(rules)}).encode()


def asked(source: PolicySource) -> str:
    return source.policy.rules.judge(Stage.MAIL, Facts(source="::1", sender="a@b.test"), NOW).rule


def test_files_are_read_and_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory, rules = tmp_path / "directory.yaml", tmp_path / "rules.yaml"
    directory.write_text("domains: [a.test]\n")
    rules.write_text("- {at: mail, discard: true}\n")
    source = PolicySource(Settings(directory=str(directory), rules=str(rules), domains=("*",)))
    assert source.policy.directory.standing("x", "b.test") is Standing.NOT_OURS
    assert asked(source) == "file#0"
    directory.write_text("domains: [a.test, b.test]\n")
    rules.write_text("[]\n")
    source.refresh()
    assert source.policy.directory.standing("x", "b.test") is Standing.OURS
    assert asked(source) == ""
    directory.write_text("domains: [a.test\n")
    rules.unlink()
    with caplog.at_level(logging.ERROR):
        source.refresh()
        source.refresh()
    assert source.policy.directory.standing("x", "b.test") is Standing.OURS
    assert caplog.text.count("directory.yaml:") == 1


@pytest.mark.parametrize("text", ["domains: [", "disclosure: all\n"])
def test_a_bad_file_at_the_start_is_an_error_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "directory.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"directory.yaml:\d+: "):
        PolicySource(Settings(directory=str(path)))
    with pytest.raises(ConfigError, match="nowhere"):
        PolicySource(Settings(rules=str(tmp_path / "nowhere")))


def test_a_file_that_cannot_be_opened_yet_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("- {at: mail, discard: true}\n")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", denied)
        with pytest.raises(ConfigError, match="denied"):
            PolicySource(Settings(rules=str(path)))
    source = PolicySource(Settings(rules=str(path)))
    path.write_text("[]\n")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", denied)
        source.refresh()
    assert asked(source) == "file#0"
    source.refresh()
    assert asked(source) == ""


def denied(*_: object) -> None:
    raise PermissionError(13, "denied")


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"[]\n\xff", "rules.yaml:2: no UTF-8"), (b"#" * (MAX_TEXT + 1), "rules.yaml:1: longer than")],
)
def test_octets_that_are_no_rules_change_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes, reason: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("- {at: mail, discard: true}\n")
    source = PolicySource(Settings(rules=str(path)))
    path.write_bytes(data)
    source.refresh()
    source.refresh()
    assert asked(source) == "file#0"
    assert caplog.text.count(reason) == 1


def test_sets_come_before_the_file_in_the_order_of_their_names(caplog: pytest.LogCaptureFixture) -> None:
    source = PolicySource(Settings())
    source.take_sets({"b": document({"at": "mail", "accept": True}), "a": document({"at": "mail", "discard": True})})
    assert asked(source) == "a#0"
    source.take_sets({"b": document({"at": "mail", "accept": True}), "a": b"{"})
    assert asked(source) == "a#0"
    source.take_sets({"b": document({"at": "mail", "accept": True})})
    assert asked(source) == "b#0"
    for bad in (b"", b"[]", b'{"rules":[{"at":"x"}]}', b'{"rules":[7]}', b"\xff", b'{"rules":' + b"[" * 9999):
        source.take_sets({"b": bad})
        assert asked(source) == "b#0"
    source.take_sets({})
    assert asked(source) == ""


def test_a_folder_is_looked_at_before_each_session(tmp_path: Path) -> None:
    source = PolicySource(Settings())
    config = FolderConfig(source, tmp_path)
    folder = tmp_path / "config" / "rules"
    folder.mkdir(parents=True)
    (folder / "tests.json").write_bytes(document({"at": "mail", "discard": True}))
    config.refresh()
    assert asked(source) == "tests#0"
    (folder / "tests.json").unlink()
    config.refresh()
    assert asked(source) == ""
    moment = folder.stat().st_mtime_ns + 3_600 * 10**9
    os.utime(folder, ns=(moment, moment))
    config.refresh()
    (folder / "more.json").write_bytes(document({"at": "mail", "discard": True}))
    os.utime(folder, ns=(moment, moment))  # as where the clock has not moved on in between
    config.refresh()
    assert asked(source) == "more#0"
    (folder / "more.json").unlink()
    present = tmp_path / presence_key("Bob@x.test")
    present.parent.mkdir(parents=True)
    assert not source.policy.is_watched("bob@x.test")
    for data, watched in ((PRESENT, True), (PAST, False), (b"{", False), (b"", False)):
        present.write_bytes(data)
        assert source.policy.is_watched("bob@x.test") is watched


async def test_a_bucket_is_polled(caplog: pytest.LogCaptureFixture) -> None:
    source, store = PolicySource(Settings()), MemoryStore()
    config = BucketConfig(source, store)
    obstore.put(store, "config/rules/tests.json", document({"at": "mail", "discard": True}))
    obstore.put(store, "config/directory.yaml", b"domains: [a.test]\n")
    obstore.put(store, presence_key("bob@x.test"), PRESENT)
    await config.refresh()
    assert asked(source) == "tests#0"
    assert source.policy.directory.standing("x", "a.test") is Standing.OURS
    assert source.policy.is_watched("bob@x.test")
    obstore.delete(store, "config/rules/tests.json")
    obstore.put(store, "config/directory.yaml", b"domains: [\n")
    obstore.delete(store, presence_key("bob@x.test"))
    await config.refresh()
    assert asked(source) == ""
    assert source.policy.directory.standing("x", "a.test") is Standing.OURS
    assert not source.policy.is_watched("bob@x.test")


async def test_a_front_end_does_not_start_without_its_directory(caplog: pytest.LogCaptureFixture) -> None:
    source, store = PolicySource(Settings()), MemoryStore()
    obstore.put(store, "config/rules/tests.json", document({"at": "mail", "discard": True}))
    obstore.put(store, "config/directory.yaml", b"domains: [\n")
    with pytest.raises(ConfigError, match=r"config/directory.yaml:\d+: "):
        await BucketConfig(source, store).open()
    obstore.put(store, "config/directory.yaml", b"domains: [a.test]\n")
    await BucketConfig(source, store).open()
    assert source.policy.directory.standing("x", "a.test") is Standing.OURS
    assert asked(source) == "tests#0"


async def test_a_front_end_does_not_start_when_the_bucket_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    obstore.put(store, "config/directory.yaml", b"domains: [a.test]\n")

    async def fail(*_: object) -> None:
        raise OSError("no route\nand a long story")

    config = BucketConfig(PolicySource(Settings()), store)
    await config.open()
    obstore.put(store, "config/directory.yaml", b"domains: []\n")
    monkeypatch.setattr(obstore, "get_async", fail)
    with pytest.raises(StoreUnavailable, match=r"^config/ cannot be read: no route$"):
        await BucketConfig(PolicySource(Settings()), store).open()
    await config.refresh()
    assert "config/ cannot be read: no route" in caplog.text
