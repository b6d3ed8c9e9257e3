"""What `describe home` says."""

from __future__ import annotations

from collections.abc import Sequence

from swarmhub_crds.home import Home, HomeOrders, HomeStatus
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.readable import NONE

from swarmhub_operator.cli.homes_table import size
from swarmhub_operator.cli.records import phase_of
from swarmhub_operator.cli.rows import generation
from swarmhub_operator.cli.sections import Page


def describe_home(page: Page, home: Home, notebooks: Sequence[Notebook]) -> None:
    """Add a home to `page`; `notebooks` are those that mount it."""
    page.field("Name", home.metadata.name)
    page.field("User", home.spec.user)
    page.field("Server", home.spec.server)
    page.phase(phase_of(home))
    page.sentence("Message", home.status.message)
    page.field("Generation", generation(home))
    page.metadata(home.metadata)
    page.section("Spec")
    page.field("Driver", home.spec.driver)
    page.mapping("Driver options", home.spec.driver_options)
    page.field("Reclaim", home.spec.reclaim)
    _orders(page, home.spec.orders)
    home_status(page, home.status)
    rows = [_user(notebook) for notebook in notebooks]
    page.table("Mounted by", ("NAME", "USER", "SERVER", "PHASE", "NODE"), rows)


def _orders(page: Page, orders: HomeOrders) -> None:
    """Add what an administrator has ordered."""
    if orders.move_to:
        page.field("Move to", orders.move_to)
    if orders.held_until is not None:
        page.field("Held", f"being {orders.held_for or 'worked on'}")
        page.time("Held until", orders.held_until)
    if orders.forgotten:
        page.field("Given up on", ", ".join(orders.forgotten))


def home_status(page: Page, status: HomeStatus) -> None:
    """Add what the operator has observed."""
    page.section("Status")
    page.field("Node", status.node)
    page.field("Node id", status.node_id)
    page.time("Last used", status.last_used_at)
    if status.size is not None:
        page.field("Size", size(status.size))
    if status.adopted:
        page.field("Adopted", "it was there before its record; its volume is not labelled")
    if status.leftovers:
        page.field("Leftovers on", ", ".join(place.node for place in status.leftovers))
    page.conditions(status.conditions)


def _user(notebook: Notebook) -> Sequence[str]:
    spec = notebook.spec
    phase, node = phase_of(notebook), notebook.status.node or NONE
    return (notebook.metadata.name, spec.user, spec.server, phase, node)
