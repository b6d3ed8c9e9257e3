"""The certificate of one start under JupyterHub's `internal_ssl`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from swarmhub_crds import secretenv
from swarmhub_crds.names import certified_alias, notebook_name

# Where JupyterHub's variables say that the notebook finds its key, its certificate and whom it
# trusts: one PEM file holds them all.
PATHS: Final = dict.fromkeys(("keyfile", "certfile", "cafile"), secretenv.PATH)


@dataclass(frozen=True)
class Certificate:
    """A signed certificate; `pem` holds its private key too, and the authorities to trust."""

    id: str
    pem: str


def new_id() -> str:
    """Return what tells this start's certificate from every other one's."""
    return secrets.token_hex(6)


def alt_name(user: str, server: str, certificate: str) -> str:
    """Return the name, in OpenSSL's form, by which hub and proxy will reach this start."""
    return f"DNS:{certified_alias(notebook_name(user, server), certificate)}"


def take(certificate: str, paths: Mapping[str, str]) -> Certificate:
    """Read what JupyterHub has written for one start, and remove the key: nobody needs it again.

    Args:
        certificate: from `new_id`.
        paths: of "keyfile", "certfile" and "cafile".

    Raises:
        OSError: a file cannot be read or the key not be removed.
    """
    key = Path(paths["keyfile"])
    parts = [Path(paths[part]).read_text() for part in ("certfile", "cafile")]
    pem = "\n".join(text.strip() for text in (key.read_text(), *parts)) + "\n"
    key.unlink()
    return Certificate(certificate, pem)
