"""What an update is said to change."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.records import home, home_mount, notebook, wanted
from swarmhub_crds.notebook import Resources
from swarmhub_operator.decide.build import Placement, service_spec
from swarmhub_operator.decide.drift import drift
from swarmhub_operator.decide.specdiff import HIDDEN, Change, changes

RECORD = notebook(
    environment={"A": "1", "LANG": "C"},
    resources=Resources(mem_limit=2**30),
    mounts=(home_mount(),),
    labels={"team": "x"},
)
NEW = service_spec(wanted(RECORD, home()), Placement("lab@sha256:aa"), "secret-1")
CONTAINER = "TaskTemplate.ContainerSpec"


def read_back(change: Callable[[dict[str, Any]], object] = lambda _: None) -> dict[str, Any]:
    """Return the spec as an engine answers it, after somebody's change."""
    spec = copy.deepcopy(NEW)
    template = spec["TaskTemplate"]
    template["ContainerSpec"] |= {"Isolation": "default", "DNSConfig": {}}
    template["Networks"][0]["Target"] = "w8vzq0network"
    template["Placement"]["Platforms"] = [{"Architecture": "amd64", "OS": "linux"}]
    spec["UpdateConfig"] = {"Parallelism": 1}
    change(spec)
    return spec


def test_what_the_engine_fills_in_is_no_change() -> None:
    """It fills it in again after the update."""
    assert changes(read_back(), NEW) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda s: s["TaskTemplate"]["ContainerSpec"].update(Image="evil"),
            Change(f"{CONTAINER}.Image", "evil", "lab@sha256:aa"),
        ),
        (
            lambda s: s["TaskTemplate"]["ContainerSpec"]["Env"].insert(0, "B=2"),
            Change(f"{CONTAINER}.Env.B", "2", None),
        ),
        (
            lambda s: s["TaskTemplate"]["ContainerSpec"]["Env"].remove("A=1"),
            Change(f"{CONTAINER}.Env.A", None, "1"),
        ),
        (lambda s: s["Labels"].update(stray="1"), Change("Labels.stray", "1", None)),
        (lambda s: s["Labels"].pop("team"), Change("Labels.team", None, "x")),
        (
            lambda s: s["TaskTemplate"]["ContainerSpec"].update(Hosts=["1.2.3.4 hub"]),
            Change(f"{CONTAINER}.Hosts[0]", "1.2.3.4 hub", None),
        ),
        (
            lambda s: s["TaskTemplate"]["ContainerSpec"]["Mounts"][0].update(ReadOnly=True),
            None,  # what the engine may add by itself is not told
        ),
        (
            lambda s: s["TaskTemplate"].update(ForceUpdate=3),
            Change("TaskTemplate.ForceUpdate", "3", "0"),
        ),
        (
            lambda s: s["TaskTemplate"]["Resources"]["Limits"].update(MemoryBytes=5),
            Change("TaskTemplate.Resources.Limits.MemoryBytes", "5", str(2**30)),
        ),
    ],
)
def test_a_change_is_one_line_and_no_other(
    change: Callable[[dict[str, Any]], object], told: Change | None
) -> None:
    """Though it stands at the beginning of a list."""
    assert changes(read_back(change), NEW) == ((told,) if told else ())


def test_a_new_service_is_all_new() -> None:
    """With every field that is set."""
    found = changes({}, NEW)
    assert all(change.old is None and change.new is not None for change in found)
    assert Change(f"{CONTAINER}.Mounts[/home/jovyan].Source", None, "home-ada") in found


@pytest.mark.parametrize(
    "variable",
    [
        "API_TOKEN=s3cr3t",
        "my_password=s3cr3t",
        "DATABASE=postgres://ada:s3cr3t@db/x",
        "OPTIONS=--password=s3cr3t",
    ],
)
def test_what_may_be_a_secret_is_hidden(variable: str) -> None:
    """Somebody may have put it there by hand."""
    old = read_back(lambda s: s["TaskTemplate"]["ContainerSpec"]["Env"].append(variable))
    (change,) = changes(old, NEW)
    assert (change.old, change.new) == (HIDDEN, None)
    assert "s3cr3t" not in str(change)


def test_an_environment_in_another_order_is_told_and_hidden() -> None:
    """As is a variable that is there twice: the last one counts."""
    old = read_back(lambda s: s["TaskTemplate"]["ContainerSpec"]["Env"].reverse())
    assert changes(old, NEW) == (Change(f"{CONTAINER}.Env", HIDDEN, HIDDEN),)


def test_the_record_on_the_service_is_told_by_its_digest() -> None:
    """It holds the whole environment, in one line."""
    old = read_back(lambda s: s["Labels"].update({"swarmhub.record": '{"spec": "other"}'}))
    (change,) = changes(old, NEW)
    assert change.path == "Labels.swarmhub.record"
    assert str(change.old).startswith("sha256:")
    assert str(change.new).startswith("sha256:")
    assert change.old != change.new


def test_a_secret_is_told_by_its_name() -> None:
    """Which is no secret."""
    old = read_back(lambda s: s["TaskTemplate"]["ContainerSpec"].pop("Secrets"))
    assert any(c.path.endswith(".SecretID") and c.new == "secret-1" for c in changes(old, NEW))


SCALARS = st.none() | st.booleans() | st.integers(0, 9) | st.text("ab=.[]", max_size=4)
NAMES = st.text("abE", max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
CONTAINERS = st.fixed_dictionaries(
    {},
    optional={
        "Image": SCALARS,
        "User": SCALARS,
        "Env": st.lists(st.sampled_from(["A=1", "A=2", "B=1", "C"]), max_size=3),
        "Mounts": st.lists(st.dictionaries(st.sampled_from(["Target", "x"]), NAMES), max_size=2),
        "Hosts": st.lists(NAMES, max_size=2),
    },
)
MAPS = st.fixed_dictionaries(
    {"TaskTemplate": st.fixed_dictionaries({"ContainerSpec": CONTAINERS})},
    optional={"Name": SCALARS, "Labels": VALUES, "Mode": VALUES},
)


@given(MAPS)
def test_nothing_changes_into_itself(spec: dict[str, Any]) -> None:
    """Whatever it is."""
    assert changes(spec, spec) == ()


def _mounting(*targets: str) -> dict[str, Any]:
    mounts = [{"Target": target} for target in targets]
    return {"TaskTemplate": {"ContainerSpec": {"Mounts": mounts}}}


def test_another_order_is_told() -> None:
    """Nothing else differs, and it is an update all the same."""
    (change,) = changes(_mounting("/a", "/b"), _mounting("/b", "/a"))
    assert change.path == "TaskTemplate.ContainerSpec.Mounts"
    assert (change.old, change.new) == ("['[/a]', '[/b]']", "['[/b]', '[/a]']")


@settings(max_examples=500)
@example(_mounting("", "E"), _mounting("E", ""))
@given(MAPS, MAPS)
def test_what_is_drift_is_told(old: dict[str, Any], new: dict[str, Any]) -> None:
    """An update with a reason is never shown as one that changes nothing."""
    assert changes(old, new) or not drift(new, old)
