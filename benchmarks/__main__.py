"""`make bench`: what a message costs on its way from the socket to the answer, beside other servers, in three minutes.

Whole processes, on 127.0.0.1. `--write` puts the tables into docs/performance.md; `parser` measures the message
parser instead (`benchmarks.parser`), `segments` the sealed index (`benchmarks.segments`). The ratios are what counts;
the milliseconds belong to the machine of the moment.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import front_end, memory, parser, report, segments, whole

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
TABLES: tuple[Callable[[Path], list[str]], ...] = (front_end.table, whole.table, memory.table)


def main(arguments: list[str]) -> int:
    """Measure everything, print it, and with `--write` put it into the document."""
    if arguments[:1] == ["parser"]:
        return parser.main(arguments[1:])
    if arguments[:1] == ["segments"]:
        return segments.main(arguments[1:])
    if arguments not in ([], ["--write"]):
        print(f"benchmarks: {' '.join(arguments)}: only --write, parser or segments", file=sys.stderr)
        return 2
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        lines.append(report.facts(Path(folder)))
        print(lines[0], flush=True)
        for table in TABLES:
            found = ["", *table(Path(folder))]
            print("\n".join(found), flush=True)
            lines += found
    if arguments:
        report.write(DOCUMENT, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
