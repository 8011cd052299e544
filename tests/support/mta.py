"""Postfix, whole, in a folder of its own: takes mail on a free port of 127.0.0.1 and relays all of it to one server.

Only root can start it, for its processes are not root's: for anybody else its tests skip, in CI too.
"""

import contextlib
import os
import pwd
import re
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.clients import free_port, need
from support.stack import eventually

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Mta:
    """A running Postfix."""

    port: int
    config: Path
    log: Path

    def send(self, sender: str, recipients: list[str], content: bytes, *options: str) -> None:
        """Hand a message to it by SMTP; `options` are parameters of MAIL."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="c.test", timeout=30) as client:
            client.ehlo()
            refused = client.sendmail(sender, recipients, content, options)
            assert refused == {}

    def submit(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Hand a message to it as a program on its machine does, by its `sendmail`."""
        program = Path(need("postfix")).with_name("sendmail")
        command = [str(program), "-C", str(self.config), "-i", "-f", sender, "--", *recipients]
        subprocess.run(command, input=content, check=True, capture_output=True, timeout=30)

    def flush(self) -> None:
        """Try what is deferred now."""
        subprocess.run(["postqueue", "-c", str(self.config), "-f"], check=True, capture_output=True, timeout=30)

    def said(self, pattern: str) -> str:
        """The first line of its log that has it, waiting for it."""
        found = eventually(lambda: re.search(f"^.*{pattern}.*$", self.log.read_text(errors="replace"), re.MULTILINE))
        return found[0]


@contextlib.contextmanager
def postfix(
    folder: Path, relay: str, port: int, transports: dict[str, dict[str, str]] | None = None, /, **settings: str
) -> Iterator[Mta]:
    """Postfix relaying to `relay`:`port` until the block ends; `settings` go into main.cf.

    `transports`: what is to be otherwise for the recipients of a domain.
    """
    program = need("postfix")
    if os.geteuid() != 0:
        pytest.skip("only root can start Postfix")
    own, config, next_hop = free_port(), folder / "config", f"[{relay}]:{port}"
    _make_folders(folder)
    maps = " ".join(f"{{{domain} = {_name(domain)}:{next_hop}}}" for domain in transports or {})
    lines = {**_main(folder), "relayhost": next_hop, "transport_maps": f"inline:{{{maps}}}" if maps else "", **settings}
    (config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in lines.items()))
    services = [_MASTER.format(port=own), *(_transport(*each) for each in (transports or {}).items())]
    (config / "master.cf").write_text("".join(services))
    command = [program, "-c", str(config)]
    started = subprocess.run([*command, "start"], capture_output=True, timeout=60, check=False)
    try:
        assert started.returncode == 0, started.stderr.decode()
        eventually(lambda: _answers(own) or None)
        yield Mta(own, config, folder / "mail.log")
    finally:
        subprocess.run([*command, "stop"], capture_output=True, timeout=60, check=False)
        shutil.rmtree(folder / "queue", ignore_errors=True)


def _make_folders(folder: Path) -> None:
    for name in ("config", "queue", "data"):
        (folder / name).mkdir(parents=True)
    for path in (folder, *folder.parents):  # its processes are not root's
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)


def _main(folder: Path) -> dict[str, str]:
    return {
        "compatibility_level": "3.6",
        "queue_directory": str(folder / "queue"),
        "data_directory": str(folder / "data"),
        "maillog_file": str(folder / "mail.log"),
        "maillog_file_prefixes": str(folder),
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "myhostname": "mta.example.com",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "local_transport": "error:none is local",
        "alias_maps": "",
        "alias_database": "",
        "queue_run_delay": "1s",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "2s",
        "smtp_destination_concurrency_limit": "5",
    }


def _name(domain: str) -> str:
    return domain.replace(".", "-")


def _transport(domain: str, settings: dict[str, str]) -> str:
    options = "".join(f"  -o {name}={value}\n" for name, value in settings.items())
    return f"{_name(domain)} unix - - n - - smtp\n{options}"


def _answers(port: int) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            return client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False
