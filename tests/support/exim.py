"""Exim as a client that says BDAT: relays each message it is handed to one server, then ends.

It cannot be installed beside Postfix: .ci/run unpacks it into .tools/exim, without its user. It runs as whoever runs
the tests, or as nobody for root, whom nss_wrapper passes off as that user. Where it is not there its tests skip.
"""

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.stack import eventually

_HOME = Path(__file__).parents[2] / ".tools" / "exim"
_PROGRAM = "usr/sbin/exim4"
_ENVIRONMENT = "LD_PRELOAD : LD_LIBRARY_PATH : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP"
_CONFIGURATION = """\
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
exim_path = {folder}/exim4
keep_environment = {environment}
primary_hostname = exim.example.com
never_users =
log_selector = +smtp_confirmation
begin routers
relay:
  driver = manualroute
  route_list = * {host}
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {port}
  hosts_try_chunking = *
  hosts_require_tls = *
  tls_verify_certificates = {folder}/authority.pem
  tls_verify_cert_hostnames =
begin retry
* * F,1h,1s
"""


@dataclass(frozen=True)
class Exim:
    """Exim with a queue of its own."""

    folder: Path
    user: int

    def send(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Hand a message to it; it has been tried once when this returns."""
        self._run("-odf", "-i", "-f", sender, "--", *recipients, stdin=content)

    def flush(self) -> None:
        """Try what is deferred now."""
        self._run("-qff")

    def said(self, pattern: str) -> str:
        """The first line of its log that has it, waiting for it."""
        log = self.folder / "mainlog"
        return eventually(lambda: re.search(f"^.*{pattern}.*$", log.read_text(errors="replace"), re.MULTILINE))[0]

    def _run(self, *arguments: str, stdin: bytes = b"") -> None:
        env = {
            "LD_PRELOAD": str(self.folder / "lib" / "libnss_wrapper.so"),
            "LD_LIBRARY_PATH": str(self.folder / "lib"),
            "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group"),
        }
        command = [str(self.folder / "exim4"), "-C", str(self.folder / "configuration"), *arguments]
        user, groups = (None, None) if os.geteuid() else (self.user, list[int]())
        done = subprocess.run(
            command,
            input=stdin,
            env=env,
            cwd=self.folder,
            user=user,
            group=user,
            extra_groups=groups,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (done.returncode, done.stderr.decode())


@contextlib.contextmanager
def exim(host: str, port: int, authority: Path) -> Iterator[Exim]:
    """Exim relaying to `host`:`port` under TLS, trusting `authority`, until the block ends."""
    if not (_HOME / _PROGRAM).exists():
        pytest.skip("Exim is not in .tools/exim; .ci/run puts it there, where it can")
    user = os.geteuid() or pwd.getpwnam("nobody").pw_uid
    with tempfile.TemporaryDirectory(prefix="exim") as name:
        folder = Path(name)
        facts = {"folder": folder, "environment": _ENVIRONMENT, "host": host, "port": port}
        (folder / "configuration").write_text(_CONFIGURATION.format(**facts))
        (folder / "authority.pem").write_bytes(authority.read_bytes())
        (folder / "passwd").write_text(f"root:x:0:0::/:/bin/false\nDebian-exim:x:{user}:{user}::/:/bin/false\n")
        (folder / "group").write_text(f"root:x:0:\nDebian-exim:x:{user}:\n")
        shutil.copy(_HOME / _PROGRAM, folder)  # where this user may read it, too
        (wrapper,) = _HOME.glob("usr/lib/*/libnss_wrapper.so")
        shutil.copytree(wrapper.parent, folder / "lib", symlinks=True)
        os.chown(folder, user, -1)
        yield Exim(folder, user)
