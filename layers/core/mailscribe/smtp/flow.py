"""The flow of one session: which octets are commands, which are content, and what comes after what.

The inner side of `session.Session`, which is what a driver sees. Replies and order of commands are the exchange's,
content is the intake's; here is what they have to wait for, and how a session ends.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from mailscribe.policy import Policy, Stage
from mailscribe.records import SessionEnd
from mailscribe.settings import Settings
from mailscribe.smtp.answering import answer
from mailscribe.smtp.content import ContentFacts
from mailscribe.smtp.event import (
    AuthRequested,
    Closing,
    ContentAborted,
    ContentEnded,
    Event,
    Observer,
    Pause,
    Peer,
    TlsRequested,
)
from mailscribe.smtp.exchange import Exchange, Step
from mailscribe.smtp.intake import Found, Intake
from mailscribe.smtp.judging import Judge, policy_of
from mailscribe.smtp.lines import LineBuffer
from mailscribe.smtp.mailing import judge_whole
from mailscribe.smtp.origin import Origin, client_of, trace_facts
from mailscribe.smtp.phase import AWAITED, Phase
from mailscribe.smtp.reception import Reception
from mailscribe.smtp.recorder import Fate, Recorder
from mailscribe.smtp.reply import REPLIES, Refused, ReplyName, ReplyRule, render
from mailscribe.smtp.sasl import MAX_LINE
from mailscribe.smtp.service import Service
from mailscribe.smtp.state import State
from mailscribe.smtp.timer import Timers
from mailscribe.smtp.trace import compose_trace
from mailscribe.smtp.transaction import Transaction
from mailscribe.smtp.transcript import StoredHeader
from mailscribe.smtp.wire import Wire

_PLAIN: Final = Service()
_ADMITTED: Final = render(ReplyName.START_CONTENT)
"""What will have been said to DATA when its message is read."""


class Flow:
    """See the module."""

    __slots__ = (
        "_draining",
        "_eof",
        "_events",
        "_exchange",
        "_greeting",
        "_input",
        "_intake",
        "_new_id",
        "_opened",
        "_peer",
        "_phase",
        "_policy",
        "_recorder",
        "_service",
        "_session_id",
        "_settings",
        "_step",
        "_timers",
        "_wire",
    )

    def __init__(  # noqa: PLR0913 - the driver gives all that the machine may not have by itself
        self,
        settings: Settings,
        peer: Peer,
        *,
        session_id: str,
        opened: datetime,
        new_id: Callable[[], str],
        service: Service = _PLAIN,
        policy: Policy | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._session_id = session_id
        self._settings = settings
        self._service = service
        self._policy = policy or policy_of(settings.domains)
        self._peer = peer
        self._opened = opened.replace(microsecond=opened.microsecond // 1000 * 1000)  # as precise as it is stored
        self._new_id = new_id
        header = StoredHeader(1, session_id, client_of(peer), peer.listener, settings.hostname, self._opened)
        self._recorder = Recorder(settings, header, observer)
        self._wire = Wire(settings.hostname, self._recorder)
        self._events: list[Event] = []
        emit = self._events.append
        judge = Judge(self._policy, self._wire, emit, source=peer.ip, opened=self._opened)
        self._exchange = Exchange(settings, service, self._policy, self._wire, judge)
        self._timers = Timers(settings)
        self._input = LineBuffer(MAX_LINE if service.auth else settings.max_command_line)
        self._intake = Intake(settings, self._input, self._wire, emit)
        self._phase = Phase.BEFORE
        self._greeting: ReplyName | Refused = ReplyName.GREETING
        self._step = Step.NEXT
        self._eof = False
        self._draining = False

    # commands

    def _judge_connection(self) -> Step:
        judge = self._exchange.judge
        try:
            if judge.has(Stage.CONNECT) and judge(Stage.CONNECT, self._exchange):
                return Step.DROP
        except Refused as refused:
            self._greeting = refused
        return Step.GREET

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            phase = self._phase
            if phase is Phase.COMMANDS:
                goes_on = self._run_command()
            elif phase is Phase.CONTENT:
                goes_on = self._run_content()
            else:
                goes_on = phase is Phase.SKIP and self._run_skip()

    def _run_command(self) -> bool:
        line = self._input.next_line()
        if line is None:
            return False
        step = answer(self._exchange, line, behind=len(self._input) > 0)
        self._timers.command(self._wire.now)
        if self._intake.reception is not None and self._exchange.transaction is None:
            self._intake.drop()
        self._go(step)
        if self._draining and self._phase is Phase.COMMANDS:
            self._stop_if_told()
        return True

    def _go(self, step: Step) -> None:
        """Do what a command asks for, after the pause that a rule asks for."""
        if self._wire.pause:
            self._step, self._phase = step, Phase.PAUSED
            self._events.append(Pause(self._wire.pause))
        elif step is not Step.NEXT:
            _STEPS[step](self)

    def _resume(self) -> None:
        """Go on with commands after the driver's answer."""
        self._phase = Phase.COMMANDS
        self._timers.command(self._wire.now)
        self._stop_if_told()
        self._run()
        if self._eof and self._phase not in AWAITED:
            self._close("aborted", "client", "connection lost")

    def _resume_if_free(self) -> None:
        if self._phase is Phase.COMMANDS:
            self._resume()
        else:
            self._run()

    def _authenticated(self, name: ReplyName, t: int) -> None:
        self._wire.now = t
        if self._phase is Phase.AUTH:
            self._phase = Phase.COMMANDS
            self._go(self._exchange.authenticated(name))
            self._resume_if_free()

    # content

    def _start_content(self) -> None:
        self._begin_content(chunks=False)

    def _start_chunk(self) -> None:
        if self._intake.reception is None:
            self._begin_content(chunks=True)
        else:
            self._enter_chunk()

    def _begin_content(self, *, chunks: bool) -> None:
        transaction = self._exchange.transaction
        if transaction is None:
            raise AssertionError("content outside a transaction")
        ulid = self._new_id()
        self._phase = Phase.ADMISSION
        self._intake.begin(ulid, transaction, self._trace(ulid, transaction, chunks=chunks), chunks=chunks)

    def _enter_chunk(self) -> None:
        chunk, reception = self._exchange.chunk, self._intake.current
        if not reception.begin_chunk(chunk.size, last=chunk.last):
            self._intake.drop()
            self._skip_chunk(Refused(ReplyName.MESSAGE_TOO_BIG, limit=str(reception.receiver.limit)))
            return
        self._phase = Phase.CONTENT
        self._timers.content(self._wire.now)

    def _skip_chunk(self, refused: Refused) -> None:
        self._exchange.refused = refused
        self._skip()

    def _skip(self) -> None:
        self._intake.throw_away(self._exchange.chunk)
        self._phase = Phase.SKIP
        self._timers.content(self._wire.now)

    def _run_skip(self) -> bool:
        self._timers.block(self._wire.now, len(self._input))
        if not self._intake.skip():
            return False
        self._phase = Phase.COMMANDS
        self._timers.command(self._wire.now)
        step = self._exchange.skipped()
        if self._exchange.transaction is None:
            self._intake.drop()
        self._go(step)
        return True

    def _run_content(self) -> bool:
        reception = self._intake.current
        if not len(self._input) and reception.left + (not reception.chunks):
            return False
        self._timers.block(self._wire.now, len(self._input))
        found = self._intake.take()
        if found is Found.FLOOD:
            self._close_with(ReplyName.CONTENT_FLOOD, "policy")
        elif found is Found.END:
            self._judge_content()
        elif found is Found.CHUNK:
            self._end_chunk()
        return found is not Found.MORE

    def _end_chunk(self) -> None:
        self._intake.record(Fate(None, accepted=True))
        self._wire.reply(ReplyName.CHUNK_OK, octets=str(self._exchange.chunk.size))
        self._phase = Phase.COMMANDS
        self._timers.command(self._wire.now)

    def _judge_content(self) -> None:
        """The true end is there: refuse, or let the driver store."""
        reception = self._intake.current
        facts = reception.end(self._wire.now)
        self._phase = Phase.COMMIT
        try:
            if facts.refusal is not None:
                refused = Refused(facts.refusal, limit=str(reception.receiver.limit))
                self._refuse_content(reception, facts, refused)
                return
            dropped = judge_whole(self._exchange, reception.transaction)
        except Refused as refused:
            self._refuse_content(reception, facts, refused)
            return
        if dropped:
            self._drop_connection()
        elif reception.transaction.is_discarded:
            self._events.append(ContentAborted(reception.id))
            self._exchange.accepted()
            self._end_content(ReplyName.MESSAGE_ACCEPTED, Fate(None, discarded=True))
        else:
            self._events.append(ContentEnded(reception.id))

    def _refuse_content(self, reception: Reception, facts: ContentFacts, refused: Refused) -> None:
        """It is no message; the driver may keep it apart."""
        reception.refused = refused
        if self._service.keep_refused and facts.size <= min(self._settings.max_refused_bytes, reception.receiver.limit):
            self._events.append(ContentEnded(reception.id, refused=True))
            return
        self._events.append(ContentAborted(reception.id))
        self._end_content(refused, Fate(None))

    def _end_content(self, reply: ReplyName | Refused, fate: Fate) -> None:
        """Record the content, reply, end the transaction."""
        reception = self._intake.current
        self._intake.end(fate)
        step = Step.NEXT
        if isinstance(reply, Refused):
            self._wire.reply(reply.rule, **reply.fields)
            self._exchange.reason = reply.rule.closes
            step = Step.POLICY if reply.rule.closes else Step.NEXT
        else:
            self._wire.reply(reply, id=reception.id)
        self._exchange.end_transaction()
        self._phase = Phase.COMMANDS
        self._go(step)
        if self._phase is Phase.COMMANDS:
            self._resume()

    # the end

    def _stop_if_told(self) -> None:
        """End for a shutdown, unless a message is on its way."""
        if not self._draining or self._phase is Phase.CLOSED:
            return
        if self._intake.reception is not None and self._phase is not Phase.ADMISSION:
            return
        if self._phase is Phase.TLS or (self._phase is Phase.BEFORE and self._exchange.begins_with_tls()):
            self._close("shutdown", "server", REPLIES[ReplyName.SHUTTING_DOWN].closes)
        else:
            self._close_with(ReplyName.SHUTTING_DOWN, "shutdown")

    def _close_with(self, name: ReplyName, end: SessionEnd) -> None:
        """Say the last reply and close."""
        if self._phase is Phase.CLOSED:
            return
        self._drop()
        self._wire.reply(name)
        self._close(end, "server", REPLIES[name].closes)

    def _close(self, end: SessionEnd, by: str, reason: str) -> None:
        if self._phase is Phase.CLOSED:
            return
        self._drop()
        self._exchange.end_transaction()
        self._phase = Phase.CLOSED
        outcome = self._recorder.close(self._wire.now, end, by, reason)
        self._events.append(Closing(end, outcome, tuple(self._recorder.findings)))

    def _drop(self) -> None:
        """What is on its way will not be: content is dropped, half a command is recorded, a held reply forgotten."""
        self._wire.release(said=False)
        if self._phase is Phase.COMMANDS:
            self._exchange.hear_out(self._input)
        self._intake.tear(receiving=self._phase is Phase.CONTENT, skipping=self._phase is Phase.SKIP)
        if self._phase not in (Phase.BEFORE, Phase.CLOSED):
            self._phase = Phase.COMMANDS
        self._input.take_all()

    def _greet(self) -> None:
        if len(self._input):
            self._wire.finding("early-talker")
            if self._settings.refuse_early_talkers:
                self._input.take_all()
                self._close_with(ReplyName.EARLY_TALKER, "policy")
                return
        greeting = self._greeting
        if greeting is ReplyName.GREETING:
            self._wire.reply(ReplyName.GREETING)
            return
        self._exchange.state = State.NO_SERVICE
        if isinstance(greeting, ReplyName):
            self._wire.reply(greeting)
            return
        rule = greeting.rule
        self._wire.reply(ReplyRule(rule.code, None, rule.text), **greeting.fields)  # RFC 2034 §3: no code in a greeting
        if rule.closes:
            self._exchange.reason = rule.closes
            self._end_by_policy()

    def _quit(self) -> None:
        self._input.take_all()
        self._close("quit", "client", "")

    def _end_by_policy(self) -> None:
        self._input.take_all()
        self._close("policy", "server", self._exchange.reason)

    def _drop_connection(self) -> None:
        """Say nothing more."""
        self._input.take_all()
        self._close("policy", "server", "a rule")

    def _request_tls(self) -> None:
        self._phase = Phase.TLS
        self._events.append(TlsRequested())

    def _request_auth(self) -> None:
        credentials = self._exchange.credentials
        if credentials is None:
            raise AssertionError("nothing to verify")
        self._phase = Phase.AUTH
        self._events.append(AuthRequested(credentials.mechanism, credentials.user, credentials.secret))

    def _trace(self, ulid: str, transaction: Transaction, *, chunks: bool) -> bytes:
        origin = Origin(self._session_id, self._peer, self._settings.hostname, self._opened)
        facts = trace_facts(ulid, origin, self._exchange, transaction)
        at = self._opened + timedelta(microseconds=self._wire.now)
        said = [] if chunks else _ADMITTED
        return compose_trace(facts, at=at, turns=self._recorder.turns_so_far(self._wire.now, said))


_STEPS: Final[dict[Step, Callable[[Flow], None]]] = {
    Step.GREET: Flow._greet,
    Step.CONTENT: Flow._start_content,
    Step.CHUNK: Flow._start_chunk,
    Step.SKIP: Flow._skip,
    Step.AUTH: Flow._request_auth,
    Step.TLS: Flow._request_tls,
    Step.QUIT: Flow._quit,
    Step.POLICY: Flow._end_by_policy,
    Step.DROP: Flow._drop_connection,
}
