"""The certificate of `up --tls self-signed`: made once, for this machine, its key for nobody else."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from mailscribe.errors import ConfigError
from mailscribe_local import self_signed
from mailscribe_smtp.certificate import make_context


def test_it_is_made_once_and_can_be_used(tmp_path: Path) -> None:
    certificate, key = self_signed.self_signed(tmp_path / "tls")
    first = certificate.read_bytes()
    assert self_signed.self_signed(tmp_path / "tls") == (certificate, key)
    assert certificate.read_bytes() == first
    assert key.stat().st_mode & 0o777 == 0o600
    make_context(certificate, key)
    ssl.create_default_context(cafile=str(certificate))
    names = x509.load_pem_x509_certificate(first).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}


@pytest.mark.parametrize("damage", ["torn", "no key", "ending"])
def test_it_is_made_anew_when_it_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    certificate, key = self_signed.self_signed(tmp_path)
    first = certificate.read_bytes()
    if damage == "torn":
        certificate.write_bytes(first[:100])
    elif damage == "no key":
        key.unlink()
    else:
        monkeypatch.setattr(self_signed, "RENEW", self_signed.LIFE + timedelta(days=1))
    self_signed.self_signed(tmp_path)
    assert certificate.read_bytes() != first
    make_context(certificate, key)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file")
    with pytest.raises(ConfigError, match="--tls self-signed: "):
        self_signed.self_signed(tmp_path / "tls")
