"""A rule as people write it, in YAML or JSON, and as it is given back.

One mapping a rule: `at`, the conditions, one action, and how long it holds. Everything that is not understood is an
error that names the key; a rule that would be quietly ignored would be worse than none.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from mailscribe.errors import ConfigError
from mailscribe.policy.pattern import AddressPattern, SourcePattern
from mailscribe.policy.rules import DEFERRED, REJECTED, Action, Refusal, Rule, Stage

MAX_TEXT: Final = 400
MAX_KEY: Final = 80
"""Characters of an unknown key that are told."""
MAX_DELAY_MS: Final = 600_000
_CONDITIONS: Final = ("recipient", "sender", "source", "helo", "user")
_LIMITS: Final = ("times", "expires")
_ENHANCED: Final = re.compile(r"[45]\.[0-9]{1,3}\.[0-9]{1,3}")
_DATE_ONLY: Final = len("2026-12-31")
"""A day alone is refused: it does not say whether it is still part of the time."""
_ACTIONS: Final = tuple(action.value for action in Action)
_KNOWN_AT: Final[dict[str, tuple[Stage, ...]]] = {
    "recipient": (Stage.RCPT, Stage.DATA, Stage.EOD),
    "sender": (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.EOD),
    "helo": tuple(stage for stage in Stage if stage is not Stage.CONNECT),
    "user": tuple(stage for stage in Stage if stage not in (Stage.CONNECT, Stage.HELO)),
}
"""The stages at which a condition can be met at all."""


class FormError(ConfigError):
    """A rule that is none; `key` is where."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key


def rule_of(form: object) -> Rule:
    """The rule that a mapping says. Raises `FormError`."""
    if not isinstance(form, Mapping):
        raise FormError("rule", "is no mapping of keys to values")
    for key in form:
        if key not in ("at", *_CONDITIONS, *_ACTIONS, *_LIMITS):
            raise FormError(
                str(key)[:MAX_KEY], f"no such key; there are at, {', '.join((*_CONDITIONS, *_ACTIONS, *_LIMITS))}"
            )
    stage = _stage(form)
    action = _action(form)
    _check_known(form, stage)
    return Rule(
        at=stage,
        action=action,
        recipient=_parsed(form, "recipient", AddressPattern.parse),
        sender=_parsed(form, "sender", AddressPattern.parse),
        source=_parsed(form, "source", SourcePattern.parse),
        helo=_parsed(form, "helo", str),
        user=_parsed(form, "user", str),
        refusal=_refusal(action, form[action.value]),
        amount=_amount(action, form[action.value]),
        times=_times(form),
        expires=_expires(form),
    )


def form_of(rule: Rule) -> dict[str, object]:
    """The mapping of a rule: `rule_of(form_of(rule)) == rule`."""
    form: dict[str, object] = {"at": rule.at.value}
    for key in ("recipient", "sender", "source"):
        pattern = getattr(rule, key)
        if pattern is not None:
            form[key] = pattern.text
    form |= {key: getattr(rule, key) for key in ("helo", "user") if getattr(rule, key) is not None}
    form[rule.action.value] = _action_form(rule)
    if rule.times is not None:
        form["times"] = rule.times
    if rule.expires is not None:
        form["expires"] = rule.expires.isoformat()
    return form


def write_set(rules: Iterable[Rule]) -> bytes:
    """A set as it is stored: `read_set(write_set(rules)) == tuple(rules)`."""
    return msgspec.json.encode({"rules": [form_of(rule) for rule in rules]})


def read_set(data: bytes) -> tuple[Rule, ...]:
    """The rules of a set as it is stored. Raises `FormError`."""
    try:
        forms = msgspec.json.decode(data, type=_Set).rules
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise FormError("rules", 'no JSON such as {"rules": [...]}') from None
    return tuple([rule_of(form) for form in forms])


class _Set(msgspec.Struct):
    rules: list[dict[str, object]]


