"""The secret environment: the variables of a notebook that stand in no spec, and its TLS part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

FILE: Final = "swarmhub-env"  # the one file in which all of it reaches the container
PATH: Final = f"/run/secrets/{FILE}"
# The key under which private key, certificate and trusted authorities stand, as one PEM text: no
# variable can be called so.
TLS: Final = ":tls"

# Shell patterns on upper-case names: what is called so is taken for a secret.
PATTERNS: Final = (
    "*TOKEN*",
    "*SECRET*",
    "*PASSWORD*",
    "*PASSWD*",
    "*PASSPHRASE*",
    "*CREDENTIAL*",
    "*API_KEY*",
    "*APIKEY*",
    "*ACCESS_KEY*",
    "*PRIVATE_KEY*",
)


def canonical(environment: Mapping[str, str]) -> str:
    """Return the one JSON text that stands for `environment`."""
    return json.dumps(dict(environment), sort_keys=True, separators=(",", ":"))


def digest(environment: Mapping[str, str]) -> str:
    """Return the SHA-256, in hex, of the canonical JSON; "" when nothing is secret."""
    return sha256(canonical(environment).encode()).hexdigest() if environment else ""
