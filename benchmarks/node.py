"""Node's part: where `smtp-server` lies, installed into the project's own tools when it is first measured.

Without node, npm or a registry there is nothing to measure, and a word says why.
"""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

VERSION: Final = "3.21.6"
_HOME: Final = Path(__file__).resolve().parent.parent / ".tools" / "npm"
_MODULES: Final = _HOME / "node_modules"
_SECONDS: Final = 120


@cache
def modules() -> Path | None:
    """The folder of packages that has `smtp-server`; None, and a word to whoever reads, where it cannot be had."""
    missing = [name for name in ("node", "npm") if not shutil.which(name)]
    why = f"no {' and no '.join(missing)}" if missing else _install() if installed() != VERSION else ""
    if not why:
        return _MODULES
    print(f"benchmarks: smtp-server of Node is left out: {why}", file=sys.stderr)
    return None


def _install() -> str:
    """Why it could not be installed; empty when it was."""
    _HOME.mkdir(parents=True, exist_ok=True)
    quiet = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    command = ["npm", "install", "--prefix", str(_HOME), *quiet, f"smtp-server@{VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "npm does not come to an end"
    return "" if done.returncode == 0 else "npm cannot install it"


def installed() -> str | None:
    """The version of `smtp-server` that is there."""
    try:
        return str(json.loads((_MODULES / "smtp-server" / "package.json").read_text())["version"])
    except (OSError, ValueError, KeyError):
        return None
