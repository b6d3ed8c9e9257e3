"""From the options about nodes to what the record asks of a node."""

from __future__ import annotations

from typing import Any

import pytest
from swarmhub_crds.notebook import NotebookSpec, Resources
from swarmhub_spawner.building.placement import PlacementOptions
from swarmhub_spawner.building.spec import Request, build_spec
from swarmhub_spawner.errors import OptionError


def built(**options: Any) -> NotebookSpec:
    """Return the spec that these options make for the user ada."""
    return build_spec(
        Request(
            user="ada",
            user_id=7,
            image="lab",
            command=["start"],
            networks=["nb"],
            placement=PlacementOptions(**options),
        )
    ).spec


def test_every_option_has_its_place_in_the_record() -> None:
    """As whole values; what is said twice is asked once."""
    spec = built(
        node_selector={"disk": "ssd", "owner": "{username}"},
        placement_spec={"constraints": ["node.role == worker", "node.labels.disk==ssd"]},
        guarantees={"nvidia.com/NVIDIA-GPU": "1", "fpga": 2, "none": 0},
        limits={"nvidia.com/NVIDIA-GPU": 1, "example.org/licence": "3"},
    )
    assert spec.constraints == (
        "node.labels.disk==ssd",
        "node.labels.owner==ada",
        "node.role==worker",
    )
    assert spec.resources == Resources(generic={"NVIDIA-GPU": 1, "fpga": 2, "licence": 3})


def test_without_the_options_nothing_is_asked() -> None:
    """So the record is the same as before there were any."""
    assert built().constraints == ()
    assert built().resources == Resources()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"node_selector": {"a/b": "x"}}, "node_selector: the constraint"),
        ({"node_selector": {"a": ""}}, "compares with ''"),
        ({"node_selector": {"a": "{nobody}"}}, "node_selector: {nobody} in"),
        (
            {"placement_spec": {"preferences": []}},
            "extra_placement_spec: 'preferences' is not supported: the operator itself spreads",
        ),
        ({"placement_spec": {"constraints": "node.id==x"}}, "must be a list of texts"),
        ({"placement_spec": {"constraints": [1]}}, "must be a list of texts"),
        (
            {"placement_spec": {"constraints": ["disk==ssd"]}},
            "extra_placement_spec: the constraint 'disk==ssd' asks for 'disk'",
        ),
        ({"guarantees": {"gpu": "1.5"}}, "'1.5' of 'gpu' must be a whole number"),
        ({"guarantees": {"gpu": True}}, "True of 'gpu' must be a whole number"),
        ({"limits": {"gpu": -1}}, "extra_resource_limits: -1 of 'gpu' must be a whole number"),
        ({"guarantees": {"nvidia.com/": 1}}, "'nvidia.com/' is no name of a generic resource"),
        ({"guarantees": {"g=u": 1}}, "'g=u' is no name of a generic resource"),
        ({"guarantees": {"gpu": 1}, "limits": {"gpu": 2}}, "2 of 'gpu' is not what"),
        ({"guarantees": {"a/gpu": 1, "b/gpu": 1}}, "both mean 'gpu' in Swarm"),
    ],
)
def test_what_swarm_cannot_do_is_refused_by_name(options: dict[str, Any], expected: str) -> None:
    """The sentence names the option and the next step."""
    with pytest.raises(OptionError) as caught:
        built(**options)
    assert expected in str(caught.value)
    assert str(caught.value).endswith(".")
