"""The report: what was measured where, and its place in the documents."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import node
from benchmarks.load import SESSIONS, source

BEGIN, END = "<!-- python -m benchmarks --write -->", "<!-- end -->"
_PACKAGES = ("mailscribe", "aiosmtpd", "uvloop", "msgspec", "apsw")


def facts(folder: Path) -> str:
    """Date, versions and machine, in a sentence or two; `folder` is where data was written."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    day = datetime.now(UTC).date().isoformat()
    return (
        f"{day}, CPython {platform.python_version()}, {versions}{_postfix()}{_node()}; Linux {platform.release()},"
        f" {os.cpu_count()} cores of {_processor()}, data on {_file_system(folder)}. Load by {source()}"
        f" over {SESSIONS} connections at a time."
    )


def write(path: Path, lines: list[str]) -> None:
    """Put the report in its place in a document. Raises `ValueError` when there is none."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path}: no place for the report")
    path.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]))


def _postfix() -> str:
    if not shutil.which("postconf"):
        return ""
    done = subprocess.run(["postconf", "-d", "mail_version"], capture_output=True, text=True, check=False)
    found = re.search(r"= *(\S+)", done.stdout)
    return f", Postfix {found[1]}" if found else ""


def _node() -> str:
    version = node.installed() if node.modules() else None
    if not version:
        return ""
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    return f", smtp-server {version} on Node {done.stdout.strip().removeprefix('v')}"


def _processor() -> str:
    with Path("/proc/cpuinfo").open() as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown make")


def _file_system(folder: Path) -> str:
    done = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "an unknown file system"
