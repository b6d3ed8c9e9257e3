"""`swarmhub nodes`: the machines of the Swarm, as the operator last saw them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from swarmhub_crds.base import API_VERSION
from swarmhub_crds.home import Home
from swarmhub_crds.node import SeenNode
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.readable import NONE, age
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.options import Form, Labels, SortBy, StateUrl, clock, opened, ordered
from swarmhub_operator.cli.output import Document, Output
from swarmhub_operator.cli.sorting import listed_in_order
from swarmhub_operator.cli.table import Table, cut
from swarmhub_operator.cli.text import safe
from swarmhub_operator.engine import labels
from swarmhub_operator.settings import DEFAULT_STATE_URL

DRAINING: Final = "draining"
_TITLES: Final = ("NAME", "ROLE", "STATE", "AVAILABILITY", "NOTEBOOKS", "HOMES", "SINCE")
_WIDE: Final = ("CPUS", "MEMORY", "ID", "LABELS")
_FIELDS: Final = {
    "NAME": ".hostname",
    **{title: f".{title.lower()}" for title in (*_TITLES[1:], *_WIDE)},
}
_GIB: Final = 2**30


def nodes(
    form: Form = None,
    selector: Labels = None,
    sort_by: SortBy = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """List the nodes of the Swarm, with how many notebooks and homes each has.

    They are read from the store, as the operator last saw them: no engine is asked. Labels are
    those of `docker node update --label-add`.
    """
    with opened(state_url) as store:
        every = store.list_nodes()
        notebooks, homes = counted(store)
    chosen = [node for node in every if selector is None or selector.matches(node.labels)]
    found = ordered(chosen, lambda by: _in_order(chosen, notebooks, homes, by), sort_by)
    if form in {Output.JSON, Output.YAML}:
        output.write(output.document(listed(found, notebooks, homes), Document(form)))
    elif form is Output.NAME:
        for node in found:
            output.write(f"node/{safe(node.hostname)}")
    elif found:
        _show(found, notebooks, homes, wide=form is Output.WIDE)
    elif every:
        output.warn("No node has such labels; `swarmhub nodes -o wide` shows which they have.")
    else:
        output.warn("No operator has told of any node yet.")


def _in_order(
    found: Sequence[SeenNode], notebooks: Counter[str], homes: Counter[str], by: str
) -> list[SeenNode]:
    def document(node: SeenNode) -> Mapping[str, Any]:
        return _item(node, notebooks[node.id], homes[node.id])

    return listed_in_order(found, document, _FIELDS, by, "nodes")


def listed(
    found: Sequence[SeenNode], notebooks: Counter[str], homes: Counter[str]
) -> dict[str, Any]:
    """Return nodes, and how many notebooks and homes are on each, as JSON values."""
    items = [_item(node, notebooks[node.id], homes[node.id]) for node in found]
    return {"apiVersion": API_VERSION, "kind": "NodeList", "items": items}


def counted(store: Store) -> tuple[Counter[str], Counter[str]]:
    """Return how many notebooks that should run, and how many homes, are on each node, by id.

    Raises:
        StoreError: the store cannot be read.
    """
    notebooks = Counter(
        n.status.node_id
        for n in store.list_notebooks()
        if isinstance(n, Notebook) and n.spec.desired is Desired.RUNNING and n.status.node_id
    )
    homes = Counter(
        h.status.node_id for h in store.list_homes() if isinstance(h, Home) and h.status.node_id
    )
    return notebooks, homes


def availability(node: SeenNode) -> str:
    """Return whether the node takes servers, in the engine's words; `draining` is our own."""
    return DRAINING if labels.DRAIN in node.labels else node.availability


def _item(node: SeenNode, notebooks: int, homes: int) -> dict[str, Any]:
    own = node.model_dump(mode="json", by_alias=True)
    draining = labels.DRAIN in node.labels
    return {**own, "draining": draining, "notebooks": notebooks, "homes": homes}


def _show(
    found: Sequence[SeenNode], notebooks: Counter[str], homes: Counter[str], *, wide: bool
) -> None:
    table = Table(_TITLES + (_WIDE if wide else ()), output.paint, colored="STATE")
    now = clock()
    rows = [_row(node, notebooks[node.id], homes[node.id], now, wide=wide) for node in found]
    table.fit(rows)
    for line in (table.header(), *map(table.line, rows)):
        output.write(line)


def _row(node: SeenNode, notebooks: int, homes: int, now: datetime, *, wide: bool) -> list[str]:
    cells = [node.role, node.state, availability(node), str(notebooks), str(homes)]
    cells.append(age(node.since, now))
    told = ",".join(f"{key}={value}" for key, value in sorted(node.labels.items()))
    more = [f"{node.cpus:g}", f"{node.memory / _GIB:.1f}Gi", node.id, told] if wide else []
    return [safe(cell) or NONE for cell in (node.hostname, *map(cut, cells), *more)]
