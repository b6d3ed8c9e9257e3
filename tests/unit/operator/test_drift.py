"""What counts as somebody else's change."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from support.records import home, home_mount, notebook, wanted
from swarmhub_crds.notebook import Resources
from swarmhub_operator.decide.build import Placement, service_spec
from swarmhub_operator.decide.drift import drift

RECORD = notebook(
    environment={"A": "1"},
    resources=Resources(mem_limit=2**30),
    mounts=(home_mount(),),
    container_user="1000",
    labels={"team": "x"},
)
WANTED = service_spec(wanted(RECORD, home()), Placement("lab@sha256:aa"), "secret-1")
CONTAINER = "TaskTemplate.ContainerSpec"


def read_back() -> dict[str, Any]:
    """Return the spec as an engine answers it: defaults merged in, the network by its id."""
    spec = copy.deepcopy(WANTED)
    template = spec["TaskTemplate"]
    template["ContainerSpec"] |= {"Isolation": "default", "Init": None, "DNSConfig": {}}
    template["Networks"][0]["Target"] = "w8vzq0network"
    template["RestartPolicy"] |= {"MaxAttempts": 0}
    template["Placement"] = {"Platforms": [{"Architecture": "amd64", "OS": "linux"}]}
    template["Runtime"] = "container"
    del template["ForceUpdate"]
    spec["UpdateConfig"] = {"Parallelism": 1}
    return spec


Change = Callable[[dict[str, Any]], object]


def test_defaults_of_the_engine_are_no_drift() -> None:
    """Only what we set is compared."""
    assert drift(WANTED, read_back()) == ()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda s: s["TaskTemplate"]["ContainerSpec"].update(Image="evil"), f"{CONTAINER}.Image"),
        (lambda s: s["Mode"]["Replicated"].update(Replicas=0), "Mode.Replicated.Replicas"),
        (lambda s: s["Mode"].pop("Replicated"), "Mode.Replicated.Replicas"),
        (lambda s: s["Labels"].pop("team"), "Labels.team"),
        (lambda s: s["Labels"].update({"swarmhub.user": "eve"}), "Labels.swarmhub.user"),
        (lambda s: s["TaskTemplate"]["ContainerSpec"]["Env"].append("B=2"), f"{CONTAINER}.Env"),
        (lambda s: s["TaskTemplate"]["ContainerSpec"].update(Env=["A=2"]), f"{CONTAINER}.Env[0]"),
        (lambda s: s["TaskTemplate"]["ContainerSpec"].pop("Env"), f"{CONTAINER}.Env"),
        (lambda s: s["TaskTemplate"]["ContainerSpec"].pop("Mounts"), f"{CONTAINER}.Mounts"),
        (lambda s: s["TaskTemplate"]["ContainerSpec"].update(User="0"), f"{CONTAINER}.User"),
        (lambda s: s["TaskTemplate"]["ContainerSpec"].pop("Secrets"), f"{CONTAINER}.Secrets"),
        (
            lambda s: s["TaskTemplate"]["ContainerSpec"]["Secrets"][0].update(SecretID="other"),
            f"{CONTAINER}.Secrets[0].SecretID",
        ),
        (
            lambda s: s["TaskTemplate"]["ContainerSpec"]["Mounts"][0].update(Source="other"),
            f"{CONTAINER}.Mounts[0].Source",
        ),
        (
            lambda s: s["TaskTemplate"]["Resources"].pop("Limits"),
            "TaskTemplate.Resources.Limits.MemoryBytes",
        ),
        (
            lambda s: s["TaskTemplate"]["RestartPolicy"].update(Condition="any"),
            "TaskTemplate.RestartPolicy.Condition",
        ),
        (lambda s: s["EndpointSpec"].update(Mode="vip"), "EndpointSpec.Mode"),
        (lambda s: s["TaskTemplate"].pop("Networks"), "TaskTemplate.Networks"),
        (lambda s: s["TaskTemplate"]["Networks"].append({"Target": "x"}), "TaskTemplate.Networks"),
        (
            lambda s: s["TaskTemplate"]["Networks"][0].update(Aliases=["other"]),
            "TaskTemplate.Networks[0].Aliases[0]",
        ),
    ],
)
def test_each_change_is_named(change: Change, path: str) -> None:
    """The log says what was changed, and no more than that."""
    found = read_back()
    change(found)
    assert drift(WANTED, found) == (path,)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["Labels"].update({"com.example.backup": "yes"}),
        lambda s: s["TaskTemplate"]["ContainerSpec"]["Labels"].update(other="x"),
        lambda s: s["TaskTemplate"]["Networks"][0].update(Target="another-id"),
        lambda s: s["TaskTemplate"].update(ForceUpdate=7),
        lambda s: s["TaskTemplate"]["Placement"].update(Constraints=[]),
    ],
)
def test_what_others_may_add_or_we_change_later_is_ignored(change: Change) -> None:
    """Labels of others, the network's id, restarts, and a pin of the next start."""
    found = read_back()
    change(found)
    assert drift(WANTED, found) == ()


def test_what_the_engine_leaves_out_when_empty_is_no_drift() -> None:
    """Go's omitempty drops empty lists, texts and zeros."""
    wanted_spec = {"A": [], "B": "", "C": 0, "D": False, "E": {}, "F": None}
    assert drift(wanted_spec, {}) == ()
    assert drift({"A": [1], "B": "x"}, {}) == ("A", "B")


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("ContainerSpec", "CapabilityAdd", ["SYS_ADMIN"]),
        ("ContainerSpec", "Command", ["sh"]),
        ("ContainerSpec", "Secrets", [{"SecretID": "theirs"}]),
        ("Resources", "Reservations", {"NanoCPUs": 5}),
    ],
)
def test_what_we_never_give_is_drift(part: str, key: str, value: object) -> None:
    """A field without a default that we left out is somebody else's."""
    plain = wanted(notebook(mounts=()))
    ours = service_spec(plain, Placement("lab@sha256:aa"), None)
    found = copy.deepcopy(ours)
    found["TaskTemplate"][part][key] = value
    assert drift(ours, found) == (f"TaskTemplate.{part}.{key}",)


def test_empty_fields_are_nothing() -> None:
    """An engine that writes out empty limits has been given none."""
    ours = service_spec(wanted(notebook(mounts=())), Placement("lab@sha256:aa"), None)
    found = copy.deepcopy(ours)
    found["TaskTemplate"]["Resources"] = {"Limits": {"NanoCPUs": 0}, "Reservations": {}}
    found["TaskTemplate"]["ContainerSpec"]["Command"] = None
    assert drift(ours, found) == ()
