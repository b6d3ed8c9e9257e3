"""Whether its homes tie a notebook to a node. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Mount


def settles(mounts: Iterable[Mount], homes: Mapping[str, Home]) -> bool:
    """Return whether some home is on one node once the notebook has started, or may be.

    A home of which nothing is known may be.
    """
    return any(m.volume not in homes or homes[m.volume].node_local for m in mounts if m.home)
