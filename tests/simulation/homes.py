"""Workloads about homes on other nodes: they are removed, moved, given up and found.

What a fault or a crash may decide, such as whether a move ends before a node dies, is insisted on:
the order is given again until it is carried out, so that each run has the same end.
"""

from __future__ import annotations

from collections.abc import Callable

from simswarm import lookup
from simulation.driver import NETWORK, Simulation
from simulation.workloads import (
    Script,
    Server,
    Workload,
    ada,
    await_,
    is_home_gone,
    left_of,
    patiently,
)
from swarmhub_crds.errors import StoreError
from swarmhub_crds.home import Home, HomePhase, Reclaim
from swarmhub_crds.notebook import NotebookSpec, Phase
from swarmhub_operator.engine import labels

HOME = "home-ada"
NODES = ("one", "two")
# Looks at errands, two a second: a copy is made again, or what a minute's rest ends is. Both copies
# of a move may have to be removed while the container that had them still ends, a rest for each.
PATIENCE = 300
FIRST = "home-ada 1"  # what ada's notebook writes at first


def node_id(sim: Simulation, hostname: str) -> str:
    """Return the id of a node."""
    return str(lookup.find("node", sim.swarm.world.nodes, hostname)["ID"])


def home(sim: Simulation) -> Home | None:
    """Return the record of ada's home, or None if there is none or it cannot be read now."""
    try:
        found = sim.store.get_home(HOME)
    except StoreError:
        return None
    return found if isinstance(found, Home) else None


def is_(sim: Simulation, check: Callable[[Home], bool]) -> bool:
    """Tell whether ada's home can be read and is as it should be."""
    found = home(sim)
    return found is not None and check(found)


def lies_on(sim: Simulation, node: str, content: str = FIRST) -> None:
    """Check that a home's volume is on a node, with what was in it, and on no other."""
    stock = sim.swarm.stock
    found = {n: stock.content(n, HOME) for n, here in stock.volumes.items() if HOME in here}
    assert found == {node_id(sim, node): content}, f"The volumes of {HOME} hold {found}."


def begin_on(sim: Simulation, node: str, server: Server) -> None:
    """Let a server start on a node for the first time."""
    others = {"manager", *NODES} - {node}
    for other in sorted(others):
        sim.swarm.set_availability(other, "pause")
    server.start()
    for other in sorted(others):
        sim.swarm.set_availability(other, "active")
    await_(sim, "its home is bound", lambda: is_(sim, lambda h: h.status.node == node))


def order_move(sim: Simulation, node: str) -> int:
    """Order as `swarmhub homes move` does; return how many orders there have been."""
    found = home(sim)
    assert found is not None
    moves = max(found.spec.orders.moves, found.status.moves) + 1
    ident = node_id(sim, node)
    patiently(sim, "to order", lambda s: s.order_home(HOME, move_to=ident, moves=moves))
    return moves


def is_at_rest(sim: Simulation, moves: int) -> bool:
    """Tell whether so many orders are dealt with, and nothing is left to be cleared away."""
    return is_(sim, lambda h: h.status.moves >= moves and not h.status.leftovers)


def move(sim: Simulation, node: str) -> None:
    """Move ada's home, and order it again as often as that fails."""
    while not is_(sim, lambda h: h.status.node == node):
        moves = order_move(sim, node)
        await_(sim, f"the home was moved to {node}", lambda m=moves: is_at_rest(sim, m))  # type: ignore[misc]


def await_copying(sim: Simulation) -> None:
    """Wait until ada's home is being copied, or the order has been dealt with already."""
    await_(
        sim,
        "the home is copied",
        lambda: _is_sent(sim, "receive") or is_(sim, lambda h: h.status.moves > 0),
    )


def _is_sent(sim: Simulation, kind: str) -> bool:
    about = sim.swarm.world.task_labels
    running = (about[t["ID"]].get(labels.ERRAND) for t in sim.swarm.running())
    return kind in running


def runs_on(sim: Simulation, node: str) -> bool:
    """Tell whether ada's server runs on a node."""
    record = ada(sim).record()
    return ada(sim).phase() is Phase.RUNNING and bool(record and record.status.node == node)


def nothing_left(sim: Simulation) -> None:
    """Check that nothing is left of ada, her home, and what was sent about it."""
    await_(sim, "ada's home is gone", lambda: is_home_gone(sim, HOME))
    stock = sim.swarm.stock
    assert not [n for n, here in stock.volumes.items() if HOME in here], "A volume is left."
    await_(sim, "nothing is left of ada", lambda: not left_of(sim, "ada"))
    await_(sim, "no secret is left", lambda: not sim.swarm.world.secrets)


