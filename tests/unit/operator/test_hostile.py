"""Specs of a hub that has been taken over: under the defaults, and where rules are loosened."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from support.records import NETWORK, home_mount, spec
from swarmhub_crds.container import Bind, Container, Tmpfs
from swarmhub_crds.names import slug
from swarmhub_crds.notebook import Mount, Resources
from swarmhub_operator.decide.admission import refusal
from swarmhub_operator.decide.policy import Policy

DIGEST = f"sha256:{'ab' * 32}"


def refuse(
    rules: Mapping[str, object] | None = None,
    owners: Mapping[str, frozenset[str]] | None = None,
    **asked: object,
) -> str:
    """Return the sentence by which the policy refuses; "" if it allows."""
    why = refusal(spec(**asked), Policy.model_validate(rules or {}), NETWORK, owners)
    assert why is None or why.endswith(".")
    return why or ""


def bound(*sources: str, writable: bool = False) -> Container:
    """Return a container that binds paths of its node."""
    return Container(
        binds=tuple(
            Bind(source=s, target=f"/mnt/{n}", read_only=not writable)
            for n, s in enumerate(sources)
        )
    )


EVERYTHING = {"allowed_binds": [{"path": p} for p in ("/srv/*", "/*", "/*/*", "/*/*/*")]}


@pytest.mark.parametrize(
    "source",
    [
        "/",
        "//",
        "/.",
        "/srv/..",
        "/srv/../etc",
        "/srv//data",
        "/./etc",
        "/etc",
        "/etc/",
        "/etc/shadow",
        "/proc/1/root",
        "/sys",
        "/dev/sda",
        "/root",
        "/run",
        "/run/docker.sock",
        "/var/run/docker.sock",
        "/var/run/../run/docker.sock",
        "/var",
        "/var/lib",
        "/var/lib/docker",
        "/var/lib/docker/volumes",
        "/srv/Docker.SOCK",
        "/srv/podman.socket",
        "/srv/{{.Node.Hostname}}",
        "/srv/a\nb",
        "/srv/own/engine",
    ],
)
def test_no_rule_gives_a_notebook_the_node(source: str) -> None:
    """However it is spelled, and even if the administrator allowed nearly everything."""
    assert refuse(container=bound(source))
    assert refuse({**EVERYTHING, "never_bind": ["/srv/own/engine"]}, container=bound(source))


def test_binds_follow_the_rules_by_whole_names() -> None:
    """A listed path, and nothing below it: a link in there would lead anywhere."""
    rules = {
        "allowed_binds": [
            {"path": "/srv/data"},
            {"path": "/srv/homes/{username}", "read_only": False},
            {"path": "/srv/sets/*"},
        ]
    }
    for good in ("/srv/data", "/srv/data/", "/srv/sets/a"):
        assert not refuse(rules, container=bound(good))
        assert "(writable)" in refuse(rules, container=bound(good, writable=True))
    assert not refuse(rules, container=bound("/srv/homes/ada", writable=True))
    for way in ("Ada.L", slug("Ada.L"), "-41da-2e-4c", "Ada_2EL"):
        bind = bound(f"/srv/homes/{way}", writable=True)
        assert not refuse(rules, user="Ada.L", container=bind), "however a scheme writes it"
    for bad in ("/srv/homes/eve", "/srv/homes/ada/link", "/srv/data/x", "/srv/sets", "/srv/dat"):
        assert "allowed_binds" in refuse(rules, container=bound(bad))
    assert "allowed_binds" in refuse(rules, user="*", container=bound("/srv/homes/ada"))


@pytest.mark.parametrize("path", ["/", "srv", "/etc", "/var", "/var/lib/docker", "/srv/../etc"])
def test_a_rule_that_gives_the_node_away_is_no_rule(path: str) -> None:
    """Said when the file is read, not when somebody uses it."""
    with pytest.raises(ValueError, match="notebooks cannot be given that"):
        Policy.model_validate({"allowed_binds": [{"path": path}]})
    with pytest.raises(ValueError, match="usr"):
        Policy.model_validate({"allowed_binds": [{"path": "/usr/lib", "read_only": False}]})


@pytest.mark.parametrize(
    "network",
    ["host", "HOST", "ingress", "bridge", "none", "swarmhub_notebook", NETWORK[:8], "w8vzq0aaaa"],
)
def test_only_the_named_networks_are_joined(network: str) -> None:
    """Neither the node's own, nor one by its id or the beginning of its name."""
    assert "is not allowed" in refuse(networks=(NETWORK, network))
    assert "is not allowed" in refuse({"allowed_networks": ["data"]}, networks=(network,))


