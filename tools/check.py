"""What `make check` runs: format, lint, types and imports. Every check runs, whatever the others say; none writes.

mypy runs once for everything and once more for each file in functions/, because those are all named `app`.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("layers/core", "frontend", "local", "tests", "benchmarks", "tools")


def commands() -> list[tuple[str, list[str]]]:
    """Each check's name and command line."""
    folders = [name for name in SOURCES if any((ROOT / name).rglob("*.py"))]
    handlers = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("functions/*/app.py"))
    python = sys.executable
    return [
        ("format", [python, "-m", "ruff", "format", "--check", "."]),
        ("lint", [python, "-m", "ruff", "check", "--quiet", "."]),
        ("types", [python, "-m", "mypy", *folders]),
        *((f"types of {path}", [python, "-m", "mypy", path]) for path in handlers),
        ("imports", [str(Path(python).parent / "lint-imports"), "--no-cache", "--no-logo"]),
    ]


def main() -> int:
    """Run all; 1 when one failed."""
    failed = []
    for name, command in commands():
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        good = done.returncode == 0
        print(f"{'ok  ' if good else 'FAIL'} {name} ({time.monotonic() - started:.1f} s)", flush=True)
        if not good:
            print(done.stdout + done.stderr, flush=True)
            failed.append(name)
    print(f"check failed: {', '.join(failed)}" if failed else "check passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
