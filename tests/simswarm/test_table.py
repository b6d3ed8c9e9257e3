"""What an index has is what a look through all objects finds, whatever was done before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from simswarm.raw import Raw
from simswarm.table import Table, node, service

IDS = ("a", "b", "c")
objects = st.fixed_dictionaries(
    {"ID": st.sampled_from(IDS), "ServiceID": st.sampled_from(("s", "t"))},
    optional={"NodeID": st.sampled_from(("m", "n"))},
)


@given(st.lists(st.one_of(objects, st.sampled_from(IDS)), max_size=12))
def test_an_index_has_what_a_scan_finds(steps: list[Raw | str]) -> None:
    """Objects come, change, and go; a step that is an id alone removes what has it."""
    table = Table(service=service, node=node)
    for step in steps:
        if not isinstance(step, str):
            table[step["ID"]] = step
        elif step in table:
            del table[step]
    for index, keys, wanted in (("service", service, "s"), ("node", node, "n")):
        scanned = [raw for raw in table.values() if wanted in keys(raw)]
        assert sorted(table.by(index, wanted), key=_id) == sorted(scanned, key=_id)


def _id(raw: Raw) -> str:
    return str(raw["ID"])
