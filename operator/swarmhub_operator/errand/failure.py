"""How copying fails."""

from __future__ import annotations


class CopyError(Exception):
    """Content could not be copied; `str()` is one sentence with the next step."""
