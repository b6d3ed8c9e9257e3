"""What of the engine's lists is swarmhub's: the stack, notebooks, errands, pulls. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from swarmhub_operator.engine import decode
from swarmhub_operator.engine.observed import Task

STACK: Final = "swarmhub"  # as `docker stack deploy` is given it
_NAMESPACE: Final = "com.docker.stack.namespace"
_PREFIX: Final = "swarmhub."  # of our labels, in `engine.labels`

Raw = Mapping[str, Any]


def services(listed: Iterable[Raw]) -> list[Raw]:
    """Return the services that are ours, whichever store they belong to."""
    return [raw for raw in listed if _is_ours(_spec(raw).get("Labels"))]


def tasks(listed: Iterable[Raw], of: Iterable[Raw]) -> list[Raw]:
    """Return the tasks of services, and those whose container carries a label of ours."""
    idents = {raw["ID"] for raw in of}
    return [
        raw
        for raw in listed
        if raw.get("ServiceID") in idents
        or _is_ours((_spec(raw).get("ContainerSpec") or {}).get("Labels"))
    ]


def networks(listed: Iterable[Raw], of: Iterable[Raw]) -> list[Raw]:
    """Return the networks that are ours, and those that services join."""
    joined = {network.get("Target") for raw in of for network in _joined(raw)}
    return [
        raw
        for raw in listed
        if raw.get("Id") in joined
        or raw.get("Name") in joined
        or str(raw.get("Name", "")).startswith(STACK)
        or _is_ours(raw.get("Labels"))
    ]


def newest_tasks(service: str, listed: Sequence[Raw], found: Iterable[Raw], most: int) -> list[Raw]:
    """Return the newest tasks of the service of this name that have had a container."""
    ident = next((raw["ID"] for raw in found if _spec(raw).get("Name") == service), None)
    own = [raw for raw in listed if raw.get("ServiceID") == ident and ident is not None]
    begun = [(decode.task(raw), raw) for raw in own]
    begun = [pair for pair in begun if pair[0].container]
    begun.sort(key=lambda pair: _order(pair[0]), reverse=True)
    return [raw for _, raw in begun[:most]]


def _order(task: Task) -> Any:
    return task.rank


def _spec(raw: Raw) -> Mapping[str, Any]:
    return raw.get("Spec") or {}


def _joined(service: Raw) -> Sequence[Raw]:
    template = _spec(service).get("TaskTemplate") or {}
    return template.get("Networks") or _spec(service).get("Networks") or ()


def _is_ours(labels: Mapping[str, str] | None) -> bool:
    about = labels or {}
    return about.get(_NAMESPACE) == STACK or any(key.startswith(_PREFIX) for key in about)
