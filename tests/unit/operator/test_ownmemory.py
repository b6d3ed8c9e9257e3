"""How much memory is in use on the engine's own node: read from the kernel, once a minute."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import node
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.hostmemory import HostMemory, host_memory, parse
from swarmhub_operator.loop.ownmemory import EVERY, STEP, OwnMemory, of_nothing

TOTAL = 2**34
TOLD = """MemTotal:       16384 kB
MemFree:          100 kB
MemAvailable:    4096 kB
Buffers:            0 kB
HugePages_Total:       0
"""


class Machine:
    """A clock, a kernel and an engine that a test sets; counts how often each is asked."""

    def __init__(self, total: int = TOTAL) -> None:
        self.now = 0.0
        self.memory: HostMemory | None = HostMemory(total, 5 * STEP + 1)
        self.down = False
        self.read = self.asked = 0
        self.own = OwnMemory(self._read, self._own_node, lambda: self.now)

    def _read(self) -> HostMemory | None:
        self.read += 1
        return self.memory

    def _own_node(self) -> str:
        self.asked += 1
        if self.down:
            raise EngineError(Kind.UNAVAILABLE, "The engine does not answer.")
        return "n1"


def nodes(memory: int = TOTAL) -> dict[str, Node]:
    """Return two nodes, the first of which is the engine's own."""
    return {ident: node(ident, memory=memory) for ident in ("n1", "n2")}


def test_the_kernels_own_words() -> None:
    """What it could free at once is not in use."""
    assert parse(TOLD) == HostMemory(16 * 2**20, 12 * 2**20)


@given(st.text() | st.text("MemTotalAvib: \n0123456789kB", max_size=80))
def test_whatever_is_read_is_judged(text: str) -> None:
    """A file of another form tells of nothing, or of no more than there is."""
    found = parse(text)
    assert found is None or found.used >= 0


def test_this_machine_tells(tmp_path: Path) -> None:
    """Where there is no such file, nothing is told."""
    found = host_memory()
    assert found is not None
    assert 0 < found.used <= found.total
    assert host_memory(tmp_path / "none") is None


def test_it_is_read_once_a_minute() -> None:
    """Of the one node that can be told of, in steps that make a machine at rest no news."""
    machine = Machine()
    for _ in range(5):
        assert machine.own.used(nodes()) == {"n1": 5 * STEP}
    assert (machine.read, machine.asked) == (1, 1)
    machine.memory = HostMemory(TOTAL, 7 * STEP)
    machine.now = EVERY - 1
    assert machine.own.used(nodes()) == {"n1": 5 * STEP}
    machine.now = EVERY
    assert machine.own.used(nodes()) == {"n1": 7 * STEP}


def test_an_engine_that_fails_is_asked_again_a_minute_later() -> None:
    """And nothing is told meanwhile: no look may fail for it."""
    machine = Machine()
    machine.down = True
    assert machine.own.used(nodes()) == machine.own.used(nodes()) == {}
    assert machine.asked == 1
    machine.down, machine.now = False, EVERY
    assert machine.own.used(nodes()) == {"n1": 5 * STEP}


@pytest.mark.parametrize("seen", [nodes(TOTAL + 1024), {}, {"n2": node("n2", memory=TOTAL)}])
def test_another_machine_is_not_told_of(seen: dict[str, Node]) -> None:
    """The engine may be elsewhere, or this process not see all that its node has."""
    assert Machine().own.used(seen) == {}


def test_of_nothing_nobody_is_asked() -> None:
    """Not even which node the engine is on."""
    machine = Machine()
    own = OwnMemory(of_nothing, machine._own_node, lambda: 0.0)
    assert own.used(nodes()) == {}
    assert machine.asked == 0
