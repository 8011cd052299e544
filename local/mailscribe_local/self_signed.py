"""A certificate for this machine that nobody else vouches for, made once and kept in the data folder.

For `mailscribe up --tls self-signed`: names `localhost`, this host and the loopback addresses. Clients that verify
can be given the certificate itself as their authority. It is made anew a month before it ends.
"""

import ipaddress
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError

LIFE: Final = timedelta(days=365)
RENEW: Final = timedelta(days=30)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Files of the certificate and its key. Raises `ConfigError`."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    try:
        if not _is_good(certificate, key):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make(certificate, key)
    except OSError as error:
        raise ConfigError(f"--tls self-signed: {folder}: {error.strerror}") from error
    return certificate, key


def _is_good(certificate: Path, key: Path) -> bool:
    from cryptography import x509  # noqa: PLC0415 - only who asks for TLS waits for the import

    if not key.is_file() or not certificate.is_file():
        return False
    try:
        made = x509.load_pem_x509_certificate(certificate.read_bytes())
    except ValueError:
        return False
    return made.not_valid_after_utc - datetime.now(UTC) > RENEW


def _make(certificate: Path, key: Path) -> None:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    private, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailscribe on this machine")])
    names: list[x509.GeneralName] = [x509.DNSName(each) for each in dict.fromkeys(("localhost", _host()))]
    names += [x509.IPAddress(ipaddress.ip_address(each)) for each in ("127.0.0.1", "::1")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for path, data, mode in ((key, secret, 0o600), (certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)):
        temporary = path.with_suffix(".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
        temporary.replace(path)


def _host() -> str:
    name = socket.gethostname()
    return name if name.isascii() and 0 < len(name) <= 64 else "localhost"
