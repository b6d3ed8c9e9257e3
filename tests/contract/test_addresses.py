"""A notebooks' network that has run out of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.test_operator import NETWORK, Operator
from contract.test_placement import reason
from support.fixtures import overlay_network
from support.node import Node
from support.waiting import wait_for
from swarmhub_crds.notebook import ConditionType, Desired, Phase
from swarmhub_crds.store import Store

_USERS = tuple(f"tight{number}" for number in range(7))  # a /29 has six addresses in all


@pytest.fixture
def operator(engine: Node, tiny: str, tmp_path: Path) -> Iterator[Operator]:
    """Yield a running operator whose notebooks' network has few addresses."""
    made = Operator(Store.open(f"sqlite:///{tmp_path}/state.db"), engine, tiny)
    with overlay_network(engine, NETWORK, "10.97.0.0/29"):
        made.start()
        yield made
        made.stop()
        made.store.close()


def _waiting(operator: Operator) -> list[str]:
    """Return those notebooks that say that there is no address for them."""
    return [user for user in _USERS if "no free address left" in operator.status(user).message]


def test_who_gets_no_address_is_told_and_gets_the_next_one(operator: Operator) -> None:
    """The engine tells the reason to its log alone; the user reads it all the same."""
    for user in _USERS:
        operator.apply(operator.spec(user))
    wait_for("somebody to get no address", lambda: _waiting(operator), timeout=60)
    left_out = _waiting(operator)[0]
    status = operator.status(left_out)
    assert status.phase is Phase.PENDING
    assert reason(status, ConditionType.SCHEDULED) == ("False", "NoAddress")
    running = [user for user in _USERS if operator.status(user).phase is Phase.RUNNING]
    assert running
    for user in running:
        operator.store.set_desired(user, Desired.STOPPED)
    operator.wait(left_out, Phase.RUNNING, timeout=60)
