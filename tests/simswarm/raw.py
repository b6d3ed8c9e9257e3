"""The form in which the engine's API shows an object."""

from __future__ import annotations

from typing import Any

Raw = dict[str, Any]  # replaced when it changes, never changed itself
