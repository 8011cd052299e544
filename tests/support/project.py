"""The project as data, for the tests that compare its parts: tracked files, modules, the template, the lock."""

import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from mailscribe_local.moto_backend import to_cloudformation

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CODE: Final = ("layers", "functions", "frontend", "local", "tests", "benchmarks", "tools")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git tracks and that is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


@cache
def modules() -> tuple[Path, ...]:
    """Every Python file of ours."""
    return tuple(sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py")))


def name(path: Path) -> str:
    """A path as people write it."""
    return path.relative_to(ROOT).as_posix()


@cache
def template() -> dict[str, Any]:
    """template.yaml as written, short forms of intrinsics spelled out."""
    found: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return found


@cache
def plain_template() -> dict[str, Any]:
    """template.yaml as plain CloudFormation."""
    return to_cloudformation((ROOT / "template.yaml").read_text(encoding="utf-8"))


@cache
def locked() -> dict[str, dict[str, Any]]:
    """The packages of uv.lock by name."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package for package in lock["package"]}
