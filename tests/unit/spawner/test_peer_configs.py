"""Configurations that people have for other spawners, read as JupyterHub reads them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from swarmhub_crds.container import Bind, Container, Dns, Tmpfs
from swarmhub_crds.notebook import NotebookSpec, PullPolicy, Resources
from swarmhub_spawner.building.spec import Wanted
from swarmhub_spawner.configuration import check_config
from swarmhub_spawner.errors import OptionError, SpawnError
from swarmhub_spawner.spawner import SwarmHubSpawner
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from unit.spawner.conftest import MakeSpawner

CONFIGS = Path(__file__).parent / "configs"
GOOD = ("swarm_class", "docker_images", "gpu_lab", "kube_profiles")


def loaded(name: str) -> Config:
    """Return what a jupyterhub_config.py sets."""
    return PyFileConfigLoader(f"{name}.py", str(CONFIGS)).load_config()


def spawner_of(
    make_spawner: MakeSpawner, config: str, *, user: str = "ada", groups: tuple[str, ...] = ()
) -> SwarmHubSpawner:
    """Return a spawner that has been configured so."""
    spawner = make_spawner(user, config=loaded(config))
    spawner.user.groups = [SimpleNamespace(name=group) for group in groups]
    return spawner


async def wanted(spawner: SwarmHubSpawner, **user_options: Any) -> Wanted:
    """Do what JupyterHub does before a start, and return what the start would write."""
    spawner.user_options = user_options
    await spawner.apply_group_overrides()
    await spawner._run_apply_user_options(user_options)
    return await spawner._wanted()


async def spec_of(spawner: SwarmHubSpawner, **user_options: Any) -> NotebookSpec:
    """Return the record alone."""
    return (await wanted(spawner, **user_options)).spec


@pytest.mark.parametrize("name", GOOD)
def test_nothing_in_them_is_refused_or_unknown(name: str) -> None:
    """The check at the end of the hub's configuration lets them pass."""
    check_config(loaded(name))


async def test_a_class_on_swarmspawner(make_spawner: MakeSpawner) -> None:
    """Its placement, resources, volumes and container are in the record."""
    found = await wanted(spawner_of(make_spawner, "swarm_class", user="Ada@x"))
    spec = found.spec
    assert spec.image == "quay.io/jupyter/scipy-notebook:2026-01-05"
    assert spec.networks == ("jupyterhub_net",)
    assert spec.constraints == ("node.role==worker",)
    assert spec.resources == Resources(
        cpu_limit=1.5, mem_limit=512_000_000, mem_guarantee=256_000_000
    )
    assert [(m.volume, m.target, m.home) for m in spec.mounts] == [
        ("jupyterhub-user--41da-40x", "/home/jovyan/work", True)
    ]
    assert spec.container == Container(
        hostname="-41da-40x",
        binds=(Bind(source="/srv/nfs/material", target="/home/jovyan/material", read_only=True),),
    )
    assert spec.environment["COURSE"] == "ml-1"
    assert spec.environment["JUPYTER_IMAGE_SPEC"] == spec.image
    assert spec.environment["JUPYTERHUB_DEBUG"] == "1"


async def test_a_department_on_dockerspawner(make_spawner: MakeSpawner) -> None:
    """A choice of images, a callable for memory, mounts of all kinds, and the old escaping."""
    spec = await spec_of(spawner_of(make_spawner, "docker_images", user="ada.l"), image="R")
    assert spec.image == "quay.io/jupyter/r-notebook:latest"
    assert spec.pull_policy is PullPolicy.ALWAYS
    assert spec.resources == Resources(cpu_limit=2.0, mem_limit=4 * 2**30)
    assert spec.container_user == "1000:100"
    assert [(m.volume, m.target) for m in spec.mounts] == [
        ("jupyter-ada_2El", "/home/jovyan"),
        ("shared-ada.l", "/mine"),
    ]
    assert spec.container == Container(
        init=True,
        cap_drop=("ALL",),
        binds=(Bind(source="/data/public", target="/data", read_only=True),),
        tmpfs=(
            Tmpfs(target="/scratch", size=2**30),
            Tmpfs(target="/dev/shm", size=2 * 2**30),
        ),
    )
    staff = await spec_of(spawner_of(make_spawner, "docker_images", user="grace"))
    assert staff.image == "quay.io/jupyter/scipy-notebook:latest"
    assert staff.resources.mem_limit == 16 * 2**30


async def test_an_image_that_may_not_be_chosen(make_spawner: MakeSpawner) -> None:
    """It is the user's mistake, and the sentence says what may be."""
    with pytest.raises(SpawnError) as caught:
        await wanted(spawner_of(make_spawner, "docker_images"), image="evil/image")
    assert caught.value.status_code == 400
    assert str(caught.value) == (
        "The image 'evil/image' cannot be chosen; choose one of: Python, R."
    )


async def test_a_laboratory_with_gpus(make_spawner: MakeSpawner) -> None:
    """Generic resources, more of them for a group, and all of Docker's words for the container."""
    found = await wanted(spawner_of(make_spawner, "gpu_lab"))
    spec = found.spec
    assert spec.constraints == (
        "node.labels.gpu==true",
        "node.platform.arch==x86_64",
        "node.platform.os==linux",
    )
    assert spec.resources == Resources(generic={"NVIDIA-GPU": 1})
    options = {"type": "nfs", "o": "addr=nfs.example.org,rw", "device": ":/export/ada"}
    assert [(m.volume, m.driver_options, m.read_only) for m in spec.mounts] == [
        ("lab-ada", options, False),
        ("datasets", options, True),
    ]
    assert spec.container == Container(
        cap_add=("SYS_PTRACE",),
        stop_grace=30.0,
        dns=Dns(nameservers=("10.0.0.53",)),
        hosts={"licence": "10.0.0.9"},
    )
    more = await spec_of(spawner_of(make_spawner, "gpu_lab", groups=("zoo", "researchers")))
    assert more.groups == ("researchers", "zoo")
    assert more.resources == Resources(generic={"NVIDIA-GPU": 4}, mem_limit=64 * 2**30)


