"""Requests about services: what is refused, and what becomes of a spec that is accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simswarm import lookup
from simswarm.orchestrator import Orchestrator
from simswarm.raw import Raw
from simswarm.refusal import OUT_OF_SEQUENCE, Refusal, invalid
from simswarm.scheduler import parse_constraint
from simswarm.world import World

_NAME = re.compile(r"^[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*$")
_LONGEST_NAME = 63
_OMITTED: tuple[Any, ...] = (None, "", 0, False, [], {})  # what Go leaves out of JSON
_KEPT = frozenset({"ForceUpdate", "Replicas", "ExitCode", "MaxAttempts"})


class Services:
    """Creates, updates and removes services."""

    def __init__(self, world: World, orchestrator: Orchestrator) -> None:
        self._world = world
        self._orchestrator = orchestrator

    def create(self, asked: Mapping[str, Any]) -> Raw:
        """Create a service.

        Raises:
            Refusal: the name is taken, or the spec is wrong.
        """
        world = self._world
        spec = self.accepted({**asked, "Name": asked.get("Name") or f"happy_{world.new_id(6)}"})
        name = spec["Name"]
        if world.services.by("name", name):
            text = f"name conflicts with an existing object: service {name} already exists"
            raise Refusal(409, f"rpc error: code = AlreadyExists desc = {text}")
        new: Raw = {"ID": world.new_id(), "Spec": spec, "Endpoint": {"Spec": {}}}
        made = world.put(world.services, new)
        world.journal.tell("service", "create", made["ID"], {"name": name})
        self._orchestrator.wake(made["ID"])
        return made

    def update(self, reference: str, version: int, asked: Mapping[str, Any]) -> None:
        """Replace a service's spec.

        Raises:
            Refusal: it is gone, was changed meanwhile, or the spec is wrong.
        """
        world = self._world
        old = lookup.find("service", world.services, reference)
        spec = self.accepted(asked)
        if spec["Name"] != old["Spec"]["Name"]:
            text = "renaming services is not supported"
            raise Refusal(501, f"rpc error: code = Unimplemented desc = {text}")
        if set(spec["Mode"]) != set(old["Spec"]["Mode"]):
            text = "service mode change is not allowed"
            raise Refusal(501, f"rpc error: code = Unimplemented desc = {text}")
        if version != old["Version"]["Index"]:
            raise OUT_OF_SEQUENCE
        kept = {k: v for k, v in old.items() if k not in ("UpdateStatus", "PreviousSpec")}
        new = {**kept, "Spec": spec, "PreviousSpec": old["Spec"]}
        world.put(world.services, new)
        about = {"name": spec["Name"]}
        before, after = (s["Mode"]["Replicated"]["Replicas"] for s in (old["Spec"], spec))
        if before != after:
            about |= {"replicas.new": str(after), "replicas.old": str(before)}
        world.journal.tell("service", "update", old["ID"], about)
        self._orchestrator.wake(old["ID"])

    def remove(self, reference: str) -> None:
        """Remove a service; its tasks end by and by.

        Raises:
            Refusal: it is gone.
        """
        world = self._world
        service = lookup.find("service", world.services, reference)
        del world.services[service["ID"]]
        about = {"name": service["Spec"]["Name"]}
        world.journal.tell("service", "remove", service["ID"], about)
        self._orchestrator.remove_service(service["ID"])

    def accepted(self, asked: Mapping[str, Any]) -> Raw:
        """Return a spec as the engine keeps it.

        Raises:
            Refusal: it is wrong.
        """
        name, template = asked["Name"], asked.get("TaskTemplate") or {}
        networks = [self._network(n) for n in template.get("Networks") or ()]
        if len(name) > _LONGEST_NAME:
            raise invalid(f"name must be {_LONGEST_NAME} characters or fewer")
        if not _NAME.match(name):
            raise invalid("name must be valid as a DNS name component")
        container = template.get("ContainerSpec") or {}
        if not container.get("Image"):
            raise invalid("ContainerSpec: image reference must be provided")
        for secret in container.get("Secrets") or ():
            if secret["SecretID"] not in self._world.secrets:
                raise invalid(f"secret not found: {secret['SecretName']}")
        for constraint in (template.get("Placement") or {}).get("Constraints") or ():
            parse_constraint(constraint)
        spec: Raw = {
            "Name": name,
            "Labels": dict(asked.get("Labels") or {}),
            "TaskTemplate": _template(template, networks),
            "Mode": asked.get("Mode") or {"Replicated": {"Replicas": 1}},
        }
        endpoint = asked.get("EndpointSpec")
        return {**spec, "EndpointSpec": endpoint} if endpoint else spec

    def _network(self, attachment: Mapping[str, Any]) -> Raw:
        target = attachment["Target"]
        try:
            found = lookup.find("network", self._world.networks, target)
        except Refusal:
            raise Refusal(500, f"network {target} not found") from None
        return pruned({**attachment, "Target": found["ID"]})


def _template(asked: Mapping[str, Any], networks: list[Raw]) -> Raw:
    """Return a task template as the engine reads it back, with its defaults."""
    read: Raw = {"ContainerSpec": {**pruned(asked["ContainerSpec"]), "Isolation": "default"}}
    for part in ("Resources", "Placement"):
        if asked.get(part) is not None:
            read[part] = pruned(asked[part])
    if asked.get("RestartPolicy") is not None:
        read["RestartPolicy"] = {**pruned(asked["RestartPolicy"]), "MaxAttempts": 0}
    if networks:
        read["Networks"] = networks
    return {**read, "ForceUpdate": asked.get("ForceUpdate", 0), "Runtime": "container"}


def pruned(value: Mapping[str, Any]) -> Raw:
    """Return a mapping without what Go leaves out: nothing, zero, and the empty."""
    return {
        key: pruned(inner) if isinstance(inner, Mapping) and key != "Labels" else inner
        for key, inner in value.items()
        if key in _KEPT or inner not in _OMITTED
    }
