"""uv without pip: the wheel that uv.lock names for this machine, checked against the lock's hash, and its program.

Runs with nothing but the standard library of Python 3.11, because a fresh machine has no more: Debian's python3
brings neither pip nor ensurepip. Where to fetch from, and what must come, stand in uv.lock.
"""

import hashlib
import io
import platform
import tomllib
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import NamedTuple

SECONDS = 120
NAMES = {"amd64": "x86_64", "arm64": "aarch64"}


class Wheel(NamedTuple):
    """A wheel of the lock: address and SHA-256 in hex."""

    url: str
    sha256: str


class NoWheel(Exception):
    """There is none for this machine, or it could not be had; the text says which."""


def machine_tag() -> tuple[str, str]:
    """What the wheel's platform tag must begin and end with, for example ("manylinux", "x86_64")."""
    system, machine = platform.system(), platform.machine().lower()
    if system == "Darwin":
        return "macosx", machine
    if system == "Windows":
        return "win", machine
    return ("manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"), NAMES.get(machine, machine)


def find(lock: Path, tag: tuple[str, str]) -> Wheel:
    """The wheel of uv that the lock names for a platform tag. Raises `NoWheel`."""
    begin, end = tag
    for package in tomllib.loads(lock.read_text(encoding="utf-8"))["package"]:
        for wheel in package.get("wheels", []) if package["name"] == "uv" else []:
            platforms = wheel["url"].rpartition("/")[2].removesuffix(".whl").split("-")[-1].split(".")
            if any(name.startswith(begin) and name.endswith(end) for name in platforms):
                return Wheel(wheel["url"], wheel["hash"].removeprefix("sha256:"))
    raise NoWheel(f"{lock.name} names no wheel of uv for {begin} {end}")


def install(wheel: Wheel, program: Path) -> None:
    """Fetch the wheel and put its program at `program`. Raises `NoWheel`."""
    try:
        with urllib.request.urlopen(wheel.url, timeout=SECONDS) as answer:  # noqa: S310 - the lock's own address
            data = answer.read()
    except (OSError, urllib.error.URLError) as error:
        raise NoWheel(f"uv could not be fetched: {error}") from error
    if hashlib.sha256(data).hexdigest() != wheel.sha256:
        raise NoWheel("what was fetched for uv is not what uv.lock names")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = next(name for name in archive.namelist() if name.endswith(f"/scripts/{program.name}"))
        program.parent.mkdir(parents=True, exist_ok=True)
        draft = program.with_suffix(".new")
        draft.write_bytes(archive.read(entry))
    draft.chmod(0o755)
    draft.replace(program)
