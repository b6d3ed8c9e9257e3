"""What an update would change about a service, field by field. Pure, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, Final

from swarmhub_crds import secretenv

from swarmhub_operator.decide.drift import IF_KNOWN, NEVER_GIVEN, is_empty
from swarmhub_operator.engine import labels

HIDDEN: Final = "(hidden)"
_RECORD: Final = f"Labels.{labels.RECORD}"
_NETWORK: Final = re.compile(r"^TaskTemplate\.Networks\[\d+\]\.Target$")
# Maps whose every key is ours; elsewhere the engine adds keys of its own.
_OURS: Final = frozenset({"Labels", "TaskTemplate.ContainerSpec.Labels"})
_NEVER_GIVEN: Final = frozenset(
    f"TaskTemplate.{part}.{key}" for part, keys in NEVER_GIVEN.items() for key in keys
)
_KEYS: Final = {"Mounts": "Target", "Secrets": "SecretName"}  # what tells the items of a list apart
_SECRETIVE: Final = re.compile(
    r"(?i)(token|secret|passw(or)?d|passphrase|credentials?|key)[=:]\s*\S|://[^/\s]+@"
)


@dataclass(frozen=True, slots=True)
class Change:
    """One field, by its dotted name in the service spec; None: it is not there."""

    path: str
    old: str | None
    new: str | None


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what becomes of a service's spec by an update, or with an empty `old` by its making.

    Left out is what the engine alone fills in, and the names of networks, for which it answers
    ids. What may be a secret is hidden, and the record on the service is told by its digest.
    """
    found = _differences(old, new, "")
    return tuple(Change(path, _shown(path, was), _shown(path, is_)) for path, was, is_ in found)


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if _NETWORK.match(path) and old is not None:
        return
    sides = [side for side in (old, new) if not is_empty(side)]
    if sides and all(map(_is_list, sides)):
        yield from _of_lists(old or (), new or (), path)
        return
    if isinstance(new, Mapping) and (isinstance(old, Mapping) or is_empty(old)):
        yield from _of_maps(old or {}, new, path)
    elif isinstance(old, Mapping) and old and is_empty(new):
        gone = [d for key in old for d in _differences(old[key], None, _joined(path, key))]
        yield from gone or [(path, dict(old), new)]
    elif old != new and not (is_empty(old) and is_empty(new)):
        yield path, old, new


def _of_maps(
    old: Mapping[str, Any], new: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Any, Any]]:
    for key, value in new.items():
        inner = _joined(path, key)
        if inner == IF_KNOWN and old and key not in old:
            continue
        yield from _differences(old.get(key), value, inner)
    for key in old.keys() - new.keys():
        inner = _joined(path, key)
        if path in _OURS or inner in _NEVER_GIVEN or isinstance(old, _Listed):
            yield from _differences(old[key], None, inner)


def _of_lists(old: Sequence[Any], new: Sequence[Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    """Tell the items apart by name; where only their order or number differs, tell all of both."""
    before, after = _keyed(old, path), _keyed(new, path)
    found = [*_of_maps(before, after, path)]
    if not found and [*before] != [*after]:
        found = [(path, [*before], [*after])]
    plain = len(old) != len(new) or not any(isinstance(item, Mapping) for item in (*old, *new))
    if not found and plain and old != new:
        found = [(path, list(old), list(new))]
    yield from found


class _Listed(dict[str, Any]):
    """The items of a list, by what tells them apart; all of it is ours."""


def _keyed(value: Any, path: str) -> Any:
    """Return a list as a map, so that one item more changes none of the others."""
    if not _is_list(value):
        return value
    name = path.rpartition(".")[2]
    if name == "Env" and all(isinstance(item, str) for item in value):
        return _Listed(item.partition("=")[::2] for item in value)
    key = _KEYS.get(name)
    if key and all(isinstance(item, Mapping) and key in item for item in value):
        named = _Listed((f"[{item[key]}]", item) for item in value)
        if len(named) == len(value):
            return named
    return _Listed((f"[{number}]", item) for number, item in enumerate(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _joined(path: str, key: str) -> str:
    if not path:
        return key
    return f"{path}{key}" if key.startswith("[") else f"{path}.{key}"


def _shown(path: str, value: Any) -> str | None:
    if value is None:
        return None
    if path == _RECORD:
        return f"sha256:{sha256(str(value).encode()).hexdigest()[:12]}"
    if isinstance(value, bool):
        return str(value).lower()
    return HIDDEN if _is_secret(path, str(value)) else str(value)


def _is_secret(path: str, value: str) -> bool:
    """Whether a value may be a secret: by what it is called, or by how it looks."""
    if ".Secrets[" in path:  # names, ids and file modes
        return False
    name = path.rpartition(".")[2].upper()
    if name == "ENV":  # all of it, since only the order differs
        return True
    named = any(fnmatchcase(name, pattern) for pattern in secretenv.PATTERNS)
    return named or bool(_SECRETIVE.search(value))
