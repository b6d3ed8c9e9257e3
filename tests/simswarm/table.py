"""Objects by their ids, and by what else they are asked for: as the managers' memory indexes them.

Without that, the simulated engine would spend its time on looking through all tasks for those of
one node, which the engine itself does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from simswarm.raw import Raw

Keys = Callable[[Raw], Iterable[str]]


class Table(dict[str, Raw]):
    """A dict whose objects are set and deleted one by one (`[]`, `del`), with indexes beside it."""

    def __init__(self, **indexes: Keys) -> None:
        """`indexes`: by name, what an object is found under."""
        super().__init__()
        self._keys = indexes
        self._found: dict[tuple[str, str], dict[str, Raw]] = {}

    def __setitem__(self, ident: str, raw: Raw) -> None:
        """Put an object, in place of the one that has its id."""
        old = self.get(ident)
        for index, keys in self._keys.items():
            new = {(index, key) for key in keys(raw)}
            if old is not None:
                for place in {(index, key) for key in keys(old)} - new:
                    self._leave(place, ident)
            for place in new:
                self._found.setdefault(place, {})[ident] = raw
        super().__setitem__(ident, raw)

    def __delitem__(self, ident: str) -> None:
        """Remove an object."""
        raw = self[ident]
        for index, keys in self._keys.items():
            for key in set(keys(raw)):
                self._leave((index, key), ident)
        super().__delitem__(ident)

    def by(self, index: str, key: str) -> list[Raw]:
        """Return the objects that an index has under a key, in the order in which they came."""
        return list(self._found.get((index, key), {}).values())

    def _leave(self, place: tuple[str, str], ident: str) -> None:
        here = self._found[place]
        del here[ident]
        if not here:
            del self._found[place]


def names(raw: Raw) -> tuple[str]:
    """Return the name of a service or a secret."""
    return (raw["Spec"]["Name"],)


def labels(raw: Raw) -> Iterable[str]:
    """Return the labels of a service or a secret, as a filter names them."""
    return pairs(raw["Spec"].get("Labels") or {})


def pairs(labels: Mapping[str, str]) -> Iterable[str]:
    """Return labels as a filter names them."""
    return [f"{key}={value}" for key, value in labels.items()]


def mounted(service: Raw) -> list[str]:
    """Return the ids of the secrets that a service mounts."""
    container = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    return [s["SecretID"] for s in container.get("Secrets") or ()]


def service(task: Raw) -> tuple[str]:
    """Return whose task it is."""
    return (task["ServiceID"],)


def node(task: Raw) -> tuple[str, ...]:
    """Return where a task was placed."""
    return (task["NodeID"],) if task.get("NodeID") else ()
