"""Requests about secrets, whose content nobody reads back."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from simswarm import lookup
from simswarm.raw import Raw
from simswarm.refusal import Refusal, invalid
from simswarm.world import World

_NAME = re.compile(r"^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$")
_LONGEST_NAME = 64
_TOO_LARGE = 512000


class Secrets:
    """Creates and removes secrets."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.content: dict[str, bytes] = {}

    def create(self, asked: Mapping[str, Any]) -> Raw:
        """Create a secret; its data comes in base64.

        Raises:
            Refusal: the name is taken or wrong, or the content has not the right size.
        """
        world, name = self._world, asked.get("Name") or ""
        if not name:
            raise invalid("name must be provided")
        if len(name) > _LONGEST_NAME or not _NAME.match(name):
            raise invalid(
                "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, "
                "and the start and end character must be [a-zA-Z0-9]"
            )
        content = b64decode(asked.get("Data") or "")
        if not 0 < len(content) < _TOO_LARGE:
            raise invalid("secret data must be larger than 0 and less than 512000 bytes")
        if world.secrets.by("name", name):
            text = f"secret {name} already exists"
            raise Refusal(409, f"rpc error: code = AlreadyExists desc = {text}")
        spec = {"Name": name, "Labels": dict(asked.get("Labels") or {})}
        made = world.put(world.secrets, {"ID": world.new_id(), "Spec": spec})
        self.content[made["ID"]] = content
        world.journal.tell("secret", "create", made["ID"], {"name": name})
        return made

    def remove(self, reference: str) -> None:
        """Remove a secret that no service mounts.

        Raises:
            Refusal: it is gone, or in use.
        """
        world = self._world
        secret = lookup.find("secret", world.secrets, reference)
        ident, name = secret["ID"], secret["Spec"]["Name"]
        users = [s["Spec"]["Name"] for s in world.services.by("secret", ident)]
        if users:
            which = "service" if len(users) == 1 else "services"
            text = f"secret '{name}' is in use by the following {which}: {', '.join(users)}"
            raise invalid(text)
        del world.secrets[ident]
        del self.content[ident]
        world.journal.tell("secret", "remove", ident, {"name": name})
