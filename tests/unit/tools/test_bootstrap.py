"""The setup trusts nothing but what ran: shims that fail, old programs and stale stamps are passed over."""

import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap

OLD_UV = "#!/bin/sh\necho 'uv 0.1.9'\n"
GOOD_UV = "#!/bin/sh\necho 'uv 0.12.3 (abc 2026-01-01)'\n"
BROKEN = "#!/bin/sh\necho 'pyenv: version 3.13 is not installed' >&2\nexit 1\n"
OLD_PYTHON = "#!/bin/sh\necho /old/python 3 12 1 0\n"
FREE_THREADED = "#!/bin/sh\necho /free/python 3 13 1 1\n"
GOOD_PYTHON = "#!/bin/sh\necho '/a place/python' 3 13 5 0\n"


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it but a shell: a project folder, a home, an empty PATH."""
    root = tmp_path / "project"
    for name, place in (("ROOT", root), ("VENV", root / ".venv"), ("TOOLS", root / ".tools")):
        monkeypatch.setattr(bootstrap, name, place)
    monkeypatch.setattr(bootstrap, "STAMP", root / ".venv" / "stamp")
    monkeypatch.setattr(bootstrap, "PLACES", (tmp_path / "local",))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setenv("PATH", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    (root / ".venv" / "bin").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(("text", "found"), [(GOOD_UV, True), (OLD_UV, False), (BROKEN, False)])
def test_uv_on_path_counts_when_it_runs_and_is_new_enough(machine: Path, text: str, found: bool) -> None:
    uv = program(machine / "one" / "uv", text)
    assert bootstrap.find_uv() == (str(uv) if found else None)


def test_the_project_s_own_uv_comes_first(machine: Path) -> None:
    program(machine / "one" / "uv", GOOD_UV)
    own = program(machine / "project" / ".tools" / "uv" / "bin" / "uv", GOOD_UV)
    assert bootstrap.find_uv() == str(own)


@pytest.mark.parametrize("place", ["two", "home/.pyenv/versions/3.13.5/bin", "local"])
@pytest.mark.parametrize("wrong", [BROKEN, OLD_PYTHON, FREE_THREADED])
def test_the_first_python_that_really_is_one(machine: Path, place: str, wrong: str) -> None:
    program(machine / "one" / "python3.13", wrong)
    program(machine / place / "python3.13", GOOD_PYTHON)
    assert bootstrap.find_python(str(program(machine / "uv", BROKEN))) == "/a place/python"


def test_a_python_of_uv_is_found(machine: Path) -> None:
    python = program(machine / "managed" / "python", GOOD_PYTHON)
    assert bootstrap.find_python(str(program(machine / "uv", f"#!/bin/sh\necho {python}\n"))) == "/a place/python"


def test_the_project_s_environment_is_no_python_to_make_it_from(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = program(machine / "elsewhere" / "python3.13", GOOD_PYTHON)
    (machine / "project" / ".venv" / "bin" / "python3.13").symlink_to(real)
    monkeypatch.setenv("PATH", str(machine / "project" / ".venv" / "bin"))
    assert bootstrap.find_python(str(program(machine / "uv", BROKEN))) is None


def test_where_uv_cannot_be_had_it_says_what_to_install(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (machine / "project" / "uv.lock").write_text("package = []\n")
    assert bootstrap.main() == 1
    said = capsys.readouterr().err
    assert "names no wheel of uv" in said
    assert "pipx install uv" in said


def test_the_second_run_starts_nothing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*command: object, **options: object) -> None:
        raise AssertionError(command)

    ready(machine)
    monkeypatch.setattr(subprocess, "run", forbidden)
    assert bootstrap.main() == 0


@pytest.mark.parametrize("changed", ["uv.lock", "pyproject.toml", ".venv/pyvenv.cfg"])
def test_a_change_is_noticed(machine: Path, changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(machine)
    (machine / "project" / changed).write_text("changed")
    monkeypatch.setattr(bootstrap, "find_uv", lambda: (_ for _ in ()).throw(bootstrap.SetupError("looked")))
    assert bootstrap.main() == 1


def test_an_environment_without_its_interpreter_is_not_ready(machine: Path) -> None:
    ready(machine)
    (machine / "project" / ".venv" / "bin" / "python").unlink()
    assert not bootstrap.is_ready()


def ready(machine: Path) -> None:
    """A project that was set up."""
    project = machine / "project"
    for name in ("uv.lock", "pyproject.toml", ".venv/pyvenv.cfg"):
        (project / name).write_text(name)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    bootstrap.stamp()
    assert bootstrap.is_ready()
