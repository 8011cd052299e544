"""`make fuzz ARGS="SECONDS [TARGET…]"`: every target for its share of the time; 1 when something was found.

What a run has learned stays in `.fuzz/`, so the next one begins where this one ended. A finding is a file under
`tests/fuzz/found/`; `python -m pytest tests/fuzz` shows what it does, and goes on to run it when it is mended.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
SECONDS = 60


def main(words: list[str]) -> int:
    """Run them one after another."""
    seconds = int(words[0]) if words and words[0].isdigit() else SECONDS
    names = [word for word in words if not word.isdigit()] or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    shares = sum(TARGETS[name].share for name in names)
    failed = [name for name in names if not good(name, max(1, seconds * TARGETS[name].share // shares))]
    print(f"fuzz: found something in {', '.join(failed)}" if failed else "fuzz: nothing found")
    return int(bool(failed))


def good(name: str, seconds: int) -> bool:
    """Whether one target stood it; says how much there was of it."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace") as log:
        command = [sys.executable, "-m", "fuzz.guided", name, str(seconds), str(ROOT / ".fuzz")]
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode
        log.seek(0)
        text = log.read()
    done = re.search(r"Done ([0-9]+) (?:runs )?in ([0-9]+)", text)
    coverage = re.findall(r"cov: ([0-9]+)", text)
    if code or not done:
        print(f"FAIL {name}\n{text[-6000:]}", flush=True)
        return False
    print(f"ok   {name}: {done[1]} runs in {done[2]} s" + (f", {coverage[-1]} places" if coverage else ""), flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
