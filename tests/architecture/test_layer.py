"""What the functions ship is what was tested: the layer's pins are the lock's, complete, with nothing not needed."""

import re
from collections.abc import Iterator
from pathlib import Path

from support.project import ROOT, locked

PIN = re.compile(r"([a-z0-9-]+)==(\S+)")
IMPORTED = ("apsw", "aws-lambda-powertools", "boto3", "cryptography", "msgspec", "nh3", "pybase64")
"""What the core imports; the rest of the pins are what these need."""


def pins(path: Path) -> dict[str, str]:
    """The pins of a requirements file, which may hold comments and hashes beside them."""
    lines = (line.split("#")[0].split(";")[0].strip(" \\") for line in path.read_text(encoding="utf-8").splitlines())
    wanted = [line for line in lines if line and not line.startswith("--hash")]
    found = [PIN.fullmatch(line) for line in wanted]
    assert all(found), f"{path}: not a pin: {[line for line, match in zip(wanted, found, strict=True) if not match]}"
    return {match[1]: match[2] for match in found if match}


def closure(package: str) -> Iterator[str]:
    """A package and all that it needs, by the lock."""
    yield package
    for dependency in locked()[package].get("dependencies", []):
        yield from closure(dependency["name"])


def test_pins_are_those_of_the_lock_and_complete() -> None:
    wanted = {package for root in IMPORTED for package in closure(root)}
    assert pins(ROOT / "layers/core/requirements.txt") == {package: locked()[package]["version"] for package in wanted}


def test_the_core_layer_holds_no_tests() -> None:
    core = ROOT / "layers" / "core"
    assert {path.name for path in core.iterdir()} - {"__pycache__"} == {"mailscribe", "requirements.txt"}
    assert not [path for path in core.rglob("*.py") if path.name.startswith(("test_", "conftest"))]
