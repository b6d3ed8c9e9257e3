"""What looks like a secret in any text, whoever wrote it: by what stands before it, or its form.

Pure. Rather too much is hidden than too little: who reads a report misses a word less than its
sender misses a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Final

from swarmhub_crds import secretenv

# Besides those of the secret environment: headers, and words of other programs' configurations.
_FURTHER: Final = (
    "*AUTHORIZATION*",
    "*COOKIE*",
    "*JOIN_KEY*",
    "*UNLOCK*KEY*",
    "*_PASS",
    "PASS",
    "*_PWD",
)
_PATTERNS: Final = (*secretenv.PATTERNS, *_FURTHER)
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_WORD: Final = (
    r"(?:token|secret|passw(?:or)?d|passphrase|credentials?|api[_.-]?key|access[_.-]?key"
    r"|private[_.-]?key|cookie|_pwd|_pass(?=[\"']?\s*[=:]))"
)
_QUOTE: Final = r"(?:\\?[\"'])"
# In quotes, in quotes within quoted text, or a word.
_VALUE: Final = r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|\\\"[^\"]*|[^\s\"',;&(][^\s\"',;&]*"
# Each one's first group, if it has any, stays.
_LOOKS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
        r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^/\s\"'<>]{1,500}@",  # user and password of a URL
        rf"(?i)(authorization{_QUOTE}?\s*[=:]\s*{_QUOTE}?)(?:(?:bearer|basic|token)\s+)?[^\s\"',;]+",
        r"(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}",
        # What logins hand from page to page, and links that are signed.
        r"([?&](?:code|state|ticket|sig|signature|key|_xsrf)=)[^&\s\"'<>]+",
        # NAME=value, "name": "value", name: value, ?name=value
        rf"(?i)({_WORD}[\w.-]{{0,64}}{_QUOTE}?\s*[=:]\s*)(?:{_VALUE})",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?",  # JSON web tokens
        r"\bSWM(?:TKN|KEY)-1-[A-Za-z0-9-]+",  # Swarm: of joining, of unlocking
        r"\b(?:gh[opsur]_|github_pat_|glpat-|xox[abpr]-|hf_)[A-Za-z0-9_-]{10,}",
        r"\bAKIA[0-9A-Z]{16}\b",
        # JupyterHub's and Jupyter's tokens are hex; a digest says what it is.
        r"(?<![0-9A-Za-z])(?<!sha256:)[0-9a-f]{32,}(?![0-9A-Za-z])",
    )
)


def is_secret_name(name: str) -> bool:
    """Tell whether what is called so is taken for a secret: API_TOKEN, apiToken, x-api-key."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", _HUMP.sub("_", name)).upper()
    # "accesskey" is one, too, and so is "apiKey" however it is cut.
    names = (plain, name.upper())
    return any(fnmatchcase(one, pattern) for one in names for pattern in _PATTERNS)


def without(text: str, placeholder: str, count: Callable[[], None]) -> str:
    """Return `text` with all that looks like a secret replaced.

    Args:
        text: any.
        placeholder: what stands in its place.
        count: called once for each replacement.
    """

    def replaced(match: re.Match[str]) -> str:
        kept = match[1] or "" if match.re.groups else ""
        if match[0] in (kept + placeholder, kept + placeholder + "@"):
            return match[0]
        count()
        at = "@" if match[0].endswith("@") and kept.endswith("://") else ""
        return kept + placeholder + at

    for look in _LOOKS:
        text = look.sub(replaced, text)
    return text
