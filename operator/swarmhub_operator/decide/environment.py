"""Which variables of a notebook's environment would break its start, or reach beyond it. Pure.

Nearly all act in the notebook alone, as its command does, which the hub chooses anyway. Refused is
what turns the shell that reads the secret environment against it (tried with dash and bash as
`sh`), and what programs outside of the container listen to (`refused_environment`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from swarmhub_crds import secretenv
from swarmhub_crds.notebook import ENV_NAME

# Options of bash, taken from the environment: "noexec" reads the start and does nothing, "xtrace"
# writes every secret to the log. And a place in the arguments, which must be a number.
_STEERS: Final = frozenset({"SHELLOPTS", "BASHOPTS", "OPTIND"})
# Read-only in bash: it ends when the secret environment assigns one.
_READ_ONLY: Final = frozenset({"UID", "EUID", "PPID", "BASH_VERSINFO"})
# The kernel's bound for one variable with its name and the NUL at its end (MAX_ARG_STRLEN).
_LONGEST: Final = 128 * 1024 - 2
_NAME: Final = re.compile(ENV_NAME, re.ASCII)


def plain_faults(environment: Mapping[str, str], refused: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with a plain environment, a sentence each.

    Args:
        environment: the variables.
        refused: shell patterns of names that the policy refuses.
    """
    for name, value in environment.items():
        yield from _faults(name, value, refused)


def secret_faults(environment: Mapping[str, str], refused: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with a secret environment, which a shell reads; never a value."""
    for name, value in environment.items():
        if name == secretenv.TLS:
            continue  # no variable: it stands in the file as an argument of a command
        if not _NAME.fullmatch(name):
            yield (
                f"The secret variable {name[:80]!r} has a name that no shell takes; use letters, "
                "digits and '_'."
            )
        elif name in _READ_ONLY:
            yield (
                f"The variable {name} cannot be secret, since shells hold it read-only; "
                "rename it in the spawner's environment."
            )
        else:
            yield from _faults(name, value, refused)


def _faults(name: str, value: str, refused: tuple[str, ...]) -> Iterator[str]:
    if name in _STEERS:
        yield (
            f"The variable {name} would break the start of the server; "
            "take it out of the spawner's environment."
        )
    elif any(fnmatchcase(name, pattern) for pattern in refused):
        yield (
            f"The variable {name} is not allowed; take it out of the spawner's environment or ask "
            "the administrator to take it out of refused_environment in the operator's policy."
        )
    if "\0" in value:
        yield f"The variable {name} holds a NUL byte, which no environment can; remove it."
    if len(name) + len(value.encode()) > _LONGEST:
        yield (
            f"The variable {name} is longer than the 128 KiB that Linux takes; "
            "put its content into a file."
        )
