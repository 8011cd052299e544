"""Checks of what `sam build` made: right processor, right size, and handlers that run with nothing else at hand.

Every shared object must be of the processor that was asked for. Where this machine has that processor, a clean
interpreter that sees the built layer alone imports each handler and has it answer one event that needs no store.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
LAYER_LIMIT: Final = 250 * 1024 * 1024  # unzipped, functions and layers together
MACHINES: Final = {183: "arm64", 62: "x86_64"}  # e_machine of an ELF header
ENTRY: Final = """\
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from app import handler
context = type("Context", (), {
    "function_name": "check", "memory_limit_in_mb": 1024, "aws_request_id": "1",
    "invoked_function_arn": "arn:aws:lambda:us-east-1:123456789012:function:check",
    "get_remaining_time_in_millis": lambda self: 10_000,
})()
print(json.dumps(handler(json.load(sys.stdin), context)))
"""


class BuildError(Exception):
    """Something that was built is not as it must be."""


def check(folder: Path, architecture: str, *, run: bool) -> None:
    """All checks of one build folder. Raises `BuildError`."""
    layer, functions = folder / "CoreLayer", sorted(path for path in folder.glob("*Function") if path.is_dir())
    if not layer.is_dir() or not functions:
        raise BuildError(f"{folder}: no layer or no functions")
    check_processor(folder, architecture)
    check_contents(layer)
    sizes = {part.name: _size(part) for part in (layer, *functions)}
    print("build: " + ", ".join(f"{name} {size / 2**20:.1f} MB" for name, size in sizes.items()), flush=True)
    if sum(sizes.values()) > LAYER_LIMIT:
        raise BuildError(f"{folder}: {sum(sizes.values())} bytes are too many for Lambda")
    if run:
        check_answers(layer, folder)


def check_processor(folder: Path, architecture: str) -> None:
    """Every shared object is of `architecture`, and there is at least one."""
    found = {path: processor(path) for path in folder.rglob("*.so*") if path.is_file()}
    wrong = [f"{path.relative_to(folder)}: {kind}" for path, kind in found.items() if kind != architecture]
    if wrong or not found:
        raise BuildError(f"not {architecture}: {', '.join(wrong) or 'no shared object at all'}")
    print(f"build: {len(found)} shared objects, all {architecture}", flush=True)


def processor(path: Path) -> str:
    """The processor that an ELF file is for."""
    with path.open("rb") as file:
        header = file.read(20)
    if header[:4] != b"\x7fELF":
        return "no ELF file"
    number = int.from_bytes(header[18:20], "little")
    return MACHINES.get(number, f"machine {number}")


def check_contents(layer: Path) -> None:
    """The layer holds the core and no tests of it."""
    core = layer / "python" / "mailscribe"
    if not (core / "settings.py").is_file():
        raise BuildError(f"{layer}: the core is not in it")
    strays = [path.name for path in (layer / "python").iterdir() if path.name in ("tests", "conftest.py")]
    if strays:
        raise BuildError(f"{layer}: ships {strays}")


def check_answers(layer: Path, folder: Path) -> None:
    """Each handler answers an event in an interpreter that sees the layer and its own folder alone."""
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "AWS_LAMBDA_FUNCTION_NAME": "check",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_EC2_METADATA_DISABLED": "true"}
    environ |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "MAILSCRIBE_BUCKET": "b", "MAILSCRIBE_TABLE": "t"}
    environ |= {"MAILSCRIBE_HOSTS": "*", "MAILSCRIBE_EVENT_BUS": "e", "POWERTOOLS_SERVICE_NAME": "mailscribe"}
    health = answer(folder / "ApiFunction", layer, health_event(), environ)
    if health.get("statusCode") != 200:
        raise BuildError(f"the api function answers /v1/health with {health}")
    test = answer(folder / "IngestFunction", layer, event("ingest_test_event"), environ)
    if test != {"batchItemFailures": []}:
        raise BuildError(f"the ingest function answers an s3:TestEvent with {test}")
    print("build: both handlers answer", flush=True)


def answer(function: Path, layer: Path, sent: dict[str, Any], environ: dict[str, str]) -> dict[str, Any]:
    """What a built handler answers to an event. Raises `BuildError` when it does not."""
    path = json.dumps([str(function), str(layer / "python")])
    done = subprocess.run(
        [Path(sys.executable).resolve(), "-I", "-S", "-c", ENTRY, path],
        cwd=function,
        env=environ,
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise BuildError(f"{function.name} does not run from what was built:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def event(name: str) -> dict[str, Any]:
    """An event of events/."""
    found: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def health_event() -> dict[str, Any]:
    """GET /v1/health as the HTTP API hands it over."""
    found = event("api_get_messages") | {"rawPath": "/v1/health", "rawQueryString": "", "queryStringParameters": {}}
    found["requestContext"]["http"]["path"] = found["rawPath"]
    return found


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