@pytest.mark.parametrize("network", ["host", "Host", "bridge", "ingress", "none"])
def test_the_engines_own_networks_cannot_be_allowed(network: str) -> None:
    """A host network is the node."""
    with pytest.raises(ValueError, match="the engine's own network"):
        Policy.model_validate({"allowed_networks": [network]})


@pytest.mark.parametrize("volume", ["swarmhub_state", "swarmhub_hub", "swarmhub_registry"])
def test_the_products_own_volumes_are_out_of_reach(volume: str) -> None:
    """Also read-only, and by the widest pattern; only its very name would do."""
    mounts = (Mount(volume=volume, target="/x", read_only=True),)
    assert "is not allowed" in refuse(mounts=mounts)
    assert "is not allowed" in refuse({"allowed_volumes": ["*"]}, mounts=mounts)


@pytest.mark.parametrize("flags", [{}, {"read_only": True}, {"home": True}])
def test_the_home_of_another_is_not_mounted(flags: dict[str, bool]) -> None:
    """Whatever the record calls it; and a home record that lies is outvoted by the volume."""
    mounts = (Mount(volume="jupyterhub-user-eve", target="/x", **flags),)
    for known in ({"eve"}, {"ada", "eve"}, {""}):
        owners = {"jupyterhub-user-eve": frozenset(known)}
        assert "the home of another user" in refuse(owners=owners, mounts=mounts)
        assert not refuse({"shared_homes": ["*-eve"]}, owners=owners, mounts=mounts)
    assert not refuse(owners={"jupyterhub-user-eve": frozenset({"ada"})}, mounts=mounts)


@pytest.mark.parametrize(
    "options",
    [
        {"type": "none", "o": "bind", "device": "/"},
        {"o": "bind,device=/"},
        {"o": "bind", "device": "/"},
        {"device": "/etc"},
        {"type": "nfs", "o": "addr=x,bind", "device": "etc"},
        {"type": "NFS", "o": "RBIND", "device": ":/"},
        {"type": "nfs", "device": "/etc"},
        {"type": "overlay", "o": "lowerdir=/,upperdir=/u,workdir=/w", "device": "overlay"},
        {"type": "ext4", "device": "/dev/sda1"},
    ],
)
def test_no_driver_option_is_a_bind_in_disguise(options: dict[str, str]) -> None:
    """Even if any option is allowed."""
    mounts = (Mount(volume="jupyterhub-x", target="/x", driver_options=options),)
    loose = {"allow_volume_options": True, "volume_options": {"local": {"o": ["*"]}}}
    for rules in ({}, loose):
        assert "the node's own files" in refuse(rules, mounts=mounts)


def test_driver_options_are_allowed_one_by_one() -> None:
    """Each by its value; what is not named is refused."""
    rules = {
        "volume_options": {"local": {"type": ["nfs"], "o": ["addr=nas,*"], "device": [":/h/*"]}}
    }
    good = {"type": "nfs", "o": "addr=nas,rw", "device": ":/h/ada"}

    def ask(**options: str) -> str:
        mounts = (Mount(volume="jupyterhub-x", target="/x", driver_options={**good, **options}),)
        return refuse(rules, mounts=mounts)

    assert not ask()
    for change in ({"device": ":/etc"}, {"o": "addr=evil,rw"}, {"size": "1"}):
        assert "volume_options" in ask(**change)


@pytest.mark.parametrize(
    "user",
    [
        "0",
        "00",
        "root",
        "0:0",
        "root:root",
        "0:1000",
        "1000:0",
        "-0",
        "+0",
        "0x0",
        "a b",
        ":",
        "1000:",
    ],
)
def test_nobody_is_root(user: str) -> None:
    """In any spelling that an engine would take for it, or not take at all."""
    assert refuse(container_user=user)


@pytest.mark.parametrize("user", ["1000", "1000:100", "jovyan", "jovyan:users", None])
def test_ordinary_users_are_allowed(user: str | None) -> None:
    """The image's own, and those that a record names."""
    assert not refuse(container_user=user)


def test_root_can_be_allowed() -> None:
    """Some images need it."""
    assert not refuse({"allow_root": True}, container_user="0:0")


@pytest.mark.parametrize(
    ("container", "word"),
    [
        (Container(cap_add=("ALL",)), "capability"),
        (Container(cap_add=("SYS_ADMIN",)), "capability"),
        (Container(cap_add=("CAP_SYS_PTRACE",)), "capability"),
        (Container(sysctls={"kernel.core_pattern": "|/x"}), "kernel setting"),
        (Container(groups=("docker",)), "group"),
        (Container(groups=("0",)), "group"),
        (Container(groups=("999",)), "group"),
    ],
)
def test_nothing_makes_a_container_privileged(container: Container, word: str) -> None:
    """A service cannot be privileged as such; its parts are refused one by one."""
    assert word in refuse(container=container)


