"""What two engines say, made comparable: ids by their order, no times, no addresses."""

from __future__ import annotations

import re
from typing import Any

_ID = re.compile(r"\b(?:[0-9a-z]{25}|[0-9a-f]{64})\b")
_OWN_OF_EACH = frozenset(
    {
        *("CreatedAt", "UpdatedAt", "Timestamp", "StartedAt", "CompletedAt", "Created", "Index"),
        *("Subnet", "Gateway", "Addr", "NodeAddr", "Addresses", "PID", "Mountpoint"),
        "com.docker.network.driver.overlay.vxlanid_list",
    }
)
_UNKNOWN = frozenset({"Description", "Platforms"})  # of the machine


class Normal:
    """Normalises the answers of one engine, in their order."""

    def __init__(self) -> None:
        self._symbols: dict[str, str] = {}

    def of(self, value: Any, key: str = "") -> Any:
        """Return a value as any engine would have said it."""
        if isinstance(value, dict):
            return {k: self.of(value[k], k) for k in sorted(value) if k not in _UNKNOWN}
        if isinstance(value, list):
            return [self.of(v, key) for v in value]
        if value and key in _OWN_OF_EACH:
            return f"<{key}>"
        return self._symbol_in(value) if isinstance(value, str) else value

    def _symbol_in(self, text: str) -> str:
        return _ID.sub(lambda m: self._symbol(m[0]), text)

    def _symbol(self, ident: str) -> str:
        return self._symbols.setdefault(ident, f"<id {len(self._symbols) + 1}>")


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Return where two normalised answers differ, as "path: simulated != real"."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted({*ours, *theirs})
        missing = "(nothing)"
        found = (
            differences(ours.get(k, missing), theirs.get(k, missing), f"{path}.{k}") for k in keys
        )
        return [d for inner in found for d in inner]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [d for n, (a, b) in pairs for d in differences(a, b, f"{path}[{n}]")]
    return [] if ours == theirs else [f"{path}: {ours!r} != {theirs!r}"]
