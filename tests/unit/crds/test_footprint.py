"""How much memory servers hold, by their records."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.records import metadata, spec
from swarmhub_crds.footprint import Footprint, footprint
from swarmhub_crds.notebook import Notebook, NotebookStatus, Phase, Resources
from swarmhub_crds.store import Broken

THERE = {Phase.STARTING, Phase.RUNNING, Phase.STOPPING}
AMOUNTS = st.none() | st.integers(1, 2**40)
RECORDS = st.lists(
    st.tuples(st.sampled_from(Phase), st.sampled_from([None, "n1"]), AMOUNTS, AMOUNTS), max_size=20
)


def notebook(phase: Phase, node: str | None, reserved: int | None, limit: int | None) -> Notebook:
    """Return a record of a server."""
    return Notebook(
        metadata=metadata(),
        spec=spec(resources=Resources(mem_guarantee=reserved, mem_limit=limit)),
        status=NotebookStatus(phase=phase, node_id=node),
    )


@given(RECORDS)
def test_only_what_is_on_a_node_counts(
    given_: list[tuple[Phase, str | None, int | None, int | None]],
) -> None:
    """What waits, has failed or is stopped holds nothing; the most is never below the reserved."""
    there = [(r, limit) for phase, node, r, limit in given_ if phase in THERE and node]
    found = footprint(notebook(*one) for one in given_)
    assert found.servers == len(there)
    assert found.reserved == sum(reserved or 0 for reserved, _ in there)
    assert found.most == sum(max(reserved or 0, limit or 0) for reserved, limit in there)
    assert found.unlimited == sum(limit is None for _, limit in there)
    assert found.most >= found.reserved


def test_what_cannot_be_read_holds_nothing() -> None:
    """Nobody knows what it asks for."""
    broken = Broken("Notebook", "ada", None, "It cannot be read.", None, None, None)
    assert footprint([broken]) == footprint([]) == Footprint()