def _action_form(rule: Rule) -> object:
    if rule.action in (Action.DELAY, Action.THROTTLE):
        return rule.amount
    if rule.refusal is None:
        return True
    return {"code": rule.refusal.code, "enhanced": rule.refusal.enhanced, "text": rule.refusal.text}


def _stage(form: Mapping[object, object]) -> Stage:
    try:
        return Stage(str(form.get("at")))
    except ValueError:
        raise FormError("at", f"one of {', '.join(Stage)}") from None


def _action(form: Mapping[object, object]) -> Action:
    found = [action for action in Action if action.value in form]
    if len(found) != 1:
        raise FormError("action", f"exactly one of {', '.join(_ACTIONS)}")
    return found[0]


def _check_known(form: Mapping[object, object], stage: Stage) -> None:
    for key, stages in _KNOWN_AT.items():
        if key in form and stage not in stages:
            raise FormError(key, f"is not known at {stage.value}; it is at {', '.join(stages)}")


def _parsed[T](form: Mapping[object, object], key: str, parse: Callable[[str], T]) -> T | None:
    if key not in form:
        return None
    value = form[key]
    if not isinstance(value, str) or not value or not value.isprintable():
        raise FormError(key, "is no text")
    try:
        return parse(value)
    except ConfigError as error:
        raise FormError(key, str(error)) from None


def _refusal(action: Action, value: object) -> Refusal | None:
    if action not in (Action.REJECT, Action.DEFER):
        return None
    if value is True:
        return None
    default = REJECTED if action is Action.REJECT else DEFERRED
    if not isinstance(value, Mapping):
        raise FormError(action.value, "true, or a mapping of code, enhanced and text")
    for key in value:
        if key not in ("code", "enhanced", "text"):
            raise FormError(action.value, f"{str(key)[:MAX_KEY]}: there are code, enhanced and text")
    code = value.get("code", default.code)
    lowest, highest = (400, 599) if action is Action.REJECT else (400, 499)
    if type(code) is not int or not lowest <= code <= highest:
        raise FormError(action.value, f"code: a number from {lowest} to {highest}")
    fallback = default.enhanced if default.enhanced[0] == str(code)[0] else f"{str(code)[0]}.7.1"
    enhanced = value.get("enhanced", fallback)
    if not isinstance(enhanced, str) or not _ENHANCED.fullmatch(enhanced) or enhanced[0] != str(code)[0]:
        raise FormError(action.value, f"enhanced: a code such as {fallback}, of the class of {code}")
    return Refusal(code, enhanced, _text(action, value.get("text", default.text)))


def _text(action: Action, text: object) -> str:
    if not isinstance(text, str) or not text or len(text) > MAX_TEXT or not (text.isascii() and text.isprintable()):
        raise FormError(action.value, f"text: printable ASCII, at most {MAX_TEXT} characters")
    return text


def _amount(action: Action, value: object) -> int:
    if action is Action.DELAY:
        return _number(action.value, value, 1, MAX_DELAY_MS, "milliseconds")
    if action is Action.THROTTLE:
        return _number(action.value, value, 1, 10**9, "bytes a second")
    if action not in (Action.REJECT, Action.DEFER) and value is not True:
        raise FormError(action.value, "true is all that can be said")
    return 0


def _number(key: str, value: object, least: int, most: int, unit: str) -> int:
    if type(value) is not int or not least <= value <= most:
        raise FormError(key, f"{unit}, a whole number from {least} to {most}")
    return value


def _times(form: Mapping[object, object]) -> int | None:
    return _number("times", form["times"], 1, 10**9, "how often") if "times" in form else None


def _expires(form: Mapping[object, object]) -> datetime | None:
    if "expires" not in form:
        return None
    try:
        moment = datetime.fromisoformat(str(form["expires"]))
    except ValueError:
        moment = None
    if moment is None or len(str(form["expires"])) <= _DATE_ONLY:
        raise FormError("expires", "an ISO date and time, such as 2026-12-31T23:59:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
