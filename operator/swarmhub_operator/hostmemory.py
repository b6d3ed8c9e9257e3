"""How much memory the machine has that this process runs on, and how much of it is in use.

The kernel tells a container of the whole machine: no engine is asked for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = Path("/proc/meminfo")
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class HostMemory:
    """Bytes; what the kernel could free at once is not in use."""

    total: int
    used: int


def parse(text: str) -> HostMemory | None:
    """Read what the kernel tells; None if it is not what Linux writes."""
    lines = (line.partition(":") for line in text.splitlines())
    told = {name: rest.split() for name, _, rest in lines}
    total, free = (_bytes(told.get(name)) for name in ("MemTotal", "MemAvailable"))
    if total is None or free is None:
        return None
    return HostMemory(total, max(0, total - free))


def _bytes(words: list[str] | None) -> int | None:
    match words:
        case [count, "kB"] if count.isascii() and count.isdecimal():
            return int(count) * _KIB
        case _:
            return None


def host_memory(file: Path = FILE) -> HostMemory | None:
    """Return what is told now; None where nothing is."""
    try:
        return parse(file.read_text(errors="replace"))
    except OSError:
        return None
