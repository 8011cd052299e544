"""Settings: one table, from the environment, refused with the variable's name."""

from dataclasses import Field, fields
from typing import Any, get_args, get_type_hints

import pytest

from mailscribe.errors import ConfigError
from mailscribe.settings import PREFIX, Settings, env_name, load, to_environ

NAMES = [entry.name for entry in fields(Settings)]
INTEGERS = [entry for entry in fields(Settings) if type(entry.default) is int]
SWITCHES = [entry for entry in fields(Settings) if isinstance(entry.default, bool)]
LISTS = [entry.name for entry in fields(Settings) if isinstance(entry.default, tuple)]


@pytest.mark.parametrize("entry", fields(Settings), ids=lambda entry: entry.name)
def test_every_setting_has_a_default_of_its_type_a_text_and_a_source(entry: object) -> None:
    assert isinstance(entry, type(fields(Settings)[0]))
    assert entry.metadata["doc"].endswith(".")
    assert entry.metadata["source"]
    assert isinstance(entry.default, (int, str, tuple))
    hint = get_type_hints(Settings)[entry.name]
    allowed = get_args(hint) if isinstance(entry.default, str) else ()
    assert not allowed or entry.default in allowed


@pytest.mark.parametrize("entry", INTEGERS, ids=lambda entry: entry.name)
def test_every_number_has_a_least_value_that_its_default_keeps(entry: object) -> None:
    assert isinstance(entry, type(fields(Settings)[0]))
    assert entry.metadata["least"] <= entry.default


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings()
    assert load({"PATH": "/bin", "max_recipients": "5", "MAILSCRIBE_UNKNOWN": "x"}) == Settings()


def test_names_of_the_environment() -> None:
    assert env_name("max_message_size") == "MAILSCRIBE_MAX_MESSAGE_SIZE"
    assert len({env_name(name) for name in NAMES}) == len(NAMES)
    assert all(env_name(name).startswith(PREFIX) for name in NAMES)


@pytest.mark.parametrize("entry", INTEGERS, ids=lambda entry: entry.name)
def test_numbers_at_their_least_value(entry: object) -> None:
    assert isinstance(entry, type(fields(Settings)[0]))
    name, least = entry.name, entry.metadata["least"]
    for value in (least, least + 1):
        assert getattr(load({env_name(name): str(value)}), name) == value
    with pytest.raises(ConfigError, match=f"{env_name(name)}='{least - 1}': less than {least}"):
        load({env_name(name): str(least - 1)})


@pytest.mark.parametrize("text", ["", "ten", "1.5", "1e3", "0x10", "9" * 5000])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"MAILSCRIBE_SHARDS=.*not a whole number"):
        load({"MAILSCRIBE_SHARDS": text})


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (" , ", ()),
        ("a", ("a",)),
        ("a,b", ("a", "b")),
        (" a.example , b.example ,", ("a.example", "b.example")),
        ("*", ("*",)),
    ],
)
def test_lists_are_parted_by_commas(name: str, text: str, expected: tuple[str, ...]) -> None:
    assert getattr(load({env_name(name): text}), name) == expected


def test_a_choice() -> None:
    assert load({"MAILSCRIBE_LINE_ENDS": "store"}).line_ends == "store"
    with pytest.raises(ConfigError, match="MAILSCRIBE_LINE_ENDS='maybe': none of reject, store"):
        load({"MAILSCRIBE_LINE_ENDS": "maybe"})


def test_texts_are_taken_as_they_are() -> None:
    assert load({"MAILSCRIBE_HOSTNAME": "mx.example"}).hostname == "mx.example"


def test_overrides_win() -> None:
    assert load({"MAILSCRIBE_SHARDS": "2"}, shards=3).shards == 3
    assert load({}, domains=("*",)).domains == ("*",)
    with pytest.raises(TypeError):
        load({}, unknown=1)


@pytest.mark.parametrize("name", NAMES)
def test_settings_do_not_change(name: str) -> None:
    settings = Settings()
    with pytest.raises(AttributeError):
        setattr(settings, name, getattr(settings, name))


@pytest.mark.parametrize("entry", SWITCHES, ids=lambda entry: entry.name)
def test_switches_are_on_or_off(entry: Field[Any]) -> None:
    name = env_name(entry.name)
    for on, off in (("true", "false"), ("on", "off"), ("YES", "No"), ("1", "0")):
        assert getattr(load({name: on}), entry.name) is True
        assert getattr(load({name: off}), entry.name) is False
    with pytest.raises(ConfigError, match=name):
        load({name: "perhaps"})
    assert load(to_environ({entry.name: not entry.default})) == load({}, **{entry.name: not entry.default})


def test_no_repr_shows_a_secret() -> None:
    shown = repr(Settings(tls_key_pem="key-of-ours", auth_users="mable:hash-of-hers", hostname="test.org"))
    assert "test.org" in shown
    assert "key-of-ours" not in shown
    assert "hash-of-hers" not in shown
