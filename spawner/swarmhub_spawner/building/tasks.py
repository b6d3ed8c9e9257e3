"""From docker.types' words for tasks, endpoints and resources to what the record asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from swarmhub_spawner.building.templates import expand_all
from swarmhub_spawner.building.words import given_words, read_bytes, read_number, read_texts
from swarmhub_spawner.errors import OptionError

_NANO: Final = 10**9

_TASK_REFUSED: Final = {
    "container_spec": "is not taken here; use extra_container_spec.",
    "resources": "is not taken here; use extra_resources_spec.",
    "placement": "is not taken here; use extra_placement_spec.",
    "log_driver": "is the nodes' business; set log-driver in their daemon.json.",
    "force_update": "is the operator's: it counts a notebook's restarts; leave it out.",
}
_NETWORK_REFUSED: Final = {
    "aliases": "of a network cannot be: a server is found by the name of its service, which "
    "`swarmhub get notebooks` lists; leave it out.",
    "driveropts": "of a network cannot be set for one server; set them on the network itself.",
}
_ENDPOINT_REFUSED: Final = {
    "ports": "cannot be: the proxy reaches notebooks over their network, and a published port "
    "would let anybody in past it; leave it out.",
}


def read_task_spec(spec: Any, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the networks of a dict with the words of docker.types.TaskTemplate.

    Raises:
        OptionError: another word is set that is not the operator's way anyway.
    """
    option = "extra_task_spec"
    given = given_words(option, spec, ("networks", "restart_policy"), _TASK_REFUSED)
    policy = {str(k).lower(): v for k, v in (given.get("restart_policy") or {}).items()}
    if policy.get("condition", "none") != "none":
        raise OptionError(
            f"{option}: 'restart_policy' cannot be {policy['condition']!r}: the operator restarts "
            "what crashes, with back-off and a budget, and Swarm must not; leave it out."
        )
    networks = []
    for item in given.get("networks") or ():
        name = _network(option, item) if isinstance(item, Mapping) else item
        networks.append(expand_all(name, values, option))
    return read_texts(option, "networks", networks)


def _network(option: str, item: Mapping[str, Any]) -> Any:
    """Return the name in a docker.types.NetworkAttachmentConfig."""
    said = {str(word).lower(): value for word, value in item.items() if value}
    return given_words(option, said, ("target",), _NETWORK_REFUSED).get("target", "")


def read_endpoint_spec(spec: Any) -> None:
    """Look through a dict with the words of docker.types.EndpointSpec: nothing of it can differ.

    Raises:
        OptionError: it asks for ports, or for a virtual address.
    """
    option = "extra_endpoint_spec"
    given = given_words(option, spec, ("mode",), _ENDPOINT_REFUSED)
    if given.get("mode", "dnsrr") != "dnsrr":
        raise OptionError(
            f"{option}: 'mode' is always 'dnsrr': through a virtual address ({given['mode']!r}) "
            "websockets are cut after 15 idle minutes; leave it out."
        )


def read_resources_spec(option: str, spec: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a dict with the words of docker.types.Resources asks for.

    Returns:
        Fields of a Request (cores and bytes), and generic resources by name.

    Raises:
        OptionError: a value is no number, or a generic resource is asked for by its own name.
    """
    words = ("cpu_limit", "cpu_reservation", "mem_limit", "mem_reservation", "generic_resources")
    given = given_words(option, spec, words, {})
    fields: dict[str, Any] = {}
    for word, name in (("cpu_limit", "cpu_limit"), ("cpu_reservation", "cpu_guarantee")):
        if word in given:
            fields[name] = read_number(option, word, given[word]) / _NANO
    for word, name in (("mem_limit", "mem_limit"), ("mem_reservation", "mem_guarantee")):
        if word in given:
            fields[name] = read_bytes(option, word, given[word])
    return fields, dict(_generic(option, given.get("generic_resources") or {}))


def _generic(option: str, resources: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(resources, Mapping):
        yield from resources.items()
        return
    for item in resources:
        discrete = item.get("DiscreteResourceSpec") if isinstance(item, Mapping) else None
        if not discrete:
            raise OptionError(
                f"{option}: 'generic_resources' must be {{name: number}}, not {item!r}: Swarm "
                "picks which of them a notebook gets."
            )
        yield discrete["Kind"], discrete["Value"]
