"""The table of engine failures, with the texts that moby really sends."""

from __future__ import annotations

import pytest
from swarmhub_operator.engine.errors import Kind, classify

RPC = "rpc error: code = "
NO_LEADER = (
    f"{RPC}Unknown desc = The swarm does not have a leader. It's possible that too few managers "
    "are online. Make sure more than half of the managers are online."
)
EXISTS = (
    f"{RPC}AlreadyExists desc = name conflicts with an existing object: "
    "service jupyter-ada already exists"
)


@pytest.mark.parametrize(
    ("status", "detail", "kind"),
    [
        (503, "This node is not a swarm manager. Use docker swarm init.", Kind.UNAVAILABLE),
        (500, NO_LEADER, Kind.UNAVAILABLE),
        (500, f"{RPC}DeadlineExceeded desc = context deadline exceeded", Kind.UNAVAILABLE),
        (500, f"{RPC}Unknown desc = update out of sequence", Kind.STALE),
        (400, f"{RPC}InvalidArgument desc = secret not found: jupyter-ada-1", Kind.STALE),
        (
            400,
            f"{RPC}InvalidArgument desc = secret 'x' is in use by the following service: jupyter",
            Kind.IN_USE,
        ),
        (409, "remove home-ada: volume is in use - [f3a9]", Kind.IN_USE),
        (404, "service jupyter-ada not found", Kind.GONE),
        (404, "No such secret: x", Kind.GONE),
        (404, "network nowhere not found", Kind.REFUSED),
        (500, "network nowhere not found", Kind.REFUSED),
        (409, EXISTS, Kind.TAKEN),
        (400, f"{RPC}InvalidArgument desc = ContainerSpec: image reference ... ", Kind.REFUSED),
        (403, "authorization denied by plugin policy", Kind.REFUSED),
        (501, f"{RPC}Unimplemented desc = renaming services is not supported", Kind.REFUSED),
        (500, "something else", Kind.UNAVAILABLE),
        (418, "", Kind.UNAVAILABLE),
        (None, "Connection refused", Kind.UNAVAILABLE),
    ],
)
def test_each_failure_has_its_kind(status: int | None, detail: str, kind: Kind) -> None:
    """The kind alone decides what happens next."""
    assert classify(status, detail).kind is kind


@pytest.mark.parametrize(
    ("status", "detail", "kind"),
    [
        (409, "name conflicts with an existing object: service jupyter-quorum", Kind.TAKEN),
        (404, "service jupyter-quorum not found", Kind.GONE),
        (400, "invalid image reference: registry/timeout:!", Kind.REFUSED),
        (404, "service jupyter-network-x-not-found not found", Kind.GONE),
    ],
)
def test_a_users_name_does_not_change_the_kind(status: int, detail: str, kind: Kind) -> None:
    """What the request named stands in the engine's answer."""
    assert classify(status, detail).kind is kind


def test_every_sentence_ends_and_is_bounded() -> None:
    """A person reads one sentence, whatever the engine pours out."""
    for status in (None, 400, 403, 404, 409, 418, 500, 501, 503):
        error = classify(status, "{weird} " + "x" * 5000 + "\n\ntrace.")
        assert str(error) == error.sentence
        assert len(error.sentence) < 500
        assert "\n" not in error.sentence
        assert error.sentence.endswith(".")
