"""A certificate authority of a test's own."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Pair(NamedTuple):
    """A certificate and its key, as PEM text, and the certificate's number."""

    certificate: str
    key: str
    serial: int


class Authority:
    """Issues certificates for addresses; `context` trusts it and nobody else."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("an authority of tests")
        builder = _builder(self._name, self._name, self._key, timedelta(days=2))
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        signed = builder.add_extension(constraints, critical=True).sign(self._key, hashes.SHA256())
        self.certificate = _pem(signed)

    def issue(self, address: str, lasts: timedelta = timedelta(days=1)) -> Pair:
        """Issue a certificate for an IP address; a negative time makes it out of date."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(address), self._name, key, lasts)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        signed = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return Pair(_pem(signed), secret.decode(), signed.serial_number)

    def context(self) -> ssl.SSLContext:
        """Return what a client needs to trust it."""
        return ssl.create_default_context(cadata=self.certificate)


def write(pair: Pair, folder: Path) -> dict[str, str]:
    """Write a pair, and return the settings that name its files."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(pair.certificate)
    key.write_text(pair.key)
    return {
        "SWARMHUB_TLS_CERTIFICATE_FILE": str(certificate),
        "SWARMHUB_TLS_KEY_FILE": str(key),
    }


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + lasts)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
