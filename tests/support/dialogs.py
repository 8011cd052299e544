"""Golden dialogs: `unit/smtp/dialogs/*.txt` drive the machine; what it answers stands in them, word for word.

`C: ` a client line (CRLF is added; consecutive ones are one segment), `c: ` one without CRLF, `S: ` a server line,
`X: ` something else that happens, `= ` how the session ends (end, outcome, findings at turns), `set ` a setting,
`service ` what the listener offers, `user ` a name and a secret that AUTH takes, `directory ` and `rule ` a line each
of YAML, `watch ` an address that somebody watches, `# ` a remark. In client lines
``\\xNN``, ``\\r``, ``\\n`` stand for octets, in server lines ``{1}`` for the id of the first message. A dialog marked
`whole` depends on its segments.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from mailscribe.errors import StoreFull, StoreUnavailable
from mailscribe.policy import Policy, Rules
from mailscribe.policy.directory_file import read_directory
from mailscribe.policy.document import read_rules
from mailscribe.settings import Settings, load
from mailscribe.smtp import Refusal, Service
from support.machine import LOCAL, SECOND, TLS, Driver, message_id

DIALOGS = sorted((Path(__file__).parents[1] / "unit" / "smtp" / "dialogs").glob("*.txt"))
PACE = 1
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})|\\([rn\\])")
_ID = re.compile(r"\{([0-9])\}")
_CONTROL = {b"r": b"\r", b"n": b"\n", b"\\": b"\\"}


def octets(text: str) -> bytes:
    def unescape(found: re.Match[bytes]) -> bytes:
        return bytes.fromhex(found[1].decode()) if found[1] else _CONTROL[found[2]]

    return _ESCAPE.sub(unescape, text.encode())


def steps(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Groups of lines of one kind: what is sent in one segment, what is answered to it."""
    group: tuple[str, list[str]] | None = None
    for line in lines:
        kind, text = line[0].upper(), line[3:]
        if group is not None and group[0] == kind and kind in "CS":
            group[1].append(line if kind == "C" else text)
            continue
        if group is not None:
            yield group
        group = (kind, [line if kind == "C" else text])
    if group is not None:
        yield group


def happening(driver: Driver, text: str) -> bytes:
    word, _, rest = text.partition(" ")
    if word == "wait":
        driver.t += int(float(rest) * SECOND)
        return driver.do(driver.session.tick)
    if word == "tls":
        driver.tls = TLS if rest == "works" else rest
        return b""
    if word == "admit":
        driver.admit = rest == "yes"
        return b""
    if word == "store":
        driver.failure = {"works": None, "fails": StoreUnavailable("down"), "full": StoreFull("full")}[rest]
        return b""
    does: dict[str, Callable[[int], None]] = {
        "open": driver.session.open,
        "secured": lambda t: driver.session.secured(TLS, t),
        "too-many": lambda t: driver.session.open(t, Refusal.TOO_MANY),
        "no-service": lambda t: driver.session.open(t, Refusal.NO_SERVICE),
        "eof": driver.session.eof,
        "shutdown": driver.session.shutdown,
    }
    return driver.do(does[word])


def settings_of(lines: list[str]) -> Settings:
    names = dict(line.split(" ", 2)[1:] for line in lines if line.startswith("set "))
    environ = {"HOSTNAME": LOCAL.hostname, "DOMAINS": "*", "LINE_ENDS": "store"}
    environ |= {name.upper(): value for name, value in names.items()}
    return load({f"MAILSCRIBE_{name}": value for name, value in environ.items()})


def driver_of(lines: list[str], *, keeps: bool = False) -> Driver:
    """The driver that a dialog is for; `keeps`: refused content, too."""
    offers = [name for line in lines if line.startswith("service ") for name in line.split()[1:]]
    users = dict(line.split()[1:] for line in lines if line.startswith("user "))
    return Driver(
        settings_of(lines),
        service=msgspec.convert(dict.fromkeys(offers, True) | {"keep_refused": keeps}, Service),
        users={name: secret.encode() for name, secret in users.items()} or None,
        policy=policy_of(lines),
    )


def policy_of(lines: list[str]) -> Policy | None:
    texts = {kind: [line for line in lines if line.startswith(f"{kind} ")] for kind in ("directory", "rule", "watch")}
    if not any(texts.values()):
        return None
    watched = {line.removeprefix("watch ") for line in texts["watch"]}
    directory = "\n".join(line.removeprefix("directory ") for line in texts["directory"]) or 'domains: {"*": }'
    rules = "\n".join("- " + line.removeprefix("rule ") for line in texts["rule"])
    return Policy(
        read_directory(directory, "directory"), Rules([read_rules(rules, "rules")]), lambda email: email in watched
    )


def read(path: Path) -> list[str]:
    """The lines of a dialog but its remarks."""
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def spoken(lines: list[str]) -> list[str]:
    """Those that are said or happen."""
    return [line for line in lines if line[1:3] in (": ", ":")]


def play(path: Path, *, bytewise: bool = False, keeps: bool = False) -> Driver:
    """Play a dialog; each segment comes a µs after what was before it."""
    lines = read(path)
    driver, replies = driver_of(lines, keeps=keeps), b""
    for kind, texts in steps(spoken(lines)):
        driver.t += PACE
        if kind == "S":
            expected = _ID.sub(
                lambda found: message_id(int(found[1])), "".join(f"{text}\r\n" for text in texts)
            ).encode()
            assert replies == expected, (path.name, texts)
            replies = b""
            continue
        assert replies == b"", (path.name, texts)
        if kind == "X":
            replies = happening(driver, texts[0])
        else:
            data = b"".join(octets(text[3:]) + (b"\r\n" if text[0] == "C" else b"") for text in texts)
            segments = [data[index : index + 1] for index in range(len(data))] if bytewise else [data]
            replies = driver.say_in(segments)
    assert replies == b"", path.name
    return driver


def ending(driver: Driver) -> str:
    if not driver.closed:
        return "open"
    end = driver.transcript.end
    assert end is not None
    findings = " ".join(f"{finding.code}@{finding.turn}" for finding in end.findings)
    return f"{end.end} | {' '.join(end.outcome) or '-'} | {findings or '-'}"
