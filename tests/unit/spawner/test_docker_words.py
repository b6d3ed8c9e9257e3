"""Options in Docker's own words: what is taken over, and what is refused in what words."""

from __future__ import annotations

from typing import Any

import pytest
from swarmhub_crds.container import Bind, Container, Dns, Tmpfs
from swarmhub_crds.notebook import NotebookSpec
from swarmhub_spawner.building.extras import Extras
from swarmhub_spawner.building.spec import Request, build_spec
from swarmhub_spawner.building.volumes import VolumeOptions
from swarmhub_spawner.errors import OptionError


def built(volumes: VolumeOptions | None = None, **extras: Any) -> NotebookSpec:
    """Return the spec that these options make for the user ada."""
    return build_spec(
        Request(
            user="ada",
            user_id=7,
            image="lab",
            command=["start"],
            networks=["nb"],
            environment={"A": "0", "B": "0"},
            volumes=volumes or VolumeOptions(),
            extras=Extras(**extras),
        )
    ).spec


def test_all_that_a_container_spec_can_say() -> None:
    """Each word has its place in the record; fields are filled, but not in commands."""
    spec = built(
        container_spec={
            "command": "sh -c 'echo ${HOME}'",
            "args": ["a {b}", 1],
            "hostname": "lab-{username}",
            "env": ["A=1=2", "DB_PASSWORD=p"],
            "workdir": "/home/{username}",
            "user": 1000,
            "groups": ["docs", 44],
            "labels": {"who": "{userid}"},
            "tty": True,
            "read_only": True,
            "init": True,
            "stop_signal": "SIGINT",
            "stop_grace_period": 1_500_000_000,
            "hosts": ["10.0.0.1 db", "10.0.0.2 web"],
            "dns_config": {"nameservers": ["10.0.0.53"], "search": ["x"], "options": ["ndots:1"]},
            "cap_add": ["CAP_NET_RAW"],
            "cap_drop": ["all"],
            "sysctls": {"net.core.somaxconn": 1024},
            "pids_limit": 100,
            "healthcheck": None,
        }
    )
    assert spec.entrypoint == ("sh", "-c", "echo ${HOME}")
    assert spec.command == ("a {b}", "1")
    assert spec.environment == {"A": "1=2", "B": "0"}
    assert spec.working_dir == "/home/ada"
    assert spec.container_user == "1000"
    assert spec.labels == {"who": "7"}
    assert spec.container == Container(
        hostname="lab-ada",
        groups=("docs", "44"),
        tty=True,
        read_only=True,
        init=True,
        stop_signal="SIGINT",
        stop_grace=1.5,
        hosts={"db": "10.0.0.1", "web": "10.0.0.2"},
        dns=Dns(nameservers=("10.0.0.53",), search=("x",), options=("ndots:1",)),
        cap_add=("NET_RAW",),
        cap_drop=("ALL",),
        sysctls={"net.core.somaxconn": "1024"},
        pids_limit=100,
    )


def test_what_dockerspawner_says_of_containers_and_hosts() -> None:
    """Its words become those of services; a later option comes before an earlier one."""
    spec = built(
        create_kwargs={"user": "root", "environment": {"A": 1}, "stop_timeout": 5},
        host_config={
            "mem_limit": "512m",
            "cpu_quota": 150_000,
            "binds": {"/srv/data": {"bind": "/data", "mode": "ro"}},
            "tmpfs": {"/scratch": "rw,size=64m,mode=1777", "/plain": ""},
            "shm_size": 2**20,
            "group_add": ["44"],
            "dns": ["10.0.0.53"],
            "network_mode": "nb",
            "auto_remove": True,
            "privileged": False,
        },
        container_spec={"user": "1000:100"},
        task_spec={"networks": ["data", {"Target": "nb"}]},
    )
    assert spec.container_user == "1000:100"
    assert spec.environment == {"A": "1", "B": "0"}
    assert spec.resources.mem_limit == 512 * 2**20
    assert spec.resources.cpu_limit == 1.5
    assert spec.networks == ("nb", "data")
    assert spec.container == Container(
        groups=("44",),
        stop_grace=5.0,
        dns=Dns(nameservers=("10.0.0.53",)),
        binds=(Bind(source="/srv/data", target="/data", read_only=True),),
        tmpfs=(
            Tmpfs(target="/scratch", size=64 * 2**20),
            Tmpfs(target="/plain"),
            Tmpfs(target="/dev/shm", size=2**20),
        ),
    )


