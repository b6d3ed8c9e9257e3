"""The options about nodes and what a notebook takes of them."""

from __future__ import annotations

from jupyterhub.traitlets import ByteSpecification
from traitlets import Dict, Float, HasTraits

from swarmhub_spawner.building.placement import PlacementOptions
from swarmhub_spawner.options.callables import or_callable


class NodeOptions(HasTraits):
    """Where a notebook runs, and how much of its node is its own."""

    mem_limit = or_callable(
        ByteSpecification(None, allow_none=True),
        'The most memory that a notebook gets: bytes, or "2G"; 0 is no limit.',
    )

    mem_guarantee = or_callable(
        ByteSpecification(None, allow_none=True),
        'Memory that its node must have left for it: bytes, or "2G"; 0 is none.',
    )

    cpu_limit = or_callable(
        Float(None, allow_none=True), "The most cores that a notebook gets, as a fraction."
    )

    cpu_guarantee = or_callable(
        Float(None, allow_none=True), "Cores that its node must have left for it, as a fraction."
    )

    node_selector = or_callable(
        Dict(),
        """
        Labels that a node must have to run the notebook: {label: value}, as set by
        `docker node update --label-add`. The values may use the fields of `volumes`.
        """,
    )

    extra_placement_spec = or_callable(
        Dict(),
        """
        {"constraints": [...]}: what a node must be, in Swarm's own form, for example
        "node.role!=manager" or "node.labels.disk==ssd"; may use the fields of `volumes`.
        {"platforms": [(architecture, system)]} is the same as two constraints.
        """,
    )

    extra_resource_guarantees = or_callable(
        Dict(),
        """
        Generic resources of a node that the notebook gets for itself: {name: whole number}. What
        stands behind the last "/" of a name is the node's own name for it, capitals included.
        """,
    )

    extra_resource_limits = or_callable(
        Dict(),
        """
        As `extra_resource_guarantees`: Swarm does not limit generic resources, so a limit is a
        guarantee. Where both name a resource, the numbers must be the same.
        """,
    )

    extra_resources_spec = or_callable(
        Dict(),
        """
        As keywords of docker.types.Resources: cpu_limit and cpu_reservation (billionths of a core),
        mem_limit and mem_reservation (bytes), generic_resources ({name: number}).
        """,
    )

    def placement_options(self) -> PlacementOptions:
        """Return the options about nodes as they stand for this spawner."""
        return PlacementOptions(
            node_selector=self.node_selector,
            placement_spec=self.extra_placement_spec,
            guarantees=self.extra_resource_guarantees,
            limits=self.extra_resource_limits,
        )
