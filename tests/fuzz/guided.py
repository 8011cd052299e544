"""One target in a process of its own: guided by coverage where atheris is installed, by chance alone elsewhere.

    python -m fuzz.guided TARGET SECONDS CORPUS

What raises is written under `found/TARGET/`, and the exit code is not 0.
"""

import hashlib
import random
import sys
import time
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MAX_LENGTH = 4096
SLOW = 10
"""Seconds after which one input has hung."""


def main() -> int:
    """Run; 0 when nothing was found."""
    name, seconds, corpus = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    guided = find_spec("atheris") is not None
    return with_coverage(name, seconds, corpus) if guided else by_chance(name, seconds)


def with_coverage(name: str, seconds: int, corpus: Path) -> int:
    """libFuzzer, told by atheris which lines of ours were run. It does not return."""
    import atheris

    with atheris.instrument_imports(include=["mailscribe", "mailscribe_smtp"]):
        from fuzz.targets import FOUND, TARGETS
    (FOUND / name).mkdir(parents=True, exist_ok=True)
    (corpus / name).mkdir(parents=True, exist_ok=True)
    for seed in TARGETS[name].seeds():
        (corpus / name / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    options = (f"-max_total_time={seconds}", f"-max_len={MAX_LENGTH}", f"-timeout={SLOW}", "-rss_limit_mb=1024")
    run: Callable[[bytes], Any] = TARGETS[name].run
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={FOUND / name}/", str(corpus / name)], run)
    atheris.Fuzz()
    return 0


def by_chance(name: str, seconds: int) -> int:
    """Mutations of the seeds, without any guide."""
    from fuzz.targets import FOUND, TARGETS, mutations

    target, runs, end = TARGETS[name], 0, time.monotonic() + seconds
    for data in mutations(target, random.Random()):
        if time.monotonic() > end:
            break
        try:
            target.run(data)
        except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
            traceback.print_exc()
            path = FOUND / name / f"crash-{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            print(f"Test unit written to {path}", file=sys.stderr)
            return 1
        runs += 1
    print(f"Done {runs} runs in {seconds} second(s)", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
