"""uv is fetched as the lock pins it: the right wheel, the right bytes, the right file of it."""

import hashlib
import platform
import zipfile
from pathlib import Path

import pytest

import uv_wheel
from uv_wheel import NoWheel, Wheel, find, install

ROOT = Path(__file__).parents[3]
TAGS = [
    ("manylinux", "x86_64"),
    ("manylinux", "aarch64"),
    ("musllinux", "x86_64"),
    ("musllinux", "aarch64"),
    ("macosx", "x86_64"),
    ("macosx", "arm64"),
]


@pytest.mark.parametrize("tag", TAGS, ids="-".join)
def test_the_lock_names_one_for_every_machine_that_is_supported(tag: tuple[str, str]) -> None:
    wheel = find(ROOT / "uv.lock", tag)
    name = wheel.url.rpartition("/")[2]
    assert name.startswith("uv-")
    assert all(part in name for part in tag)
    assert len(wheel.sha256) == 64


def test_a_machine_that_the_lock_does_not_know_is_named() -> None:
    with pytest.raises(NoWheel, match="manylinux vax"):
        find(ROOT / "uv.lock", ("manylinux", "vax"))


@pytest.mark.parametrize(
    ("system", "machine", "libc", "tag"),
    [
        ("Linux", "x86_64", "glibc", ("manylinux", "x86_64")),
        ("Linux", "aarch64", "", ("musllinux", "aarch64")),
        ("Linux", "arm64", "glibc", ("manylinux", "aarch64")),
        ("Darwin", "arm64", "", ("macosx", "arm64")),
        ("Windows", "AMD64", "", ("win", "amd64")),
    ],
)
def test_tags(system: str, machine: str, libc: str, tag: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    assert uv_wheel.machine_tag() == tag


def _wheel(folder: Path) -> Wheel:
    path = folder / "uv-1-py3-none-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("uv/__init__.py", "")
        archive.writestr("uv-1.data/scripts/uvx", "another")
        archive.writestr("uv-1.data/scripts/uv", "#!/bin/sh\necho uv 1.0.0\n")
    return Wheel(path.as_uri(), hashlib.sha256(path.read_bytes()).hexdigest())


def test_the_program_of_the_wheel_is_installed_to_be_run(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "uv"
    install(_wheel(tmp_path), program)
    assert program.read_text().endswith("echo uv 1.0.0\n")
    assert program.stat().st_mode & 0o111


def test_bytes_that_the_lock_does_not_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoWheel, match="not what"):
        install(_wheel(tmp_path)._replace(sha256="0" * 64), tmp_path / "uv")
    assert not (tmp_path / "uv").exists()


def test_nothing_to_be_had_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoWheel, match="could not be fetched"):
        install(Wheel((tmp_path / "none.whl").as_uri(), ""), tmp_path / "uv")
