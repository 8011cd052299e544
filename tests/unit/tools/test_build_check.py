"""What the build checks would let through, and what not."""

from pathlib import Path

import pytest

import build_check

ELF = b"\x7fELF" + bytes(14)
ARM = ELF + (183).to_bytes(2, "little")
INTEL = ELF + (62).to_bytes(2, "little")


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("data", "name"), [(ARM, "arm64"), (INTEL, "x86_64"), (ELF + b"\x28\0", "machine 40"), (b"text", "no ELF file")]
)
def test_the_processor_is_read_from_the_file(tmp_path: Path, data: bytes, name: str) -> None:
    write(tmp_path / "a.so", data)
    assert build_check.processor(tmp_path / "a.so") == name


@pytest.mark.parametrize("name", ["x.so", "x.cpython-313-x86_64-linux-gnu.so", "libx.so.1"])
def test_one_shared_object_for_another_processor_fails_the_build(tmp_path: Path, name: str) -> None:
    write(tmp_path / "python" / "good.so", ARM)
    write(tmp_path / "python" / "deep" / name, INTEL)
    with pytest.raises(build_check.BuildError, match="x86_64"):
        build_check.check_processor(tmp_path, "arm64")


def test_no_shared_object_at_all_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(build_check.BuildError, match="no shared object"):
        build_check.check_processor(tmp_path, "arm64")


def test_a_layer_without_the_core_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(build_check.BuildError, match="the core is not in it"):
        build_check.check_contents(tmp_path)


def test_a_layer_with_tests_fails_the_build(tmp_path: Path) -> None:
    write(tmp_path / "python" / "mailscribe" / "settings.py", b"")
    build_check.check_contents(tmp_path)
    write(tmp_path / "python" / "conftest.py", b"")
    with pytest.raises(build_check.BuildError, match=r"conftest\.py"):
        build_check.check_contents(tmp_path)


@pytest.mark.parametrize("source", ["raise ImportError('x')", "handler = None"])
def test_a_handler_that_does_not_run_fails_the_build(tmp_path: Path, source: str) -> None:
    write(tmp_path / "app.py", source.encode())
    with pytest.raises(build_check.BuildError, match="does not run"):
        build_check.answer(tmp_path, tmp_path, {}, {})


def test_a_handler_sees_the_layer_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "layer" / "python" / "core.py", b"VALUE = 5")
    write(
        tmp_path / "app.py", b"import core, sys\ndef handler(event, context): return {'v': core.VALUE, 'p': sys.path}"
    )
    answer = build_check.answer(tmp_path, tmp_path / "layer", {}, {})
    assert answer["v"] == 5
    assert not [place for place in answer["p"] if "site-packages" in place]


def test_the_events_that_handlers_answer_are_those_of_the_project() -> None:
    assert build_check.health_event()["rawPath"] == "/v1/health"
    assert "s3:TestEvent" in build_check.event("ingest_test_event")["Records"][0]["body"]
