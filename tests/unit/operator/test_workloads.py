"""Services and containers of others, from the engine's JSON."""

from __future__ import annotations

import pytest
from swarmhub_operator.engine.workloads import Workload, WorkloadKind, of_container, of_service

ENV = ["JUPYTERHUB_USER=ada=x", "JUPYTERHUB_SERVER_NAME=lab", "JUPYTERHUB_API_TOKEN=t0ken"]


def test_a_service_is_read() -> None:
    """As SwarmSpawner makes it; the token is not kept."""
    mounts = [
        {"Type": "volume", "Source": "home", "Target": "/a"},
        {"Type": "bind", "Source": "/nfs/ada", "Target": "/b"},
        {"Type": "tmpfs", "Target": "/c"},
    ]
    container = {"Env": ENV, "Mounts": mounts}
    spec = {"Name": "jupyter-ada", "TaskTemplate": {"ContainerSpec": container}}
    found = of_service({"ID": "s1", "Spec": spec})
    assert found == Workload(
        WorkloadKind.SERVICE,
        "s1",
        "jupyter-ada",
        user="ada=x",
        server="lab",
        volumes=frozenset({"home"}),
        paths=frozenset({"/nfs/ada"}),
    )
    assert "t0ken" not in repr(found)
    assert found.title == "service jupyter-ada"


def test_a_container_is_read() -> None:
    """Volumes by their names: their source is a path of the engine's."""
    mounts = [
        {"Type": "volume", "Name": "home", "Source": "/var/lib/docker/volumes/home/_data"},
        {"Type": "bind", "Source": "/etc/x"},
    ]
    raw = {
        "Id": "c1",
        "Name": "/jupyter-ada",
        "State": {"Running": True},
        "Config": {"Env": ENV, "Labels": {"com.docker.swarm.service.id": "s1"}},
        "Mounts": mounts,
    }
    found = of_container(raw)
    assert (found.name, found.running, found.user) == ("jupyter-ada", True, "ada=x")
    assert (found.volumes, found.paths) == (frozenset({"home"}), frozenset({"/etc/x"}))
    assert (found.service, found.ours) == ("s1", False)


@pytest.mark.parametrize("label", ["swarmhub.store", "swarmhub.notebook", "swarmhub.errand"])
def test_what_is_ours_is_known(label: str) -> None:
    """By any of our labels."""
    bare = {"Id": "c", "Config": {"Env": None, "Labels": {label: "x"}}, "Mounts": None}
    assert of_container(bare).ours
    assert of_service({"ID": "s", "Spec": {"Name": "n", "Labels": {label: "x"}}}).ours
