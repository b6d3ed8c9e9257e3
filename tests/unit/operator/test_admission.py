"""What the policy refuses."""

from __future__ import annotations

import pytest
from support.records import IMAGE, NETWORK, home_mount, spec
from swarmhub_crds.container import Bind, Container
from swarmhub_crds.notebook import Mount, NotebookSpec
from swarmhub_operator.decide.admission import refusal
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
            spec(container=Container(binds=(Bind(source="/", target="/host"),))),
            "no notebook may mount it",
        ),
        (spec(container=Container(cap_add=("SYS_ADMIN",))), "capability SYS_ADMIN"),
        (
            spec(
                mounts=(Mount(volume="jupyterhub-vv", target="/s", driver_options={"device": "/"}),)
            ),
            "reach the node's own files",
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
    mount = Mount(volume="team_x", target="/s", driver="nfs", driver_options={"o": "x"})
    asked = spec(networks=(NETWORK, "gpu"), mounts=(mount,))
    policy = {
        "allowed_networks": ["gpu"],
        "allowed_volume_drivers": ["nfs"],
        "allow_volume_options": True,
        "allowed_volumes": ["*"],
    }
    assert refuse(asked, **policy) is None
