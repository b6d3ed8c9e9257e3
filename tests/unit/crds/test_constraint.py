"""Placement constraints as text and back."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from support.records import spec
from swarmhub_crds.constraint import Constraint, parse


@pytest.mark.parametrize(
    ("text", "expected", "written"),
    [
        ("node.labels.disk==ssd", Constraint("node.labels.disk", True, "ssd"), ""),
        ("node.role != manager", Constraint("node.role", False, "manager"), "node.role!=manager"),
        ("NODE.ID==abc", Constraint("node.id", True, "abc"), "node.id==abc"),
        ("Node.Labels.Disk==SSD", Constraint("node.labels.Disk", True, "SSD"), ""),
        ("engine.labels.os==debian 12", Constraint("engine.labels.os", True, "debian 12"), ""),
        ("node.ip==10.0.0.0/24", Constraint("node.ip", True, "10.0.0.0/24"), ""),
        ("node.platform.arch==x86_64", Constraint("node.platform.arch", True, "x86_64"), ""),
    ],
)
def test_what_swarm_understands_is_read(text: str, expected: Constraint, written: str) -> None:
    """Labels keep their capitals; all else of a key has none. Blanks around the parts go."""
    found = parse(text)
    assert found == expected
    assert parse(str(found)) == found
    if written:
        assert str(found) == written


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no '==' or '!='"),
        ("node.role=manager", "no '==' or '!='"),
        ("node.role", "no '==' or '!='"),
        ("==x", "asks for ''"),
        ("disk==ssd", "asks for 'disk', which no node has"),
        ("node.labels.==ssd", "asks for 'node.labels.', which no node has"),
        ("node.labels.a/b==ssd", "names the label 'a/b'"),
        ("node.labels.ä==ssd", "names the label 'ä'"),
        ("node.id== ", "compares with ''"),
        ("node.id==a,b", "compares with 'a,b'"),
        ("node.id==a==b", "compares with 'a==b'"),
        ("node.id!={{.Node.ID}}", "compares with '{{.Node.ID}}'"),
    ],
)
def test_what_swarm_would_refuse_is_refused_with_a_sentence(text: str, why: str) -> None:
    """Before anything is written, and with what to write instead."""
    with pytest.raises(ValueError, match="the constraint") as caught:
        parse(text)
    assert why in str(caught.value)


def test_a_record_holds_constraints_in_one_form_or_not_at_all() -> None:
    """So that a blank more or less is no other spec."""
    assert spec(constraints=("node.labels.disk == ssd",)).constraints == ("node.labels.disk==ssd",)
    with pytest.raises(ValidationError, match="asks for 'disk', which no node has"):
        spec(constraints=("disk==ssd",))
