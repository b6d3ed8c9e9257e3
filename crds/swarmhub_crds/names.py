"""Names: from any JupyterHub user and server to what the engine and DNS accept.

Every function is pure, total and stable: the same text gives the same name for ever, because
services, secrets and volumes are found again by it. Text that is already a legal name stays as it
is; anything else becomes "<readable>---<hash>". Legal text never holds "---", so the two cannot
meet, and two texts share a name only if 64 bits of SHA-256 collide.
"""

from __future__ import annotations

import json
import re
import unicodedata
from hashlib import sha256
from typing import Final

NAME_MAX: Final = 40
SERVICE_MAX: Final = 63  # also the longest DNS label
SECRET_MAX: Final = 64
NAME_PATTERN: Final = r"^[a-z0-9]+(--?[a-z0-9]+)*(---[0-9a-f]{16})?$"

_SAFE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME = re.compile(NAME_PATTERN)
_PREFIX = re.compile(r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]+)*")
_DIGEST = re.compile(r"[0-9a-f]{12,}")
_CERTIFIED = re.compile(r"---s[0-9a-f]{12}$")
_HASH_LENGTH = 16


def slug(text: str) -> str:
    """Return a name of at most 40 characters of [a-z0-9-] for `text`."""
    if _is_safe(text) and len(text) <= NAME_MAX:
        return text
    return _hashed(text, text, NAME_MAX)


def notebook_name(user: str, server: str = "") -> str:
    """Return the record name of a user's notebook; `server` is "" for the default one."""
    parts = [user, server] if server else [user]
    joined = "--".join(parts)
    if all(map(_is_safe, parts)) and len(joined) <= NAME_MAX:
        return joined
    return _hashed("-".join(parts), json.dumps([user, server], ensure_ascii=False), NAME_MAX)


def is_record_name(name: str) -> bool:
    """Tell whether `name` could have come from `slug` or `notebook_name`."""
    return len(name) <= NAME_MAX and _NAME.fullmatch(name) is not None


def service_name(notebook: str, prefix: str = "jupyter") -> str:
    """Return the Swarm service's name, at most 63 characters.

    Raises:
        ValueError: the prefix is none that the engine accepts.
    """
    return _fit(f"{_checked(prefix)}-{notebook}", SERVICE_MAX)


def secret_name(notebook: str, digest: str, prefix: str = "jupyter") -> str:
    """Return the Swarm secret's name, at most 64 characters, ending in 12 digits of `digest`.

    Raises:
        ValueError: the prefix is none that the engine accepts, or `digest` is no hex digest.
    """
    if not _DIGEST.match(digest):
        raise ValueError(f"{digest!r} is not a hex digest of 12 digits or more; pass a SHA-256")
    end = f"-{digest[:12]}"
    return _fit(f"{_checked(prefix)}-{notebook}", SECRET_MAX - len(end)) + end


def network_alias(notebook: str, generation: int, prefix: str = "jupyter") -> str:
    """Return a DNS label, at most 63 characters, that no other start of any notebook has.

    The three hyphens keep it apart from every service name: a user must not be able to name a
    server so that its service answers at another notebook's alias.

    Raises:
        ValueError: the prefix is none that the engine accepts.
    """
    return _alias(notebook, f"---g{generation}", prefix)


def certified_alias(notebook: str, certificate: str, prefix: str = "jupyter") -> str:
    """Return the DNS label, as `network_alias`, of a start that serves HTTPS.

    Its certificate must be signed for that name before the record has a generation.

    Args:
        notebook: name of the record.
        certificate: 12 hex digits that no other start of the notebook has.
        prefix: of all names.

    Raises:
        ValueError: the prefix is none that the engine accepts.
    """
    return _alias(notebook, f"---s{certificate}", prefix)


def is_certified(alias: str) -> bool:
    """Tell whether an alias comes from `certified_alias`."""
    return _CERTIFIED.search(alias) is not None


def _alias(notebook: str, end: str, prefix: str) -> str:
    label = _checked(prefix).replace("_", "-").lower()
    return _fit(f"{label}-{notebook}", SERVICE_MAX - len(end)) + end


def _is_safe(text: str) -> bool:
    return _SAFE.fullmatch(text) is not None


def _checked(prefix: str) -> str:
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(
            f"the name prefix {prefix!r} is not accepted by the engine; "
            "use letters, digits and inner hyphens"
        )
    return prefix


def _hashed(text: str, raw: str, limit: int) -> str:
    """Return the readable part of `text` and a hash over `raw`, at most `limit` long."""
    digest = sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    readable = "-".join(re.findall(r"[a-z0-9]+", plain))[: limit - len("---") - _HASH_LENGTH]
    return f"{readable.strip('-') or 'x'}---{digest}"


def _fit(name: str, limit: int) -> str:
    return name if len(name) <= limit else _hashed(name, name, limit)
