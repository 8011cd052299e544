"""Address fields (RFC 5322 §3.4 and §4.4): mailboxes and groups from whatever stands there.

Understood: comments, routes, quoted strings, domain literals, encoded words (with specials in them too), groups,
and what is merely sent: specials in names without quotes, missing or doubled brackets, missing commas, semicolons
for commas, addresses with nothing but a space between. One pass over tokens; no input raises, recurses or is slow.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from mailscribe.message.comment import pairs, unquote
from mailscribe.message.header import readable, unfold
from mailscribe.message.model import Address, Group

# RFC 5322 §3.2: quoted-string, domain-literal, atom; RFC 2047: encoded-word; else a special
_ENCODED = r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?="
_REST = r"|\[[^\[\]]*+\]|[^\s\"(),:;<>@\[\]\\]+|."
_WITH_QUOTES = re.compile(_ENCODED + r'|"(?:[^"\\]|\\.)*+"' + _REST, re.DOTALL)
_WITHOUT_QUOTES = re.compile(_ENCODED + _REST, re.DOTALL)
# what nearly every list is made of: a plain or quoted name with brackets, or a bare address, and a comma or the end
_USUAL = re.compile(
    r"\s*+(?:(?:\"([^\"\\=]*+)\"|([^\s\"(),:;<>@\[\]\\=.][^\"(),:;<>@\[\]\\=.]*+))?+\s*+<([^\s\"(),:;<>@\[\]\\=]++@[^\s\"(),:;<>@\[\]\\=]++)>"
    r"|([^\s\"(),:;<>@\[\]\\=]++@[^\s\"(),:;<>@\[\]\\=]++))\s*+(,|\Z)"
)
_SPACE = re.compile(r"\s*")
_JOINTS = frozenset("@.")


class _Token(NamedTuple):
    """A token; `text` is raw, a comment without its outer parentheses; `is_apart` when white space precedes."""

    text: str
    is_apart: bool
    is_comment: bool = False


def parse_groups(raw: str) -> tuple[Group, ...]:
    """All groups of a raw value; mailboxes outside any group stand in groups without a name (RFC 8621 §4.1.2.4).

    >>> parse_groups("Team: a@b.c, d@e.f;, g@h.i")[1]
    Group(name=None, addresses=(Address(name=None, email='g@h.i'),))
    """
    reader = _Reader()
    tokens = _tokens(unfold(raw))
    for token in tokens:
        reader.take(token)
    reader.end_group()
    if not reader.groups and (comment := _comment(tokens)):
        return (Group(None, (Address(comment, ""),)),)
    return tuple(reader.groups)


def parse_addresses(raw: str) -> tuple[Address, ...]:
    """All mailboxes of a raw value, groups dissolved (RFC 8621 §4.1.2.3).

    >>> parse_addresses("mable@test.org (Mable Merliney)")
    (Address(name='Mable Merliney', email='mable@test.org'),)
    """
    return _usual(unfold(raw)) or tuple(address for group in parse_groups(raw) for address in group.addresses)


def _usual(text: str) -> tuple[Address, ...]:
    """The mailboxes of a list that holds nothing unusual, else nothing: a shortcut that must not differ."""
    found: list[Address] = []
    at = 0
    while (match := _USUAL.match(text, at)) is not None:
        quoted, plain, bracketed, bare, end = match.groups()
        name = quoted.strip() if quoted else " ".join(plain.split()) if plain else ""
        found.append(Address((name if name.isascii() else readable(name)) or None, bracketed or bare))
        at = match.end()
        if not end:
            return tuple(found)
    return ()


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    closing = pairs(text) if "(" in text else {}
    pattern = _WITH_QUOTES
    at = 0
    while at < len(text):
        space = _SPACE.match(text, at)
        start = space.end() if space else at
        if start in closing:
            end = closing[start] + 1
            tokens.append(_Token(text[start + 1 : end - 1], is_apart=start > at, is_comment=True))
        else:
            found = pattern.match(text, start)
            if found is None:
                break
            if found[0] == '"':
                # no quote is closed from here on: none is looked for any more, which keeps this linear
                pattern = _WITHOUT_QUOTES
            end = found.end()
            tokens.append(_Token(found[0], is_apart=start > at))
        at = end
    return tokens


class _Reader:
    """Collects the tokens of one mailbox, before, inside and after its brackets, until something ends it."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.name: str | None = None
        self.addresses: list[Address] = []
        self.before: list[_Token] = []
        self.inside: list[_Token] | None = None
        self.after: list[_Token] = []
        self.is_open = False

    def take(self, token: _Token) -> None:
        action = None if token.is_comment else _ACTIONS.get(token.text)
        if action is None:
            self.keep(token)
        else:
            action(self, token)

    def keep(self, token: _Token) -> None:
        if self.inside is None:
            self.before.append(token)
        elif self.is_open and not token.is_comment:
            self.inside.append(token)
        else:
            self.after.append(token)

    def open_bracket(self, _: _Token) -> None:
        if self.inside:
            following = self.after
            self.after = []
            self.end_mailbox()
            self.before = following
        self.inside = []
        self.is_open = True

    def close_bracket(self, _: _Token) -> None:
        self.is_open = False

    def comma(self, token: _Token) -> None:
        """A comma parts mailboxes, but not the hosts of a route (RFC 5322 §4.4)."""
        if self.in_route():
            self.keep(token)
        else:
            self.end_mailbox()

    def semicolon(self, _: _Token) -> None:
        self.end_mailbox()
        if self.name is not None:
            self.end_group()

    def colon(self, token: _Token) -> None:
        """A colon ends a route or a group's name, or is just there."""
        if self.in_route():
            self.inside = []
        elif self.inside is None and self.name is None and not any(t.text == "@" for t in self.before):
            name = _phrase(self.before)
            self.before = []
            self.end_group()
            self.name = name
        else:
            self.keep(token)

    def in_route(self) -> bool:
        return self.is_open and bool(self.inside) and self.inside is not None and self.inside[0].text == "@"

    def end_mailbox(self) -> None:
        if self.inside is not None:
            self.addresses.extend(_bracketed(self.before, self.inside, self.after))
        elif self.before:
            self.addresses.extend(_bare(self.before))
        self.before = []
        self.inside = None
        self.after = []
        self.is_open = False

    def end_group(self) -> None:
        self.end_mailbox()
        if self.name is not None or self.addresses:
            self.groups.append(Group(self.name, tuple(self.addresses)))
        self.name = None
        self.addresses = []