def test_what_is_listed_may_be_added() -> None:
    """With or without CAP_; but never all of it."""
    rules = {"allowed_capabilities": ["cap_net_bind_service"], "allowed_groups": ["999"]}
    container = Container(cap_add=("NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE"), groups=("999",))
    assert not refuse(rules, container=container)
    with pytest.raises(ValueError, match="ALL would give"):
        Policy.model_validate({"allowed_capabilities": ["CAP_ALL"]})


@pytest.mark.parametrize(
    "label",
    [
        "swarmhub.uid",
        "Swarmhub.notebook",
        " swarmhub.store",
        "com.docker.swarm.x",
        "traefik.enable",
    ],
)
def test_no_label_pretends_to_be_another_notebook(label: str) -> None:
    """Nor does one steer a proxy."""
    assert label in refuse(labels={label: "x"})


@pytest.mark.parametrize(
    ("image", "patterns", "allowed"),
    [
        (f"lab@{DIGEST}", (DIGEST,), True),
        (f"lab:1@{DIGEST}", (DIGEST,), True),
        ("lab:1", (DIGEST,), False),
        ("quay.io/jupyter/../evil/x", ("quay.io/jupyter/*",), False),
        ("quay.io/jupyter/x y", ("*",), False),
        ("", ("*",), False),
    ],
)
def test_images_are_names_that_an_engine_takes(
    image: str, patterns: tuple[str, ...], allowed: bool
) -> None:
    """By pattern or by digest."""
    asked = spec().model_copy(update={"image": image})
    policy = Policy(allowed_images=patterns)
    assert (refusal(asked, policy, NETWORK) is None) == allowed


def test_a_digest_can_be_asked_for() -> None:
    """A tag can come to mean something else."""
    rules = {"require_digest": True}
    assert "by its digest" in refuse(rules, image="lab:1")
    assert not refuse(rules, image=f"lab:1@{DIGEST}")


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"SHELLOPTS": "xtrace"}, "break the start"),
        ({"BASHOPTS": "x"}, "break the start"),
        ({"OPTIND": "x"}, "break the start"),
        ({"LD_PRELOAD": "/proc/self/cwd/x.so"}, "refused_environment"),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, "refused_environment"),
        ({"HABANA_VISIBLE_DEVICES": "all"}, "refused_environment"),
        ({"DOCKER_RESOURCE_GPU": "0"}, "refused_environment"),
        ({"A": "x\0y"}, "NUL"),
        ({"A": "x" * 131072}, "128 KiB"),
    ],
)
def test_no_variable_breaks_the_start(environment: dict[str, str], word: str) -> None:
    """Nor reaches those who look at it from outside of the container."""
    assert word in refuse(environment=environment)


def test_a_huge_record_is_refused() -> None:
    """Before anything of it is sent to the engine."""
    assert "too large" in refuse(command=("x" * 10_000_000,))


@pytest.mark.parametrize(
    "target", ["/run/secrets", "/run/secrets/swarmhub-env", "/run", "/run/", "/proc/1", "/sys", "/"]
)
def test_nothing_stands_in_for_the_secrets(target: str) -> None:
    """A volume in their place would be read by the start of whoever mounts it next."""
    if target != "/":
        assert "Nothing can be mounted" in refuse(
            container=Container(tmpfs=(Tmpfs(target=target),))
        )
    assert not refuse(container=Container(tmpfs=(Tmpfs(target="/dev/shm"),)))


def test_limits_of_one_notebook() -> None:
    """Named in the sentence, with what is allowed."""
    rules = {
        "notebook": {
            "memory": {"max": "2G"},
            "cpus": {"max": 2},
            "processes": {"max": 100},
            "generic": {"GPU": 1},
        }
    }
    fine = Resources(mem_limit=2 * 2**30, cpu_limit=2, generic={"GPU": 1, "TAPE": 9})
    assert not refuse(rules, resources=fine)
    assert "may have 2 GiB" in refuse(rules, resources=Resources(mem_limit=3 * 2**30))
    assert "may have 2 GiB" in refuse(rules, resources=Resources(mem_guarantee=3 * 2**30))
    assert "3 CPUs" in refuse(rules, resources=Resources(cpu_limit=3))
    assert "2 GPU" in refuse(rules, resources=Resources(generic={"GPU": 2}))
    assert "101 processes" in refuse(rules, container=Container(pids_limit=101))


def test_an_ordinary_notebook_is_allowed() -> None:
    """What the spawner asks for, with a home of its own."""
    mounts = (home_mount("jupyterhub-user-ada"),)
    owners = {"jupyterhub-user-ada": frozenset({"ada"})}
    assert not refuse(
        owners=owners, mounts=mounts, environment={"PATH": "/x", "LD_LIBRARY_PATH": ""}
    )