async def test_the_default_profile(make_spawner: MakeSpawner) -> None:
    """Who chooses nothing gets it."""
    spec = await spec_of(spawner_of(make_spawner, "kube_profiles"))
    assert spec.image == "quay.io/jupyterhub/k8s-singleuser-sample:4.0.0"
    assert spec.resources == Resources(
        cpu_limit=1, mem_limit=2**30, cpu_guarantee=0.5, mem_guarantee=2**30
    )
    assert spec.container_user == "1000:100"
    assert spec.container.groups == ("2000",)
    assert spec.labels == {"hub.jupyter.org/user": "ada"}
    assert spec.constraints == ("node.labels.pool==users",)
    assert [m.volume for m in spec.mounts] == ["claim-ada"]
    assert (spec.environment["WHO"], spec.environment["JSON"]) == ("ada", "{}")


async def test_a_profile_with_choices(make_spawner: MakeSpawner) -> None:
    """Dicts are merged, None removes, callables are called, defaults fill what is not chosen."""
    spec = await spec_of(spawner_of(make_spawner, "kube_profiles"), profile="own", gpu="one")
    assert spec.image == "quay.io/jupyter/minimal-notebook:latest"
    assert {k: spec.environment.get(k) for k in ("KEEP", "DROP", "MORE")} == {
        "KEEP": "1",
        "DROP": None,
        "MORE": "2 of ada",
    }
    assert spec.resources.cpu_limit == 2.5
    assert spec.resources.generic == {"NVIDIA-GPU": 1}


async def test_a_choice_that_is_in_no_list(make_spawner: MakeSpawner) -> None:
    """{value} is what the user wrote; other fields are filled later, as everywhere."""
    spawner = spawner_of(make_spawner, "kube_profiles")
    spec = await spec_of(
        spawner, **{"profile": "own", "image--unlisted-choice": "pangeo/base:2026"}
    )
    assert spec.image == "pangeo/base:2026"
    assert spec.labels == {
        "hub.jupyter.org/user": "ada",
        "chosen": "pangeo/base:2026",
        "by": "ada",
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"profile": "huge"}, "'huge' cannot be chosen for profile; choose one of: small-1-core,"),
        ({"profile": "own", "gpu": "9"}, "'9' cannot be chosen for gpu; choose one of: none, one."),
        (
            {"profile": "own", "image--unlisted-choice": "evil/x:1\n"},
            "cannot be chosen for 'Image': Must be an image of pangeo, with a tag.",
        ),
        ({"profile": "own", "image--unlisted-choice": "pangeo/{x}:1"}, "it holds braces"),
        ({"profile": "own", "gpu--unlisted-choice": "9"}, "choose one of: none, one."),
    ],
)
async def test_a_choice_that_may_not_be_made(
    make_spawner: MakeSpawner, options: dict[str, str], sentence: str
) -> None:
    """HTTP 400, and the sentence says what may be chosen."""
    with pytest.raises(SpawnError) as caught:
        await wanted(spawner_of(make_spawner, "kube_profiles"), **options)
    assert caught.value.status_code == 400
    assert sentence in str(caught.value)


REFUSED = {
    "KubeSpawner.volumes": "volumes: a list of Kubernetes volumes means nothing to Docker; write",
    "KubeSpawner.volume_mounts": "volume_mounts cannot be set: volumes says both",
    "KubeSpawner.storage_capacity": "use a volume_driver that gives one",
    "KubeSpawner.pvc_name_template": "cannot be set: give the name in volumes",
    "KubeSpawner.tolerations": "a Swarm has no taints; label the nodes and use node_selector",
    "KubeSpawner.lifecycle_hooks": "put what is to be done first into the image's start script",
    "KubeSpawner.modify_pod_hook": "use modify_record_hook(spawner, spec)",
    "KubeSpawner.privileged": "privileged = True cannot be in a Swarm",
    "KubeSpawner.storage_pvc_ensure": "storage_pvc_ensure = False cannot be",
    "DockerSpawner.host_ip": "host_ip cannot be set: no port of a node is published",
    "DockerSpawner.remove": "remove = False cannot be: a service's container is not kept",
    "DockerSpawner.name_template": "name_template = 'lab-{userid}' cannot be chosen",
    "DockerSpawner.allowed_images": "the only text it takes is '*'",
    "DockerSpawner.tls_config": "the hub holds no Docker credential",
    "SwarmSpawner.mem_limt": "mem_limt is no option of SwarmHubSpawner; did you mean mem_limit?",
}


def test_what_cannot_be_is_refused_all_at_once() -> None:
    """Each in a line of its own, with what to do instead; what can be has none."""
    with pytest.raises(OptionError) as caught:
        check_config(loaded("kube_refused"))
    lines = dict(line.split(": ", 1) for line in str(caught.value).splitlines()[1:])
    assert lines.keys() == {f"c.{name}" for name in REFUSED}
    for name, sentence in REFUSED.items():
        assert sentence in lines[f"c.{name}"], name


def test_without_the_check_a_spawner_refuses_too(make_spawner: MakeSpawner) -> None:
    """The hub cannot make one; what is wrong is in its log and on the page."""
    with pytest.raises(Exception, match="privileged = True cannot be in a Swarm"):
        make_spawner(config=Config({"KubeSpawner": {"privileged": True}}))
