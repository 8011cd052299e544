"""Sets the project up: finds or installs uv and Python 3.13, then the locked dependencies into `.venv`.

With uv_wheel.py the only file here that an older Python runs: standard library of 3.11, nothing else. It touches
nothing outside the project but uv's own cache and, when no Python 3.13 is found, uv's folder of interpreters. A
stamp inside `.venv` makes a second run do nothing: no process, no network. Every finder tries its candidates by
running them, because a shim on PATH may exist and still fail.
"""

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uv_wheel

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
STAMP = VENV / "mailscribe-stamp"
BIN = "Scripts" if os.name == "nt" else "bin"
PYTHON = "3.13"
PLACES = (Path("/usr/local/bin"), Path("/opt/homebrew/bin"))
LEAST_UV = (0, 8)
UV_PROGRAM = "uv.exe" if os.name == "nt" else "uv"
PROBE = (
    "import sys, sysconfig; print(sys.executable, *sys.version_info[:3], sysconfig.get_config_var('Py_GIL_DISABLED'))"
)
NO_UV = """\
Install uv 0.8 or later any other way and run the same command again, for example:
  pipx install uv"""


class SetupError(Exception):
    """The setup cannot go on; the text says what to do."""


def main() -> int:
    """Bring `.venv` in line with uv.lock; 0 when it is."""
    if is_ready():
        return 0
    started = time.monotonic()
    try:
        uv = find_uv() or install_uv()
        python = find_python(uv) or install_python(uv)
        _say("installing the locked packages into .venv")
        sync(uv, python)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    stamp()
    _say(f"done in {time.monotonic() - started:.0f} s")
    return 0


def is_ready() -> bool:
    """Whether `.venv` was made here from the lock, project file and interpreter of now."""
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == _fingerprint()


def stamp() -> None:
    """Note what `.venv` was made from."""
    STAMP.write_text(_fingerprint(), encoding="utf-8")


def find_uv() -> str | None:
    """A uv that runs and is new enough: the project's own, else the one on PATH."""
    for candidate in (TOOLS / "uv" / BIN / UV_PROGRAM, shutil.which("uv")):
        if candidate is None:
            continue
        answer = _output([str(candidate), "--version"])
        found = re.search(r"uv (\d+)\.(\d+)\S*", answer or "")
        if found and (int(found[1]), int(found[2])) >= LEAST_UV:
            _say(f"{found[0]} at {candidate}")
            return str(candidate)
    return None


def install_uv() -> str:
    """uv in `.tools/uv`, as uv.lock pins it."""
    uv = TOOLS / "uv" / BIN / UV_PROGRAM
    _say(f"installing uv into {uv.parent.parent.relative_to(ROOT)}")
    try:
        uv_wheel.install(uv_wheel.find(ROOT / "uv.lock", uv_wheel.machine_tag()), uv)
    except uv_wheel.NoWheel as error:
        raise SetupError(f"setup: {error}\n{NO_UV}") from error
    if _output([str(uv), "--version"]) is None:
        raise SetupError(f"setup: {uv} was installed but does not run")
    return str(uv)


def find_python(uv: str) -> str | None:
    """The first Python 3.13 that really runs, with the global interpreter lock."""
    for candidate in _pythons(uv):
        found = (_output([str(candidate), "-I", "-c", PROBE]) or "").rsplit(maxsplit=4)
        if len(found) == len(("path", "3", "13", "0", "0")) and found[1:3] == PYTHON.split(".") and found[4] != "1":
            _say(f"Python {'.'.join(found[1:4])} at {found[0]}")
            return found[0]
    return None


def _pythons(uv: str) -> Iterator[Path | str]:
    if sys.version_info[:2] == (3, 13) and sys.prefix == sys.base_prefix:
        yield sys.executable
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        candidate = Path(folder or ".") / f"python{PYTHON}"
        if candidate.is_file() and not candidate.parent.resolve().is_relative_to(VENV.resolve()):
            yield candidate
    for home in (Path.home() / ".pyenv", Path(os.environ.get("PYENV_ROOT", "/nonexistent"))):
        yield from sorted(home.glob(f"versions/{PYTHON}*/bin/python{PYTHON}"), reverse=True)
    yield from (place / f"python{PYTHON}" for place in PLACES)
    yield from filter(None, [_uv_python(uv)])


def install_python(uv: str) -> str:
    """Python 3.13 of uv's own, downloaded."""
    _say(f"no Python {PYTHON} on this machine: downloading one with uv")
    _run([uv, "python", "install", PYTHON], f"uv could not install Python {PYTHON}; install it and run this again")
    python = _uv_python(uv)
    if python is None:
        raise SetupError(f"setup: uv installed Python {PYTHON} but does not find it")
    return python


def _uv_python(uv: str) -> str | None:
    environ = {**os.environ, "UV_PYTHON_PREFERENCE": "only-managed", "UV_PYTHON_DOWNLOADS": "never"}
    return (_output([uv, "python", "find", PYTHON], environ) or "").strip() or None


def sync(uv: str, python: str) -> None:
    """Make `.venv` hold exactly the locked packages."""
    STAMP.unlink(missing_ok=True)
    environ = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "UV_PYTHON")}
    environ["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    if ssl.get_default_verify_paths().cafile:  # the system's certificates, as pip and git use them, not uv's own list
        environ.setdefault("UV_SYSTEM_CERTS", "true")
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    command = [uv, "sync", "--locked", "--python", python, "--no-python-downloads", *quiet]
    _run(command, "uv could not install the locked packages", environ)


def _fingerprint() -> str:
    """What `.venv` was made from: place, lock, project file, interpreter; empty while there is no interpreter."""
    python = VENV / BIN / "python"
    if not python.exists():
        return ""
    digest = hashlib.sha256(f"{ROOT}\0{python.resolve()}\0".encode())
    for path in (ROOT / "uv.lock", ROOT / "pyproject.toml", VENV / "pyvenv.cfg"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


def _output(command: list[str], environ: dict[str, str] | None = None) -> str | None:
    """Standard output of a command that ended with 0; None otherwise."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _run(command: list[str], failure: str, environ: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, check=False).returncode:
        raise SetupError(f"setup: {failure}")


if __name__ == "__main__":
    sys.exit(main())
