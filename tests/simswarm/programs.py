"""What the containers of a simulation do: which images exist, and what runs in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

KILLED = 137
TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Program:
    """How one container behaves. Times are seconds.

    Attributes:
        answers_after: from its start to its first HTTP answer; None: it never answers.
        runs_for: until it ends by itself; None: for ever.
        exit_code: with which it ends by itself.
        stops_in: from SIGTERM to its end; None: it has to be killed after the grace period.
        stop_code: with which it ends after SIGTERM.
        log: lines that it writes at its start, as (stream, text); 1 is stdout, 2 is stderr.
        start_error: why it cannot be started at all, with exit code 127.
    """

    answers_after: float | None = 1.0
    runs_for: float | None = None
    exit_code: int = 0
    stops_in: float | None = 0.1
    stop_code: int = 0
    log: tuple[tuple[int, str], ...] = ()
    start_error: str = ""


SERVER = Program()
Behaviour = Callable[[str, Sequence[str]], Program]


def always(program: Program = SERVER) -> Behaviour:
    """Return a behaviour in which every container runs the same program."""
    return lambda _image, _command: program


def by_command(programs: dict[tuple[str, ...], Program]) -> Behaviour:
    """Return a behaviour in which the command decides, and what is unknown is a server."""
    return lambda _image, command: programs.get(tuple(command), SERVER)


@dataclass
class Images:
    """Which images the nodes have, and what the registry tells.

    Attributes:
        missing: patterns (regular expressions) of images that no node can get.
        registry: whether the registry answers.
        tags: digests that images were given, by name.
    """

    missing: set[str] = field(default_factory=set)
    registry: bool = True
    tags: dict[str, str] = field(default_factory=dict)

    def can_be_had(self, image: str) -> bool:
        """Return whether a node gets the image."""
        return not any(re.search(pattern, image) for pattern in self.missing)

    def digest(self, image: str) -> str | None:
        """Return the digest of an image in the registry, or None."""
        if not self.can_be_had(image):
            return None
        if "@" in image:
            return image.partition("@")[2]
        return self.tags.get(image, f"sha256:{sha256(image.encode()).hexdigest()}")
