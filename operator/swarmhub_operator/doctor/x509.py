"""Until when a certificate is good: as much of X.509 as that takes (RFC 5280, section 4.1)."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Final

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0  # [0] EXPLICIT
_TIMES: Final = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}  # UTCTime, GeneralizedTime
_LONG: Final = 0x80
_PIVOT: Final = 2050  # a UTCTime's year is before it
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def good_until(certificate: bytes) -> datetime | None:
    """Return `notAfter` of a DER certificate; None if it is none."""
    try:
        outer, _ = _read(certificate, _SEQUENCE)
        body, _ = _read(outer, _SEQUENCE)
        if body[:1] == bytes([_VERSION]):
            _, body = _read(body)
        for _ in range(3):  # serial number, signature, issuer
            _, body = _read(body)
        validity, _ = _read(body, _SEQUENCE)
        _, rest = _read(validity)
        return _time(rest)
    except (ValueError, IndexError):
        return None


def _read(data: bytes, tag: int | None = None) -> tuple[bytes, bytes]:
    """Return the content of the first element, and what follows it.

    Raises:
        ValueError, IndexError: there is none, or it has another tag.
    """
    if tag is not None and data[0] != tag:
        raise ValueError(tag)
    length, start = data[1], 2
    if length & _LONG:
        start += length & ~_LONG
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise ValueError(length)
    return data[start : start + length], data[start + length :]


def _time(data: bytes) -> datetime:
    text, _ = _read(data)
    found = datetime.strptime(text.decode("ascii"), _TIMES.get(data[0], "")).replace(tzinfo=UTC)
    if data[0] == min(_TIMES) and found.year >= _PIVOT:
        return found.replace(year=found.year - 100)
    return found


def from_pem(text: str) -> tuple[bytes, ...]:
    """Return the certificates of a PEM text as DER; what cannot be decoded is left out."""
    found = []
    for block in _PEM.findall(text):
        try:
            found.append(base64.b64decode("".join(block.split()), validate=True))
        except binascii.Error:
            continue
    return tuple(found)
