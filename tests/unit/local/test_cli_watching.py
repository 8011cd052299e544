"""Ctrl-C while mail is watched: it takes effect between two messages."""

import os
import signal

import pytest

from mailscribe_local.cli.watching import _Interrupts


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_while_waiting_takes_effect_at_once() -> None:
    with _Interrupts() as interrupts, pytest.raises(KeyboardInterrupt), interrupts.waiting():
        _interrupt()


def test_ctrl_c_within_a_message_takes_effect_after_it() -> None:
    shown = []
    with _Interrupts() as interrupts:
        with interrupts.waiting():
            pass
        _interrupt()
        shown.append("whole")
        with pytest.raises(KeyboardInterrupt), interrupts.waiting():
            shown.append("more")
    assert shown == ["whole"]


def test_ctrl_c_twice_takes_effect_at_once() -> None:
    with _Interrupts():
        _interrupt()
        with pytest.raises(KeyboardInterrupt):
            _interrupt()


def test_ctrl_c_is_as_it_was_afterwards() -> None:
    former = signal.getsignal(signal.SIGINT)
    with _Interrupts():
        assert signal.getsignal(signal.SIGINT) != former
    assert signal.getsignal(signal.SIGINT) == former
