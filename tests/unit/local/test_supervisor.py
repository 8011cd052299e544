"""Before the event loop runs: a signal ends `up` with 0, and what was taken is given back."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailscribe.errors import ConfigError
from mailscribe.settings import Settings
from mailscribe_local.stack import supervisor
from mailscribe_local.stack.backend import Backend
from mailscribe_local.stack.lock import DataLock
from mailscribe_local.stack.options import Address, Options


def _options(data: Path) -> Options:
    loopback = Address("127.0.0.1", 0)
    return Options(smtp=loopback, http=loopback, data=data, backend="embedded", token="local")


def _never(*_: object) -> None:
    pytest.fail("nothing was started")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_backend_is_made_ends_it(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = False

    @contextlib.contextmanager
    def slow(options: Options, environ: dict[str, str], say: Callable[[str], None]) -> Iterator[Backend]:
        nonlocal ended
        try:
            os.kill(os.getpid(), number)
            yield Backend(Settings(), {})
        finally:
            ended = True

    monkeypatch.setattr(supervisor, "open_backend", slow)
    former = signal.getsignal(number)
    with pytest.raises(SystemExit) as caught:
        supervisor.run(_options(tmp_path), {}, _never, _never)
    assert caught.value.code == 0
    assert signal.getsignal(number) is former
    assert ended
    DataLock(tmp_path).close()


def test_a_setting_that_cannot_be_used_is_said_and_the_folder_is_free(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MAILSCRIBE_MAX_MESSAGE_SIZE"):
        supervisor.run(_options(tmp_path), {"MAILSCRIBE_MAX_MESSAGE_SIZE": "big"}, _never, _never)
    DataLock(tmp_path).close()


def test_records_that_are_none_are_said(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_text("this is no database, and long enough to be seen as none\n" * 100)
    with pytest.raises(ConfigError, match=r"records\.sqlite: not a database"):
        supervisor.run(_options(tmp_path), {}, _never, _never)
