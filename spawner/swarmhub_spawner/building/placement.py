"""From the options about nodes to constraints and generic resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from swarmhub_crds import constraint
from swarmhub_crds.notebook import RESOURCE_KIND

from swarmhub_spawner.building.templates import expand
from swarmhub_spawner.building.words import given_words
from swarmhub_spawner.errors import OptionConflict, OptionError

_REFUSED: Final = {
    "preferences": "is not supported: the operator itself spreads notebooks over nodes; say what a "
    "node must be in 'constraints'.",
    "maxreplicas": "means nothing for a notebook, which has one container; leave it out.",
}


@dataclass(frozen=True, kw_only=True)
class PlacementOptions:
    """The options of the spawner about nodes, as configured."""

    node_selector: Mapping[str, Any] = field(default_factory=dict)
    placement_spec: Mapping[str, Any] = field(default_factory=dict)
    guarantees: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)


def build_constraints(options: PlacementOptions, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a node must be, in Swarm's form, each condition once.

    Raises:
        OptionError: Swarm would not understand a condition, or knows no such placement.
    """
    found = (*_selected(options, values), *_placed(options, values))
    return tuple(dict.fromkeys(found))


def _selected(options: PlacementOptions, values: Mapping[str, str]) -> Iterator[str]:
    for label, value in options.node_selector.items():
        text = expand(str(value), values, "node_selector")
        yield _read(f"{constraint.NODE_LABELS}{label}=={text}", "node_selector")


def _placed(options: PlacementOptions, values: Mapping[str, str]) -> Iterator[str]:
    option = "extra_placement_spec"
    given = given_words(option, options.placement_spec, ("constraints", "platforms"), _REFUSED)
    constraints = given.get("constraints", ())
    if isinstance(constraints, str) or not all(isinstance(c, str) for c in constraints):
        raise OptionError(
            "extra_placement_spec: 'constraints' must be a list of texts such as "
            "'node.role!=manager'."
        )
    for text in constraints:
        yield _read(expand(text, values, option), option)
    platforms = given.get("platforms", ())
    if len(platforms) > 1:
        raise OptionError(
            f"{option}: of 'platforms' only one can be asked for; give one (architecture, system)."
        )
    for architecture, system in platforms:
        for name, value in (("arch", architecture), ("os", system)):
            if value:
                yield _read(f"node.platform.{name}=={value}", option)


def _read(text: str, option: str) -> str:
    try:
        return str(constraint.parse(text))
    except ValueError as error:
        raise OptionError(f"{option}: {error}.") from error


def build_generic(options: PlacementOptions) -> dict[str, int]:
    """Return how many of which generic resource are guaranteed, by the names that nodes have.

    Swarm knows no limits of them; as in Kubernetes, a limit without a guarantee implies one.

    Raises:
        OptionError: an amount is no whole number, or two options or names contradict each other.
    """
    guaranteed = dict(_amounts(options.guarantees, "extra_resource_guarantees"))
    limited = dict(_amounts(options.limits, "extra_resource_limits"))
    for name, limit in limited.items():
        if guaranteed.setdefault(name, limit) != limit:
            raise OptionConflict(
                f"extra_resource_limits: {limit} of {name!r} is not what "
                f"extra_resource_guarantees asks for ({guaranteed[name]}); Swarm gives a notebook "
                "what it is guaranteed, so leave the limit out."
            )
    generic: dict[str, int] = {}
    for name, amount in guaranteed.items():
        kind = name.rpartition("/")[2]
        if kind in generic:
            raise OptionError(
                f"extra_resource_guarantees: {name!r} and another name both mean {kind!r} in "
                "Swarm; give one of them."
            )
        generic[kind] = amount
    return {kind: amount for kind, amount in generic.items() if amount}


def _amounts(configured: Mapping[str, Any], option: str) -> Iterator[tuple[str, int]]:
    for name, amount in configured.items():
        if not re.fullmatch(RESOURCE_KIND, name.rpartition("/")[2]):
            raise OptionError(
                f"{option}: {name!r} is no name of a generic resource; write for example "
                "'NVIDIA-GPU', as in the node's daemon.json."
            )
        text = str(amount).strip()
        if isinstance(amount, bool) or not (text.isascii() and text.isdecimal()):
            raise OptionError(f"{option}: {amount!r} of {name!r} must be a whole number.")
        yield name, int(text)
