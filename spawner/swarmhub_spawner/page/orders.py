"""What can be done to a server from the page: through the store, as the command does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from swarmhub_crds.errors import Conflict, NotFound
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Store

from swarmhub_spawner.page.rights import Rights


class Forbidden(Exception):  # noqa: N818 - an answer, not a fault
    """The one who asks may not do this."""


@dataclass(frozen=True)
class Order:
    """A verb, its question, what it costs, and what is said when it is under way.

    `harms` is whether something is lost by it.
    """

    verb: str
    cost: str
    done: str
    harms: bool = True


_LOST: Final = "What runs in its kernels is lost, and all that lies outside its home."
ORDERS: Final[Mapping[str, Order]] = MappingProxyType(
    {
        "stop": Order(
            "Stop",
            f"{_LOST} The home stays. Its user may start it again.",
            "The server is stopped.",
        ),
        "restart": Order(
            "Restart",
            f"{_LOST} The home stays. It comes back as it was started, under the same address.",
            "The server is restarted.",
        ),
    }
)


def carry_out(store: Store, name: str, verb: str, rights: Rights) -> None:
    """Stop or restart a server, if the record as it is now may be touched by this person.

    Raises:
        NotFound: there is no such server that they may see.
        Forbidden: they may see it, but not stop it.
        Conflict: it is being deleted, or does not run.
        StoreError: the store, or this record, cannot be read.
    """
    record = store.get_notebook(name)
    spec = record.spec if isinstance(record, Notebook) else None
    if spec is None or not rights.sees(spec.user, spec.server, spec.groups):
        raise NotFound("There is no such server.")
    if not rights.stops(spec.user, spec.server, spec.groups):
        raise Forbidden
    if verb == "restart":
        store.restart_notebook(name)
    elif spec.desired is Desired.RUNNING:
        store.set_desired(name, Desired.STOPPED)
    else:
        raise Conflict("This server is stopped already.")
