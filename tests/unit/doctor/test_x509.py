"""Until when a certificate is good, held to a library that reads all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509 as library
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from swarmhub_operator.doctor.x509 import from_pem, good_until

KEY = ec.generate_private_key(ec.SECP256R1())
BEGIN = datetime(1990, 1, 1, tzinfo=UTC)


def certificate(until: datetime, encoding: Encoding = Encoding.DER, name: str = "hub") -> bytes:
    """Return a certificate that is good until then."""
    subject = library.Name([library.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        library.CertificateBuilder(subject, subject, KEY.public_key(), 7, BEGIN, until)
        .sign(KEY, hashes.SHA256())
        .public_bytes(encoding)
    )


@given(
    st.integers(1, 60 * 366 * 86400).map(lambda s: BEGIN + timedelta(seconds=s)),
)
def test_the_end_is_what_was_written(until: datetime) -> None:
    """In either form of a time: UTCTime before 2050, GeneralizedTime after."""
    assert good_until(certificate(until)) == until


@given(st.binary(max_size=200), st.integers(0, 300))
def test_nonsense_has_no_end(noise: bytes, cut: int) -> None:
    """Nor has half a certificate."""
    assert good_until(noise) is None
    whole = certificate(BEGIN + timedelta(days=1))
    assert good_until(whole[: min(cut, len(whole) - 1)]) is None


def test_pem_holds_several() -> None:
    """Each of them; text between them is none."""
    ends = [BEGIN + timedelta(days=n) for n in (1, 2)]
    text = "".join(f"# {n}\n{certificate(n, Encoding.PEM).decode()}" for n in ends)
    assert [good_until(der) for der in from_pem(text)] == ends
    assert from_pem("") == ()


@pytest.mark.parametrize("block", ["!!!", "abc", "AAAA"])
def test_pem_that_is_none(block: str) -> None:
    """Has no end, and raises nothing."""
    text = f"-----BEGIN CERTIFICATE-----\n{block}\n-----END CERTIFICATE-----"
    assert [good_until(der) for der in from_pem(text)] in ([], [None])