def test_a_tmpfs_may_be_a_text() -> None:
    """As docker-py and the command line have it."""
    spec = built(host_config={"tmpfs": ["/run:size=5m,nosuid", "/plain"]})
    assert spec.container == Container(
        tmpfs=(Tmpfs(target="/run", size=5 * 2**20), Tmpfs(target="/plain"))
    )


def test_no_time_to_end_is_a_time() -> None:
    """0 is not the engine's default, in whichever words it is said."""
    assert built(create_kwargs={"stop_timeout": 0}).container.stop_grace == 0
    assert built(container_spec={"stop_grace_period": 0}).container.stop_grace == 0


def test_mounts_in_every_spelling() -> None:
    """As docker.types.Mount takes them, as it makes them, and as a text."""
    spec = built(
        VolumeOptions(
            mounts=[
                {"target": "/a", "source": "h-{username}", "read_only": True},
                {
                    "Target": "/b",
                    "Source": "nfs",
                    "Type": "volume",
                    "VolumeOptions": {"DriverConfig": {"Name": "d", "Options": {"o": "{userid}"}}},
                },
                {"type": "bind", "source": "/srv/{username}", "target": "/c"},
                {"Type": "tmpfs", "Target": "/d", "TmpfsOptions": {"SizeBytes": 5}},
                "shared:/e:ro",
                "/srv/x:/f",
            ]
        )
    )
    assert [(m.volume, m.target, m.home, m.read_only, m.driver) for m in spec.mounts] == [
        ("h-ada", "/a", True, True, "local"),
        ("nfs", "/b", False, False, "d"),
        ("shared", "/e", False, True, "local"),
    ]
    assert spec.mounts[1].driver_options == {"o": "7"}
    assert spec.container == Container(
        binds=(Bind(source="/srv/ada", target="/c"), Bind(source="/srv/x", target="/f")),
        tmpfs=(Tmpfs(target="/d", size=5),),
    )


