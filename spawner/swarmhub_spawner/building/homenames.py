"""Which volumes were a server's homes before: a change of templates must move nobody's home."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class HomeNames:
    """The names of a user's homes by the paths where they are mounted.

    `shared` are those of all the user's servers, `own` those of one server. `templates` are those
    of the volumes that stay: what a profile, a group or a hook chooses for one start is not there.
    """

    user: str = ""
    shared: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    templates: frozenset[str] = frozenset()

    def at(self, target: str, *, of_server: bool) -> str | None:
        """Return the home that was mounted at a path; None: none is remembered."""
        return (self.own if of_server else self.shared).get(target)

    def with_these(self, shared: Mapping[str, str], own: Mapping[str, str]) -> HomeNames:
        """Remember these, too."""
        return replace(self, shared={**self.shared, **shared}, own={**self.own, **own})

    def without(self, names: Iterable[str]) -> HomeNames:
        """Forget these: the configuration says itself where they are mounted."""
        said = set(names)
        return replace(
            self,
            shared={path: name for path, name in self.shared.items() if name not in said},
            own={path: name for path, name in self.own.items() if name not in said},
        )

    def as_state(self) -> dict[str, Any]:
        """Return what `from_state` reads, as JSON has it."""
        return {"user": self.user, "shared": dict(self.shared), "own": dict(self.own)}


def remembered_names(
    user: str, state: Any, others: Iterable[Any], templates: Iterable[str] = ()
) -> HomeNames:
    """Return what the saved state of a server, and of the user's other servers, remembers.

    What was saved for a user of another name is not: volumes carry the name, and who is renamed
    has new ones.
    """
    mine = _from_state(user, state)
    shared: dict[str, str] = {}
    for other in others:
        shared |= _from_state(user, other).shared
    return HomeNames(
        user=user,
        shared={**shared, **mine.shared},
        own=mine.own,
        templates=frozenset(templates),
    )


def _from_state(user: str, state: Any) -> HomeNames:
    if not isinstance(state, Mapping) or state.get("user") != user:
        return HomeNames()
    return HomeNames(user=user, shared=state.get("shared") or {}, own=state.get("own") or {})
