"""Lists of the engine are read as `json.loads` would read them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swarmhub_operator.engine.elements import parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def read(text: str) -> object:
    """Parse a text to its end."""
    found = parse(text)
    return list(found) if isinstance(found, Iterator) else found


@given(VALUES, st.sampled_from((None, 0, 1)), st.sampled_from(("", " ", "\n", "\r\n\t ")))
def test_any_json(value: object, indent: int | None, space: str) -> None:
    """However it is laid out."""
    text = f"{space}{json.dumps(value, indent=indent)}{space}"
    assert read(text) == json.loads(text)


@given(VALUES, st.integers(0, 40), st.sampled_from(("", ",", "]", "[", "{", "x")))
def test_what_is_no_json(value: object, at: int, put: str) -> None:
    """It is told to be none, just as it would be."""
    text = json.dumps([value])
    text = text[:at] + put + text[at + 1 :]
    try:
        expected = json.loads(text)
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            read(text)
    else:
        assert read(text) == expected
