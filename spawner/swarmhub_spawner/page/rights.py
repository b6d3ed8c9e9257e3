"""Who may see and stop whose servers, and drain nodes, by JupyterHub's own scopes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

SEE: Final = "read:servers"
STOP: Final = "delete:servers"  # also of a restart, which ends what runs
STEER: Final = "admin:servers"  # nodes, and so the servers of all on them
WANTED: Final = (SEE, STOP, STEER)  # what a browser's token asks of its user's scopes


@dataclass(frozen=True)
class Rights:
    """What one person may.

    Attributes:
        user: their name in the hub; "" of a service that has a token.
        scopes: what the token of this request holds, expanded.
    """

    user: str
    scopes: frozenset[str]

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Self:
        """Read what the hub answered about a token."""
        own = model.get("kind", "user") == "user"
        return cls(str(model["name"]) if own else "", frozenset(model.get("scopes", ())))

    @property
    def fleet(self) -> bool:
        """Whether they see all servers, and so the machines and the operator, too."""
        return SEE in self.scopes

    @property
    def steers(self) -> bool:
        """Whether they may drain nodes."""
        return self.fleet and STEER in self.scopes

    def sees(self, user: str, server: str = "", groups: Iterable[str] = ()) -> bool:
        """Whether they see a server; everybody sees their own."""
        return self._owns(user) or self._may(SEE, user, server, groups)

    def stops(self, user: str, server: str = "", groups: Iterable[str] = ()) -> bool:
        """Whether they may stop and restart a server."""
        return self.sees(user, server, groups) and self._may(STOP, user, server, groups)

    def _owns(self, user: str) -> bool:
        return bool(user) and user == self.user

    def _may(self, scope: str, user: str, server: str, groups: Iterable[str]) -> bool:
        if scope in self.scopes:
            return True
        if not user:  # a record that cannot be read: whose it is, nobody knows
            return False
        among = (f"user={user}", f"server={user}/{server}", *(f"group={g}" for g in groups))
        return any(f"{scope}!{part}" in self.scopes for part in among)