def _somebody_else(sim: Simulation) -> None:
    """Have a record that stays: while there is none at all, no sweep removes what came late."""
    spec = NotebookSpec(user="bob", image="registry/lab:1", command=("start",), networks=(NETWORK,))
    patiently(sim, "to write bob", lambda store: store.apply_notebook(spec))


def delete_there(sim: Simulation) -> Script:
    """A user is deleted whose home is to go and lies on a worker."""
    _somebody_else(sim)
    begin_on(sim, "one", ada(sim, Reclaim.DELETE))
    yield
    ada(sim, Reclaim.DELETE).delete()
    nothing_left(sim)


def _delete_until_removed(sim: Simulation) -> None:
    ada(sim, Reclaim.DELETE).delete()
    await_(
        sim,
        "the home is being removed",
        lambda: home(sim) is None or is_(sim, lambda h: h.status.phase is HomePhase.DELETING),
    )


def delete_while_down(sim: Simulation) -> Script:
    """A user is deleted whose home lies on a worker that dies meanwhile, and returns."""
    begin_on(sim, "one", ada(sim, Reclaim.DELETE))
    yield
    _delete_until_removed(sim)
    sim.swarm.nodes.power_off("one")
    sim.run(30)
    sim.swarm.nodes.power_on("one")
    nothing_left(sim)


def comeback_there(sim: Simulation) -> Script:
    """A user comes back while the home is being removed from a worker, and gets a new one."""
    begin_on(sim, "one", ada(sim, Reclaim.DELETE))
    yield
    _delete_until_removed(sim)
    for other in ("manager", "two"):
        sim.swarm.set_availability(other, "pause")
    ada(sim, Reclaim.DELETE).start("second")
    for other in ("manager", "two"):
        sim.swarm.set_availability(other, "active")
    sim.run(30)
    ada(sim, Reclaim.DELETE).stop()
    sim.run(30)
    lies_on(sim, "one", "home-ada 2")


def prune_there(sim: Simulation) -> Script:
    """A home that was kept is pruned on its worker."""
    _somebody_else(sim)
    begin_on(sim, "one", ada(sim))
    ada(sim).delete()
    lies_on(sim, "one")
    yield
    patiently(sim, "to prune", lambda store: _prune(sim))
    nothing_left(sim)


def _prune(sim: Simulation) -> None:
    if home(sim) is not None:
        sim.store.request_home_deletion(HOME)


def move_between(sim: Simulation) -> Script:
    """A home is moved from one worker to the other, and used there."""
    begin_on(sim, "one", ada(sim))
    ada(sim).stop()
    yield
    move(sim, "two")
    lies_on(sim, "two")
    ada(sim).start("second")
    assert runs_on(sim, "two")


def move_there_and_back(sim: Simulation) -> Script:
    """A home is moved to the manager's node, used there, and moved back."""
    begin_on(sim, "one", ada(sim))
    ada(sim).stop()
    yield
    move(sim, "manager")
    lies_on(sim, "manager")
    ada(sim).start("second")
    ada(sim).stop()
    move(sim, "one")
    lies_on(sim, "one")
    ada(sim).start("third")
    assert runs_on(sim, "one")


def move_and_start(sim: Simulation) -> Script:
    """A user starts while the home is being moved, and waits for it."""
    begin_on(sim, "one", ada(sim))
    ada(sim).stop()
    yield
    moves = order_move(sim, "two")
    await_copying(sim)
    ada(sim).start("second")
    await_(sim, "the move has ended", lambda: is_at_rest(sim, moves))
    assert runs_on(sim, "two")
    lies_on(sim, "two")


def _move_and_die(sim: Simulation, dies: str) -> Script:
    begin_on(sim, "one", ada(sim))
    ada(sim).stop()
    yield
    order_move(sim, "two")
    await_copying(sim)
    sim.swarm.nodes.power_off(dies)
    sim.run(30)
    sim.swarm.nodes.power_on(dies)
    await_(sim, "the order is dealt with", lambda: is_at_rest(sim, 1))
    move(sim, "two")
    lies_on(sim, "two")
    ada(sim).start("second")
    assert runs_on(sim, "two")


