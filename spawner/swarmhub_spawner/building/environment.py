"""Which variables a service may show, and which travel as a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from swarmhub_crds import secretenv
from swarmhub_crds.notebook import ENV_NAME

from swarmhub_spawner.errors import OptionError

ALWAYS_SECRET: Final = ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")
SECRET_PATTERNS: Final = secretenv.PATTERNS


def split_environment(
    environment: Mapping[str, Any], patterns: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the plain and the secret part of an environment.

    A value of None leaves the variable out; other values become text. The API tokens are
    secret whatever `patterns` (shell patterns on the upper-case name) say.

    Raises:
        OptionError: a name is no legal variable name or a value cannot stand in an environment.
    """
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for name, value in environment.items():
        if value is None:
            continue
        if not re.fullmatch(ENV_NAME, name):
            raise OptionError(
                f"environment: {name!r} is no legal variable name; use letters, digits and '_'."
            )
        text = value if isinstance(value, str) else _text(name, value)
        if "\0" in text:
            raise OptionError(f"environment: the value of {name} holds a NUL byte; remove it.")
        (secret if _is_secret(name, patterns) else plain)[name] = text
    return plain, secret


def _text(name: str, value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value)
    raise OptionError(
        f"environment: the value of {name} is of type {type(value).__name__}; give a string."
    )


def _is_secret(name: str, patterns: Sequence[str]) -> bool:
    upper = name.upper()
    return upper in ALWAYS_SECRET or any(fnmatchcase(upper, p.upper()) for p in patterns)
