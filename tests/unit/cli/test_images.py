"""`swarmhub images`, and what `status` says of images that are not where they should be."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from swarmhub_crds.image import OnNode, Pull, SeenImage
from swarmhub_crds.node import SeenNode
from unit.cli.samples import Run, State

DIGEST = "sha256:" + "ab" * 32
NAMES = ("manager", "worker1", "worker2")
WHY = "worker2 could not pull it from r.example (No such image)."


def image(name: str, *states: Pull, **values: object) -> SeenImage:
    """Return an image, and how far each node is."""
    reference, since = f"{name}@{DIGEST}", datetime.now(UTC)
    nodes = [
        OnNode(
            node_id=f"id-{node}",
            node=node,
            reference=reference,
            state=state,
            since=since,
            message=WHY if state is Pull.FAILED else "",
        )
        for node, state in zip(NAMES, states, strict=True)
    ]
    told = {"image": name, "origin": "hub", "reference": reference, "nodes": nodes}
    return SeenImage.model_validate(told | values)


GOOD = image("r.example/lab:1", Pull.PRESENT, Pull.PRESENT, Pull.PRESENT)
BUSY = image("r.example/big:1", Pull.PRESENT, Pull.PULLING, Pull.FAILED)
BAD = image("r.example/odd:1", Pull.PRESENT, Pull.PRESENT, Pull.FAILED)
UNKNOWN = SeenImage(image="r.example/no:1", origin="hub", message="The registry wants a login.")


@pytest.fixture
def told(state: State) -> State:
    """A store that tells of three nodes and four images."""
    nodes = [
        SeenNode(id=f"id-{n}", hostname=n, state="ready", availability="active") for n in NAMES
    ]
    state.store.put_nodes(nodes, fence=state.lease.token)
    put(state, GOOD, BUSY, BAD, UNKNOWN)
    return state


def test_in_the_order_of_a_column(told: State, run: Run) -> None:
    """Or of a field; one that follows changes has no order."""

    def names(by: str) -> list[str]:
        result = run("images", "-o", "name", "--sort-by", by)
        assert result.exit_code == 0, result.output
        return result.stdout.split()

    assert names("image") == [f"image/r.example/{n}:1" for n in ("big", "lab", "no", "odd")]
    assert names(".present")[-1] == "image/r.example/lab:1"
    assert names("state")[0] == "image/r.example/odd:1"
    assert run("images", "--sort-by", "weight").exit_code == 2
    assert "--sort-by is of no use" in run("images", "--wait", "0", "--sort-by", "state").stderr


def put(state: State, *images: SeenImage) -> None:
    """Have the operator say how the images stand."""
    state.store.put_images(images, fence=state.lease.token)


def test_images_are_a_table(told: State, run: Run) -> None:
    """One row each, with how many nodes have it."""
    result = run("images")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "IMAGE             DIGEST                NODES   STATE",
        "r.example/lab:1   sha256:abababababab   3/3     Present",
        "r.example/big:1   sha256:abababababab   1/3     Pulling",
        "r.example/odd:1   sha256:abababababab   2/3     Failed",
        "r.example/no:1    -                     0/0     NotPulled",
    ]


def test_other_forms(told: State, run: Run) -> None:
    """Wide tells why, JSON all."""
    wide = run("images", "-o", "wide").stdout
    assert f"hub      -        {WHY}" in wide
    assert "The registry wants a login." in wide
    content = json.loads(run("images", "-o", "json").stdout)
    assert content["kind"] == "ImageList"
    assert [(i["state"], i["present"]) for i in content["items"]][:2] == [
        ("Present", 3),
        ("Pulling", 1),
    ]
    assert content["items"][0]["nodes"][1]["node"] == "worker1"
    assert run("images", "-o", "name").stdout.split()[0] == "image/r.example/lab:1"


def test_status_counts_and_names_them(told: State, run: Run) -> None:
    """They are tried again by themselves, so the exit code stays."""
    result = run("status")
    assert result.exit_code == 0
    assert "Images:     4: 1 Present, 1 Pulling, 1 Failed, 1 NotPulled" in result.stdout
    assert f"  image r.example/odd:1: Failed\n    {WHY}\n" in result.stdout
    assert "  image r.example/no:1: NotPulled\n    The registry wants a login.\n" in result.stdout


def test_waiting_ends_when_nothing_more_comes_soon(told: State, run: Run) -> None:
    """A failure is told, and is the exit code."""
    put(told, GOOD, BAD)
    result = run("images", "--wait", "5")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "manager has the images that run there",
        "worker1 has the images that run there",
        "worker2 has 1 of 2",
        f"r.example/odd:1: {WHY}",
    ]
    put(told, GOOD)
    assert run("images", "--wait", "5").exit_code == 0


@pytest.mark.parametrize("missing", ["announcement", "node", "pull"])
def test_waiting_is_bounded(told: State, run: Run, missing: str) -> None:
    """While the operator has not seen what the hub announces, or a node, it is not over."""
    put(told, GOOD)
    if missing == "announcement":
        told.store.announce_images(["r.example/new:1"])
    elif missing == "pull":
        put(told, BUSY)
    else:
        joined = SeenNode(id="new", hostname="new", state="ready", availability="active")
        told.store.put_nodes([joined], fence=told.lease.token)
    assert run("images", "--wait", "0").exit_code == 1


def test_nobody_has_told_yet(state: State, run: Run) -> None:
    """One sentence."""
    result = run("images")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No operator has told of any image yet." in result.stderr
