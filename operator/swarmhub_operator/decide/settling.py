"""A first start whose node is of no use before its home is there: another node is chosen. Pure."""

from __future__ import annotations

from dataclasses import replace

from swarmhub_crds.notebook import NotebookStatus

from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.follow import follow
from swarmhub_operator.decide.inputs import Context
from swarmhub_operator.decide.placing import choose, is_adrift, waiting
from swarmhub_operator.decide.renewing import Seen, force_update, superseded
from swarmhub_operator.decide.verdict import SOON, Verdict, pending

SETTLE_AFTER = 10.0  # seconds for which the service has been as it is


def resettle(
    wanted: Wanted, seen: Seen, status: NotebookStatus, context: Context
) -> Verdict | None:
    """Return what becomes of a service whose node cannot or will not take its task, or None.

    A notebook that nothing ties to its node may also only wait for Swarm to find one: then it is
    followed, with our own words for why that takes long.
    """
    task = seen.observed.task
    adrift = is_adrift(wanted, seen.service, seen.observed)
    if not adrift and (task is None or not task.stuck):
        return None
    if task is not None and superseded(task, seen):
        return Verdict(pending(status, "Starting again.", context.now), look_again=SOON)
    choice = choose(wanted, seen.observed, context.now)
    if choice.node is None and (task is None or not task.stuck):
        status = status.model_copy(update={"service_id": seen.service.id})
        nodes = seen.observed.nodes
        return waiting(seen.service.pin, nodes, choice.explain(), status, context.now)
    if choice.node is None:
        return follow(wanted, replace(seen, nowhere=choice.explain()), status, context)
    if not adrift or _is_young(seen) or choice.node.id == seen.service.pin:
        return None
    message = f"It cannot start where it was to; {choice.node.hostname} takes it instead."
    status = pending(status, message, context.now)
    chosen = replace(seen, placement=replace(seen.placement, pin=choice.node.id))
    return force_update(chosen, task.id if task else "", status, "its node does not take it")


def _is_young(seen: Seen) -> bool:
    """Whether the task may have begun since the look: it would be taken away from its user.

    Swarm makes a task at once, and a node that takes none for a moment may take it in the next.
    """
    return seen.observed.unchanged < SETTLE_AFTER