@pytest.mark.parametrize(
    ("extras", "sentence"),
    [
        ({"container_spec": {"privileges": {}}}, "'privileges' cannot be"),
        ({"container_spec": {"secrets": []}}, "what matches secret_environment travels as a"),
        ({"container_spec": {"configs": []}}, "put the file into the image or a volume"),
        ({"container_spec": {"healthcheck": {}}}, "'healthcheck' is not needed"),
        ({"container_spec": {"isolation": "hyperv"}}, "'isolation' is for Windows alone"),
        ({"container_spec": {"open_stdin": True}}, "'open_stdin' is of no use"),
        ({"container_spec": {"nonsense": 1}}, "'nonsense' is not known; it takes args,"),
        ({"container_spec": {"hostname": "{x}"}}, "{x} in '{x}' is not known"),
        ({"container_spec": {"stop_grace_period": 30}}, "set delete_grace_period"),
        ({"container_spec": {"cap_add": "ALL"}}, "'cap_add' must be a list"),
        ({"container_spec": {"cap_add": ["a-b"]}}, "extra_container_spec.cap_add.0: "),
        ({"container_spec": {"labels": ["x"]}}, "'labels' must be a dict"),
        ({"container_spec": {"labels": {"swarmhub.uid": "x"}}}, "is reserved"),
        ({"container_spec": {"dns_config": 1}}, "'dns_config' must be a dict"),
        ({"container_spec": []}, "is no dict"),
        ({"task_spec": {"log_driver": {}}}, "set log-driver in their daemon.json"),
        ({"task_spec": {"restart_policy": {"Condition": "any"}}}, "'restart_policy' cannot be"),
        ({"endpoint_spec": {"ports": {80: 80}}}, "'ports' cannot be"),
        ({"endpoint_spec": {"mode": "vip"}}, "'mode' is always 'dnsrr'"),
        ({"resources_spec": {"cpu_limit": "2"}}, "'cpu_limit' must be a number"),
        ({"resources_spec": {"mem_limit": "x"}}, "'mem_limit' must be a size"),
        ({"resources_spec": {"generic_resources": [1]}}, "must be {name: number}"),
        ({"resources_spec": {"generic_resources": {"g": "uuid"}}}, "'uuid' of 'g' must be a whole"),
        ({"create_kwargs": {"runtime": "nvidia"}}, "default-runtime in daemon.json"),
        ({"create_kwargs": {"stdin_open": True}}, "'stdin_open' is of no use"),
        ({"host_config": {"device_requests": []}}, "use extra_resource_guarantees"),
        ({"host_config": {"privileged": True}}, "'privileged' cannot be in a Swarm"),
        ({"host_config": {"network_mode": "host"}}, "the network_mode 'host' is not"),
        ({"host_config": {"tmpfs": {"/a": "size=5m,uid=1000"}}}, "'uid=1000' of the tmpfs at '/a'"),
        ({"host_config": {"tmpfs": ["/a:exec"]}}, "'exec' of the tmpfs at '/a' cannot be"),
        ({"task_spec": {"networks": [{"Target": "n", "Aliases": ["x"]}]}}, "'aliases' of a net"),
        ({"task_spec": {"networks": [{"Target": "n", "DriverOpts": {"a": 1}}]}}, "'driveropts' of"),
        ({"host_config": {"restart_policy": {"Name": "always"}}}, "'restart_policy' is not taken"),
    ],
)
def test_what_a_service_cannot_have_is_refused(extras: dict[str, Any], sentence: str) -> None:
    """By the names of option and word, with what to do instead."""
    with pytest.raises(OptionError) as caught:
        built(**extras)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("mount", "sentence"),
    [
        ({"target": "/a"}, "the mount at '/a' needs a source"),
        ({"source": "a"}, "needs a source and a target"),
        ({"target": "/a", "source": "a", "type": "npipe"}, "of the type 'npipe' cannot be"),
        ({"target": "/a", "source": "/a", "propagation": "rshared"}, "'propagation' of the mount"),
        ({"target": "/a", "source": "a", "subpath": "x"}, "'subpath' of the mount"),
        ({"target": "/a", "source": "a", "colour": "x"}, "'colour' is not known"),
        ({"target": "/a", "source": "b", "type": "bind"}, "must be absolute"),
        ("a", "is no mount; write 'name:/path'"),
        ("a:/b:z", "is no mount"),
    ],
)
def test_a_mount_that_cannot_be_is_refused(mount: Any, sentence: str) -> None:
    """By the option's name."""
    with pytest.raises(OptionError) as caught:
        built(VolumeOptions(mounts=[mount]))
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("mounts: ")


def test_two_things_at_one_path_are_refused() -> None:
    """Whatever kinds they are."""
    with pytest.raises(OptionError, match="at the same path, '/a/'"):
        built(VolumeOptions(volumes={"vol": "/a", "/srv": "/a/"}))


def test_a_user_that_is_given_twice_is_refused() -> None:
    """Neither wins silently."""
    wanted = Request(
        user="ada",
        user_id=7,
        image="lab",
        command=["x"],
        networks=["nb"],
        uid=1,
        extras=Extras(container_spec={"user": "2"}),
    )
    with pytest.raises(OptionError, match="uid: it is 1, but another option says"):
        build_spec(wanted)
