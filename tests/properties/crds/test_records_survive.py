"""Records come back from the store as they went in, and nonsense never gets out of its row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from swarmhub_crds.base import Condition, ConditionStatus
from swarmhub_crds.notebook import (
    Desired,
    Mount,
    Notebook,
    NotebookSpec,
    NotebookStatus,
    Phase,
    Resources,
)
from swarmhub_crds.sqlstore.codec import NOTEBOOK, Broken, decode, encode

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
moments = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
environments = st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), words)
specs = st.builds(
    NotebookSpec,
    user=words,
    server=words,
    desired=st.sampled_from(Desired),
    image=words,
    command=st.lists(words, min_size=1, max_size=3).map(tuple),
    environment=environments,
    networks=st.just(("notebooks",)),
    resources=st.builds(
        Resources,
        cpu_limit=st.none() | st.floats(0.01, 512),
        mem_limit=st.none() | st.integers(1, 2**50),
    ),
    mounts=st.just((Mount(volume="home-a", target="/home/a", home=True),)),
)
conditions = st.builds(
    Condition,
    type=words,
    status=st.sampled_from(ConditionStatus),
    reason=st.just("Reason"),
    message=words,
    last_transition_time=moments,
)
statuses = st.builds(
    NotebookStatus,
    phase=st.sampled_from(Phase),
    message=words,
    conditions=st.lists(conditions, max_size=3).map(tuple),
    ready_at=st.none() | moments,
    exit_code=st.none() | st.integers(0, 255),
    last_log=st.lists(words, max_size=3).map(tuple),
)
# What SQLite may hand out for a column, whatever its declared type.
cells = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=30),
    st.text(st.characters(), max_size=30),  # lone surrogates stand for undecodable bytes
    st.sampled_from(["{}", "[]", "null", '{"user": 1}', "9999-12-31T23:59:59-23:59", "ada"]),
)
TIME = "2026-01-05T09:00:00.000000+00:00"


def sane(spec: str = "{}", status: str = "{}") -> list[Any]:
    """Return a row whose metadata is in order."""
    return ["ada", "a-uid", 1, 1, TIME, TIME, None, TIME, None, spec, status]


@given(spec=specs, status=statuses)
def test_what_is_stored_comes_back(spec: NotebookSpec, status: NotebookStatus) -> None:
    """Encoding and decoding lose nothing, in any field of spec and status."""
    record = decode(NOTEBOOK, sane(encode(spec), encode(status)))
    assert isinstance(record, Notebook), record
    assert (record.spec, record.status) == (spec, status)


@given(row=st.lists(cells, min_size=11, max_size=11))
def test_any_row_decodes(row: list[Any]) -> None:
    """Eleven columns of anything give a record or a `Broken`; its sentence can be printed."""
    record = decode(NOTEBOOK, row)
    if isinstance(record, Broken):
        assert record.message.isprintable()
        assert record.message.endswith(NOTEBOOK.remedy) or "operator" in record.message
        record.message.encode()


@given(spec=specs, column=st.integers(0, 10), cell=cells)
def test_one_bad_cell_leaves_the_rest_readable(spec: NotebookSpec, column: int, cell: Any) -> None:
    """Whatever one cell holds, what the others say of identity and status is kept."""
    status = NotebookStatus(phase=Phase.RUNNING)
    row = sane(encode(spec), encode(status))
    row[column] = cell
    record = decode(NOTEBOOK, row)
    if isinstance(record, Broken):
        assert record.uid == ("a-uid" if column != 1 else None)
        assert record.resource_version == (1 if column != 3 else None)
        assert record.status == (status if column != 10 else None)