def move_to_dying(sim: Simulation) -> Script:
    """The node to which a home is being moved dies and comes back."""
    return _move_and_die(sim, "two")


def move_from_dying(sim: Simulation) -> Script:
    """The node from which a home is being moved dies and comes back."""
    return _move_and_die(sim, "one")


def move_back_early(sim: Simulation) -> Script:
    """A home is to move back while what it left there is still to be removed."""
    begin_on(sim, "one", ada(sim))
    ada(sim).stop()
    yield
    order_move(sim, "two")
    await_(sim, "it has arrived", lambda: is_(sim, lambda h: h.status.node == "two"))
    sim.swarm.nodes.power_off("one")
    order_move(sim, "one")
    sim.run(30)
    sim.swarm.nodes.power_on("one")
    await_(sim, "the order is dealt with", lambda: is_at_rest(sim, 2))
    move(sim, "one")
    lies_on(sim, "one")
    ada(sim).start("second")
    assert runs_on(sim, "one")


def delete_mid_move(sim: Simulation) -> Script:
    """A user is deleted, and the home with them, while it is being moved."""
    begin_on(sim, "one", ada(sim, Reclaim.DELETE))
    ada(sim, Reclaim.DELETE).stop()
    yield
    order_move(sim, "two")
    await_copying(sim)
    ada(sim, Reclaim.DELETE).delete()
    nothing_left(sim)


def forget(sim: Simulation) -> Script:
    """A home is given up with its node, and its user begins anew elsewhere."""
    begin_on(sim, "one", ada(sim))
    ada(sim).stop()
    yield
    sim.swarm.set_availability("manager", "pause")
    sim.swarm.nodes.power_off("one")
    sim.run(10)
    _forget(sim, "one")
    ada(sim).start("second")
    assert runs_on(sim, "two")
    sim.swarm.nodes.power_on("one")
    sim.run(30)
    ada(sim).stop()
    assert sim.swarm.stock.content(node_id(sim, "one"), HOME) == FIRST
    assert sim.swarm.stock.content(node_id(sim, "two"), HOME) == "home-ada 2"


def _forget(sim: Simulation, node: str) -> None:
    ident = node_id(sim, node)
    patiently(sim, "to forget", lambda store: store.order_home(HOME, forgotten=(ident,)))
    await_(sim, "it is given up", lambda: is_(sim, lambda h: h.status.forgotten > 0))


def forget_mid_move(sim: Simulation) -> Script:
    """A home is given up whose node has died in the midst of a move: half a copy is no home."""
    begin_on(sim, "one", ada(sim))
    ada(sim).stop()
    yield
    sim.swarm.set_availability("manager", "pause")
    order_move(sim, "two")
    await_copying(sim)
    sim.swarm.nodes.power_off("one")
    sim.run(10)
    if is_(sim, lambda h: h.status.node == "one"):
        _forget(sim, "one")
    ada(sim).start("second")
    sim.run(90)
    ada(sim).stop()
    sim.run(90)
    assert runs_or_ran_on_whole(sim), "Half a copy was taken for the home."


def runs_or_ran_on_whole(sim: Simulation) -> bool:
    """Tell whether what ada has on the second worker is whole."""
    content = sim.swarm.stock.content(node_id(sim, "two"), HOME)
    return content in (FIRST, "home-ada 2")


def adopt(sim: Simulation) -> Script:
    """A volume that lies on a worker since before there were records is the user's home."""
    sim.swarm.stock.add_volume(node_id(sim, "one"), HOME, "from before")
    sim.run(10)
    yield
    ada(sim).start()
    assert runs_on(sim, "one")
    lies_on(sim, "one", "from before")
    ada(sim).stop()
    move(sim, "two")
    ada(sim).start("second")
    assert sim.swarm.stock.content(node_id(sim, "two"), HOME) == "from before"


HOMES = tuple(
    Workload(name, script, nodes=NODES, errands=True, patience=PATIENCE)
    for name, script in {
        "delete-there": delete_there,
        "delete-while-down": delete_while_down,
        "comeback-there": comeback_there,
        "prune-there": prune_there,
        "move": move_between,
        "move-back": move_there_and_back,
        "move-start": move_and_start,
        "move-to-dying": move_to_dying,
        "move-from-dying": move_from_dying,
        "move-back-early": move_back_early,
        "delete-mid-move": delete_mid_move,
        "forget": forget,
        "forget-mid-move": forget_mid_move,
        "adopt": adopt,
    }.items()
)
