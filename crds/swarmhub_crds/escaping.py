"""How DockerSpawner, and KubeSpawner before version 7, write the names of users: and back again.

The volumes that they have made carry such names, and are found again by them.
"""

from __future__ import annotations

import re
import string
from enum import StrEnum
from typing import Final

_LOWER_SAFE: Final = frozenset(string.ascii_lowercase + string.digits)
_LEGACY_SAFE: Final = frozenset(string.ascii_letters + string.digits + "-")


class Escape(StrEnum):
    """The two ways; the values are those that a person gives."""

    ESCAPE = "escape"  # DockerSpawner 12 and newer
    LEGACY = "legacy"  # DockerSpawner before 12, and later with escape = "legacy"

    def write(self, text: str) -> str:
        """Return `text` as it is written in names."""
        return escaped(text) if self is Escape.ESCAPE else legacy_escaped(text)

    def read(self, text: str) -> str | None:
        """Return what is written as `text`; None: nothing is."""
        mark = "-" if self is Escape.ESCAPE else "_"
        found = re.sub(
            f"(?:{mark}[0-9a-fA-F]{{2}})+".encode(),
            lambda run: bytes.fromhex(run[0].decode().replace(mark, "")),
            text.encode("utf-8", "replace"),
        )
        try:
            plain = found.decode()
        except UnicodeDecodeError:
            return None
        return plain if self.write(plain) == text else None


def escaped(text: str) -> str:
    """Return `text` as DockerSpawner 12 and newer writes it: "Ada.L" becomes "-41da-2e-4c"."""
    return _escaped(text, _LOWER_SAFE, "-").lower()


def legacy_escaped(text: str) -> str:
    """Return `text` as DockerSpawner before 12 writes it: "ada.l" becomes "ada_2El"."""
    return _escaped(text, _LEGACY_SAFE, "_")


def _escaped(text: str, safe: frozenset[str], mark: str) -> str:
    return "".join(
        char if char in safe else "".join(f"{mark}{byte:X}" for byte in char.encode())
        for char in text
    )
