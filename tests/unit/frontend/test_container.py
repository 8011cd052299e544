"""The front end's image, without building it: what the Dockerfile copies is enough, and all that may be imported."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mailscribe.settings import Settings
from support.project import template

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "frontend" / "Dockerfile").read_text(encoding="utf-8")
REQUIREMENTS = [
    line
    for line in (ROOT / "frontend" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
BLOCKED = [
    "typing_extensions",
    "boto3",
    "botocore",
    "aws_lambda_powertools",
    "apsw",
    "uvicorn",
    "moto",
    "rich",
    "aiosmtplib",
    "urllib3",
]
IMPORTING = """
import json, sys
blocked, paths, modules = json.loads(sys.argv[1])
class Blocker:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError("not in the container: " + name)
sys.meta_path.insert(0, Blocker)
sys.path[:0] = paths
for module in modules:
    __import__(module)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def _copies() -> list[tuple[list[str], str]]:
    """Sources and target of each COPY into the program's folder."""
    copies = [line.split()[1:] for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    return [(words[:-1], words[-1]) for words in copies if words[-1].startswith("/app/")]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder /app of the image."""
    root = tmp_path_factory.mktemp("image")
    for sources, target in _copies():
        place = root / target.removeprefix("/")
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)
    return root / "app"


def _import(app: Path, *modules: str) -> subprocess.CompletedProcess[str]:
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    arguments = json.dumps([BLOCKED, [str(app), packages], modules])
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORTING, arguments], capture_output=True, text=True, check=False
    )


def test_what_is_copied_imports_with_nothing_else(app: Path) -> None:
    every = [
        ".".join(path.relative_to(app).with_suffix("").parts)
        for path in sorted(app.rglob("*.py"))
        if path.name != "__init__.py"
    ]
    assert "mailscribe_smtp.__main__" in every
    done = _import(app, *every)
    assert done.returncode == 0, done.stderr
    third_party = set(json.loads(done.stdout)) - set(sys.stdlib_module_names) - {"__mp_main__", "cython_runtime"}
    assert {name for name in third_party if not name.startswith("_")} == {
        "mailscribe",
        "mailscribe_smtp",
        "msgspec",
        "obstore",
        "uvloop",
        "yaml",
        "argon2",
        "stringzilla",
    }


def test_the_blocker_blocks(app: Path) -> None:
    assert _import(app, "boto3").returncode != 0


def test_requirements_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(REQUIREMENTS) <= set(project["project"]["dependencies"])
    assert {re.split(r"\W", line)[0] for line in REQUIREMENTS} == {
        "msgspec",
        "obstore",
        "uvloop",
        "pyyaml",
        "argon2",
        "stringzilla",
    }


def test_ports_are_the_defaults_of_the_settings() -> None:
    settings = Settings()
    exposed = re.search(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)
    assert exposed is not None
    assert exposed[1].split() == [address.rpartition(":")[2] for address in (*settings.listen, settings.health_listen)]


def test_it_runs_as_nobody_and_writes_nothing() -> None:
    assert re.search(r"^USER (?!0|root)\d+:\d+$", DOCKERFILE, re.MULTILINE)
    assert "PYTHONDONTWRITEBYTECODE=1" in DOCKERFILE
    assert DOCKERFILE.index("compileall") < DOCKERFILE.index("PYTHONDONTWRITEBYTECODE")


def test_the_base_is_an_argument() -> None:
    assert "ARG BASE=python:3.13-slim\nFROM ${BASE}\n" in DOCKERFILE


def test_the_build_context_holds_what_is_copied_and_little_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    for sources, _ in _copies():
        assert all(any(source.startswith(f"{entry}/") for entry in allowed) for source in sources)


def test_the_folder_for_large_content_is_a_volume_and_the_task_mounts_one_there() -> None:
    folder = re.search(r" TMPDIR=(\S+)", DOCKERFILE)
    assert folder is not None
    assert f'VOLUME ["{folder[1]}"]' in DOCKERFILE
    task = template()["Resources"]["TaskDefinition"]["Properties"]
    [container] = task["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"]
    [mounted] = container["MountPoints"]
    assert mounted == {"SourceVolume": task["Volumes"][0]["Name"], "ContainerPath": folder[1]}
