"""Postfix, whole, in a folder of its own: takes mail on a free port of 127.0.0.1 and relays all of it to one server."""

import contextlib
import os
import pwd
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.clients import free_port, missing, need
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

    def send(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Hand a message to it."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="c.test", timeout=30) as client:
            client.sendmail(sender, recipients, content)

    def flush(self) -> None:
        """Try what is deferred now."""
        subprocess.run(["postqueue", "-c", str(self.config), "-f"], check=True, capture_output=True, timeout=30)


@contextlib.contextmanager
def postfix(folder: Path, relay: str, port: int, **settings: str) -> Iterator[Mta]:
    """Postfix relaying to `relay`:`port` until the block ends; `settings` go into main.cf."""
    program = need("postfix")
    if os.geteuid() != 0:
        missing("the right to start Postfix (root)")
    own = free_port()
    config, queue, data = (folder / name for name in ("config", "queue", "data"))
    for path in (config, queue, data):
        path.mkdir(parents=True)
    for path in (folder, *folder.parents):  # its processes are not root's
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    os.chown(data, pwd.getpwnam("postfix").pw_uid, -1)
    log = folder / "mail.log"
    lines = {
        "compatibility_level": "3.6",
        "queue_directory": str(queue),
        "data_directory": str(data),
        "maillog_file": str(log),
        "maillog_file_prefixes": str(folder),
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "myhostname": "mta.example.com",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "local_transport": "error:none is local",
        "alias_maps": "",
        "alias_database": "",
        "relayhost": f"[{relay}]:{port}",
        "queue_run_delay": "1s",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "2s",
        "smtp_destination_concurrency_limit": "5",
        **settings,
    }
    (config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in lines.items()))
    (config / "master.cf").write_text(_MASTER.format(port=own))
    command = [program, "-c", str(config)]
    started = subprocess.run([*command, "start"], capture_output=True, timeout=60, check=False)
    try:
        assert started.returncode == 0, started.stderr.decode()
        eventually(lambda: _answers(own) or None)
        yield Mta(own, config, log)
    finally:
        subprocess.run([*command, "stop"], capture_output=True, timeout=60, check=False)
        shutil.rmtree(queue, ignore_errors=True)


def _answers(port: int) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            return client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False
