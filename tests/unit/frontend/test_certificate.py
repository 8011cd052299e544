"""The certificate: loaded, renewed when its files change, and never half."""

import logging
import os
import shutil
from pathlib import Path

import pytest

from mailscribe.errors import ConfigError
from mailscribe.settings import Settings
from mailscribe_smtp.assembly import open_certificate
from mailscribe_smtp.certificate import Certificate, make_context
from support.tls import self_signed


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A file with a key and its certificate."""
    return self_signed(tmp_path, "127.0.0.1")


def another(folder: Path) -> Path:
    folder.mkdir()
    return self_signed(folder, "127.0.0.1")


def later(path: Path) -> None:
    """Whatever the resolution of the file system, it has changed now."""
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


def test_a_new_one_is_taken_when_the_files_change(pem: Path, tmp_path: Path) -> None:
    certificate = Certificate(pem, pem)
    first = certificate.context()
    assert not certificate.refresh()
    assert certificate.context() is first
    shutil.copy(another(tmp_path / "new"), pem)
    assert certificate.refresh()
    assert certificate.context() is not first
    assert not certificate.refresh()


@pytest.mark.parametrize("damage", ["gone", "torn", "empty"])
def test_a_bad_one_keeps_the_old(pem: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    certificate = Certificate(pem, pem)
    first, whole = certificate.context(), pem.read_bytes()
    if damage == "gone":
        pem.unlink()
    else:
        pem.write_bytes(whole[: len(whole) // 2] if damage == "torn" else b"")
    with caplog.at_level(logging.ERROR):
        assert not certificate.refresh()
    assert certificate.context() is first
    assert "the certificate stays as it was" in caplog.text
    assert "PRIVATE" not in caplog.text
    pem.write_bytes(whole)
    later(pem)
    assert certificate.refresh()


def test_one_from_text_has_no_file_to_look_at(pem: Path) -> None:
    text = pem.read_text()
    certificate = Certificate.of_text(text, text)
    assert certificate.context().minimum_version.name == "TLSv1_2"
    assert not certificate.refresh()
    assert open_certificate(Settings(tls_cert_pem=text, tls_key_pem=text)) is not None


def test_what_cannot_be_used_is_named_and_its_key_is_not(pem: Path, tmp_path: Path) -> None:
    other = another(tmp_path / "other")
    mixed = tmp_path / "mixed.pem"
    mixed.write_text(pem.read_text().partition("-----BEGIN CERTIFICATE")[0])
    for files in ((pem, tmp_path / "nowhere"), (tmp_path, pem), (other, mixed)):
        with pytest.raises(ConfigError) as raised:
            make_context(*files)
        assert str(files[0]) in str(raised.value)
        assert "BEGIN" not in str(raised.value)


@pytest.mark.parametrize("cut", [0, 100])
def test_a_text_that_cannot_be_used_is_called_a_text(pem: Path, cut: int) -> None:
    text = pem.read_text()
    with pytest.raises(ConfigError, match=r"^the certificate and key that were given as text: [a-z ]+$"):
        Certificate.of_text(text, text[:cut] + "x")


@pytest.mark.parametrize(
    "settings",
    [Settings(tls_cert="x"), Settings(tls_key="x"), Settings(tls_cert_pem="x"), Settings(tls_key_pem="x")],
)
def test_half_a_pair_is_none(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="one is set and the other is not"):
        open_certificate(settings)
    assert open_certificate(Settings()) is None
