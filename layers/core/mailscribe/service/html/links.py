"""Where the addresses in a message's HTML may lead: its own parts, pictures written out, and what is remote or not.

An address is read as browsers do (URL standard §4.4): white space and controls around it and line ends within it do
not count. One without a scheme leads nowhere, for there is no page that it could belong to; nor is one of another host
left in a spelling that could be taken for one of this.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote

from mailscribe.message import ParsedMessage, Part
from mailscribe.service.html.policy import LINK_SCHEMES

_AROUND: Final = "".join(map(chr, range(0x21)))
_WITHIN: Final = str.maketrans("", "", "\t\r\n")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*+):")
_AUTHORITY: Final = re.compile(r"(https?|ftp):[/\\]*+|[/\\]{2}[/\\]*+", re.IGNORECASE)
"""What a host stands behind, however many slashes there are: with none it could be a path of this host."""
_DATA: Final = re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/=%\s]*+", re.IGNORECASE)


class Addresses:
    """Decides on each address of one message; `blocked` counts the remote pictures that were not let through."""

    def __init__(self, parts: Mapping[str, str], *, remote: bool) -> None:
        self._parts = parts
        self._remote = remote
        self.blocked = 0

    def link(self, text: str) -> str | None:
        """What a link may lead to; None for nothing.

        >>> Addresses({}, remote=False).link(" java\\tscript:alert(1)")
        """
        url = _read(text)
        scheme = _scheme(url)
        if scheme in LINK_SCHEMES:
            return url
        return self._parts.get(_name(url)) if scheme == "cid" else None

    def picture(self, text: str) -> str | None:
        """The address of a picture that may be shown; None for none.

        >>> Addresses({"cid:a@b": "/parts/2"}, remote=False).picture("cid:a%40b")
        '/parts/2'
        """
        url = _read(text)
        if (part := self._parts.get(_name(url))) is not None:
            return part
        scheme = _scheme(url)
        if scheme == "data":
            return url if _DATA.fullmatch(url) else None
        if scheme not in ("http", "https"):
            return None
        if scheme == "https" and self._remote:
            return url
        self.blocked += 1
        return None


def part_addresses(parsed: ParsedMessage, path: str) -> dict[str, str]:
    """Names under which HTML may speak of a part (RFC 2392 `cid:`, RFC 2557 Content-Location) → path of the part."""
    found: dict[str, str] = {}
    for part in _leaves((parsed.body, *parsed.attachments)):
        place = f"{path}/parts/{part.part_id}"
        if part.cid:
            found.setdefault(f"cid:{part.cid}", place)
        if part.location and (name := _name(_read(part.location))):
            found.setdefault(name, place)
    return found


def _leaves(parts: Iterable[Part]) -> Iterable[Part]:
    waiting = list(parts)[::-1]
    while waiting:
        part = waiting.pop()
        if part.sub_parts is not None:
            waiting.extend(reversed(part.sub_parts))
        elif part.part_id is not None:
            yield part


def _read(text: str) -> str:
    url = text.strip(_AROUND).translate(_WITHIN)
    if found := _AUTHORITY.match(url):
        url = f"{found[1] or 'https'}://{url[found.end() :]}"
    return "" if _CONTROL.search(url) else url


def _scheme(url: str) -> str:
    found = _SCHEME.match(url)
    return found[1].lower() if found else ""


def _name(url: str) -> str:
    return f"cid:{unquote(url[4:])}" if url[:4].lower() == "cid:" else url
