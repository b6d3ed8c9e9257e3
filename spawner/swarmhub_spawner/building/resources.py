"""From the options about memory, cores and generic resources to what the record asks for."""

from __future__ import annotations

from swarmhub_crds.notebook import Resources

from swarmhub_spawner.building.placement import PlacementOptions, build_generic
from swarmhub_spawner.errors import OptionConflict


def build_resources(
    placement: PlacementOptions,
    *,
    cpu_limit: float | None = None,
    cpu_guarantee: float | None = None,
    mem_limit: int | None = None,
    mem_guarantee: int | None = None,
) -> Resources:
    """Return limits and guarantees; as elsewhere in JupyterHub a zero means none.

    Raises:
        OptionConflict: a guarantee is above its limit.
        OptionError: a generic resource cannot be asked for so.
    """
    for kind, limit, guarantee in (
        ("cpu", cpu_limit, cpu_guarantee),
        ("mem", mem_limit, mem_guarantee),
    ):
        if limit and guarantee and guarantee > limit:
            raise OptionConflict(
                f"{kind}_guarantee: {guarantee} is more than {kind}_limit ({limit}); "
                "lower the guarantee or raise the limit."
            )
    return Resources(
        cpu_limit=cpu_limit or None,
        cpu_guarantee=cpu_guarantee or None,
        mem_limit=mem_limit or None,
        mem_guarantee=mem_guarantee or None,
        generic=build_generic(placement),
    )
