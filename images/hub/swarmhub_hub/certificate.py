"""Whether a certificate and a key will do for the proxy."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from swarmhub_hub.reading import SettingError, Settings

_CERTIFICATE = "SWARMHUB_TLS_CERTIFICATE_FILE"
_KEY = "SWARMHUB_TLS_KEY_FILE"


def check_certificate(settings: Settings, now: datetime) -> str | None:
    """Look at what the proxy is to present.

    Returns:
        A sentence that says until when it is good; None if there is none, or none to look at.

    Raises:
        SettingError: the one or the other is missing or unreadable, they do not belong together,
            or the certificate is out of date.
    """
    given = [name for name in (_CERTIFICATE, _KEY) if settings.given(name)]
    if not given and settings.given("SWARMHUB_REDIRECT_PORT"):
        raise SettingError(
            f"SWARMHUB_REDIRECT_PORT leads to https, which needs {_CERTIFICATE} and {_KEY}."
        )
    if len(given) == 1:
        raise SettingError(f"{_CERTIFICATE} and {_KEY} belong together: set both, or none.")
    certificate, key = settings.secret(_CERTIFICATE), settings.secret(_KEY)
    if not (certificate and key):
        return None
    return _judge(certificate, key, now)


def _judge(certificate: str, key: str, now: datetime) -> str:
    try:
        first = x509.load_pem_x509_certificates(certificate.encode())[0]
    except ValueError:
        raise SettingError(
            f"{_CERTIFICATE} holds no certificate in PEM form: give the full chain, the server's "
            "first."
        ) from None
    until = first.not_valid_after_utc
    if until <= now:
        raise SettingError(f"{_CERTIFICATE} is out of date since {until:%Y-%m-%d}: renew it.")
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder, "both.pem")
        both.write_text(f"{key}\n{certificate}\n")
        try:
            # The empty password keeps OpenSSL from asking a terminal for one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(both, password="")
        except (ssl.SSLError, OSError):
            raise SettingError(
                f"{_KEY} is not the key of {_CERTIFICATE}, or has a password: give the PEM file "
                "that was made with the certificate, without a password."
            ) from None
    return f"the certificate is good until {until.astimezone(UTC):%Y-%m-%d}"
