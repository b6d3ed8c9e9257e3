"""The engine's events: hints that are kept for a while, and may be lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from simswarm.clock import VirtualClock

KEPT = 256


class Journal:
    """The last events, and who listens to new ones.

    Attributes:
        muted: while it is set, events are lost.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        self.muted = False

    def tell(
        self,
        kind: str,
        action: str,
        ident: str,
        attributes: Mapping[str, str],
        scope: str = "swarm",
    ) -> None:
        """Tell of something that happened, in the engine's own form."""
        if self.muted:
            return
        moment = self._clock.stamp()
        seconds = int(moment.timestamp())
        event: dict[str, Any] = {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": ident, "Attributes": dict(attributes)},
            "scope": scope,
            "time": seconds,
            "timeNano": seconds * 10**9 + moment.microsecond * 1000,
        }
        if kind == "container":
            event = {"status": action, "id": ident, "from": attributes["image"], **event}
        self._kept.append(event)
        for listener in tuple(self._listeners):
            listener(event)

    def since(self, moment: float | None, until: float | None = None) -> list[dict[str, Any]]:
        """Return the kept events between two times in seconds since 1970; None: no replay."""
        if moment is None:
            return []
        end = float("inf") if until is None else until
        return [e for e in self._kept if moment <= e["timeNano"] / 1e9 <= end]

    def listen(self, listener: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call `listener` at each new event until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)


def passes(event: Mapping[str, Any], filters: Mapping[str, list[str]]) -> bool:
    """Return whether an event is asked for; values of one filter are alternatives."""
    attributes = event["Actor"]["Attributes"]
    for key, values in filters.items():
        if key == "type":
            seen = [event["Type"]]
        elif key == "event":
            seen = [event["Action"]]
        elif key == "scope":
            seen = [event["scope"]]
        elif key == "label":
            seen = [*attributes, *(f"{k}={v}" for k, v in attributes.items())]
        else:
            mine = event["Type"] == key
            seen = [event["Actor"]["ID"], attributes.get("name", "")] if mine else []
        if not set(values) & set(seen):
            return False
    return True