_ACTIONS: dict[str, Callable[[_Reader, _Token], None]] = {
    "<": _Reader.open_bracket,
    ">": _Reader.close_bracket,
    ",": _Reader.comma,
    ";": _Reader.semicolon,
    ":": _Reader.colon,
}


def _bracketed(before: list[_Token], inside: list[_Token], after: list[_Token]) -> list[Address]:
    """Name, angle-addr, and a name or comment that stands after it where none stood before."""
    email = _spec(inside)
    name = _phrase(before) or _phrase(after) or _comment(before + after)
    return [Address(name or None, email)] if email or name else []


def _bare(tokens: list[_Token]) -> list[Address]:
    """Without brackets: the words with an `@` are addresses, the words before them a name."""
    words = _words([token for token in tokens if not token.is_comment])
    specs: list[list[_Token]] = []
    plain: list[_Token] = []
    for word in words:
        if any(token.text == "@" for token in word):
            specs.append(word)
        else:
            plain.extend(word)
    if not specs:
        return _addressless(tokens, len(words))
    name = _phrase(plain) or _comment(tokens)
    first, *others = map(_spec, specs)
    return [Address(name or None, first), *(Address(None, email) for email in others)]


def _addressless(tokens: list[_Token], words: int) -> list[Address]:
    """No `@` outside quotes: an address may be quoted or encoded whole; else one word is a local name, more a name."""
    phrase = _phrase(tokens)
    if "@" in phrase:
        name, bracket, spec = phrase.rpartition("<")
        return [Address(name.strip(" \"'") or None if bracket else None, spec.strip(" >"))]
    comment = _comment(tokens)
    if words == 1 and phrase:
        return [Address(comment or None, phrase)]
    return [Address(phrase, "")] if phrase else []


def _words(tokens: list[_Token]) -> list[list[_Token]]:
    """Tokens in runs without white space; that round an `@` or a lone dot does not count (RFC 5322 §4.4)."""
    words: list[list[_Token]] = []
    for token in tokens:
        if words and (not token.is_apart or token.text in _JOINTS or words[-1][-1].text in _JOINTS):
            words[-1].append(token)
        else:
            words.append([token])
    return words


def _spec(tokens: list[_Token]) -> str:
    """The addr-spec that tokens make, white space only inside words."""
    words = ("".join(token.text for token in word) for word in _words(tokens))
    spec = " ".join(words).removeprefix("mailto:")
    return readable(spec) if "=?" in spec else spec


def _phrase(tokens: list[_Token]) -> str:
    """A display name for people: quotes undone, encoded words decoded, comments left out."""
    pieces: list[str] = []
    for token in tokens:
        if not token.is_comment:
            pieces.append(" " if token.is_apart else "")
            pieces.append(_plain(token.text))
    return readable("".join(pieces)).strip()


def _plain(text: str) -> str:
    if text[0] == '"' and len(text) > 1:
        return unquote(text[1:-1])
    return text[1:] if text[0] == "\\" else text


def _comment(tokens: list[_Token]) -> str:
    """The first comment that says something."""
    comments = (readable(unquote(token.text)).strip() for token in tokens if token.is_comment)
    return next(filter(None, comments), "")
