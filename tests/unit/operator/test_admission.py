"""What the policy refuses, and what no node can give."""

from __future__ import annotations

import pytest
from support.records import GIB, IMAGE, NETWORK, home_mount, node, spec
from swarmhub_crds.notebook import Mount, NotebookSpec, Resources
from swarmhub_operator.decide.admission import refusal
from swarmhub_operator.decide.capacity import impossible
from swarmhub_operator.decide.policy import Policy


def refuse(asked: NotebookSpec, **policy: object) -> str | None:
    """Ask the policy."""
    return refusal(asked, Policy.model_validate(policy), NETWORK)


def test_an_ordinary_notebook_is_allowed() -> None:
    """The default policy lets the usual pass."""
    assert refuse(spec(mounts=(home_mount("jupyterhub-user-ada"),), labels={"team": "x"})) is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (spec(networks=(NETWORK, "host")), "The network host is not allowed"),
        (spec(networks=("database",)), "The network database is not allowed"),
        (spec(labels={"swarmhub.uid": "x"}), "The label swarmhub.uid is reserved"),
        (spec(labels={"com.docker.stack.namespace": "x"}), "is reserved"),
        (
            spec(mounts=(Mount(volume="swarmhub_state", target="/s"),)),
            "swarmhub_state is not allowed",
        ),
        (spec(mounts=(Mount(volume="jupyterhub-vv", target="/s", driver="nfs"),)), "driver nfs"),
        (
            spec(
                mounts=(Mount(volume="jupyterhub-vv", target="/s", driver_options={"device": "/"}),)
            ),
            "can reach the host's files",
        ),
    ],
)
def test_what_reaches_further_is_refused_in_a_sentence(asked: NotebookSpec, words: str) -> None:
    """A compromised hub must not gain the host."""
    why = refuse(asked)
    assert why is not None
    assert words in why
    assert why.endswith(".")


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [
        (("*",), True),
        ((IMAGE,), True),
        (("registry/*",), True),
        (("quay.io/*",), False),
        ((), False),
    ],
)
def test_images_follow_the_patterns(patterns: tuple[str, ...], allowed: bool) -> None:
    """Shell patterns, over the whole name; no pattern allows nothing."""
    assert (refuse(spec(), allowed_images=patterns) is None) == allowed


def test_what_the_administrator_allows_is_allowed() -> None:
    """Each refusal can be lifted where its sentence says so."""
    mount = Mount(volume="swarmhub_x", target="/s", driver="nfs", driver_options={"o": "x"})
    asked = spec(networks=(NETWORK, "gpu"), mounts=(mount,))
    policy = {
        "allowed_networks": ["gpu"],
        "allowed_volume_drivers": ["nfs"],
        "allow_volume_options": True,
        "allowed_volumes": ["*"],
    }
    assert refuse(asked, **policy) is None


def test_a_guarantee_must_fit_into_one_empty_node() -> None:
    """Two small nodes do not make a large one."""
    nodes = (node(), node("n2", cpus=64.0, memory=GIB))
    assert impossible(Resources(mem_guarantee=8 * GIB, cpu_guarantee=4), nodes) is None
    assert impossible(Resources(mem_guarantee=8 * GIB, cpu_guarantee=5), nodes) is not None


def test_the_sentence_names_what_is_asked_and_what_there_is() -> None:
    """A person sees at once by how much."""
    asked = Resources(mem_guarantee=16 * GIB, cpu_guarantee=0.5)
    assert impossible(asked, (node(),)) == (
        "No node is large enough for the 16 GiB of memory and 0.5 CPUs it is guaranteed "
        "(host-n1: 8 GiB, 4 CPUs); ask for less."
    )


def test_no_guarantee_always_fits() -> None:
    """Limits are no claim on a node."""
    assert impossible(Resources(mem_limit=2**50, cpu_limit=900), (node(),)) is None


def test_a_node_that_is_away_counts_and_unknown_nodes_refuse_nobody() -> None:
    """It may come back; and without a list nothing is known."""
    away = node(state="down", availability="drain")
    assert impossible(Resources(mem_guarantee=8 * GIB), (away,)) is None
    assert impossible(Resources(mem_guarantee=8 * GIB), ()) is None
