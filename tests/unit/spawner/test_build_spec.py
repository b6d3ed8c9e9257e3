"""From options to the record, compared as whole values."""

from __future__ import annotations

from typing import Any

import pytest
from swarmhub_crds.home import HomeSpec, Reclaim
from swarmhub_crds.names import notebook_name, slug
from swarmhub_crds.notebook import Desired, Mount, NotebookSpec, Resources
from swarmhub_spawner.building.environment import SECRET_PATTERNS, split_environment
from swarmhub_spawner.building.spec import Request, build_spec
from swarmhub_spawner.building.volumes import VolumeOptions
from swarmhub_spawner.errors import OptionError


def request(**changes: Any) -> Request:
    """Return a request with everything that has no default."""
    base: dict[str, Any] = {
        "user": "ada",
        "user_id": 7,
        "base_url": "/user/ada/",
        "image": "reg/singleuser:1",
        "command": ["jupyterhub-singleuser"],
        "networks": ["nb"],
    }
    return Request(**{**base, **changes})


def volumes(**options: Any) -> Request:
    """Return a request with these volume options, for user Ada@x and server lab."""
    return request(user="Ada@x", server="lab", volumes=VolumeOptions(**options))


def test_a_full_request_becomes_exactly_this_record() -> None:
    """Every option has its one place in the record."""
    wanted = build_spec(
        request(
            server="gpu",
            base_url="/user/ada/gpu/",
            command=["jupyterhub-singleuser", "--debug"],
            environment={"LANG": "C", "JUPYTERHUB_API_TOKEN": "t"},
            working_dir="/home/{username}",
            uid=1000,
            gid=100,
            port=9999,
            cpu_limit=2.0,
            cpu_guarantee=0.5,
            mem_limit=2**30,
            mem_guarantee=2**29,
            volumes=VolumeOptions(
                volumes={"jupyterhub-user-{username}": "/home/jovyan/work"},
                read_only_volumes={"shared": "/data"},
                driver="nfsdrv",
                driver_options={"device": ":/export/{username}"},
                reclaim=Reclaim.DELETE,
            ),
            networks=["nb", "extra", "nb"],
            labels={"team": "t-{userid}"},
        )
    )
    options = {"device": ":/export/ada"}
    assert wanted.spec == NotebookSpec(
        user="ada",
        server="gpu",
        desired=Desired.RUNNING,
        image="reg/singleuser:1",
        command=("jupyterhub-singleuser", "--debug"),
        environment={"LANG": "C"},
        working_dir="/home/ada",
        container_user="1000:100",
        port=9999,
        probe_path="/user/ada/gpu/api",
        resources=Resources(cpu_limit=2.0, cpu_guarantee=0.5, mem_limit=2**30, mem_guarantee=2**29),
        mounts=(
            Mount(
                volume="jupyterhub-user-ada",
                target="/home/jovyan/work",
                home=True,
                driver="nfsdrv",
                driver_options=options,
            ),
            Mount(
                volume="shared",
                target="/data",
                read_only=True,
                driver="nfsdrv",
                driver_options=options,
            ),
        ),
        networks=("nb", "extra"),
        labels={"team": "t-7"},
    )
    assert wanted.secrets == {"JUPYTERHUB_API_TOKEN": "t"}
    assert wanted.homes == {
        "jupyterhub-user-ada": HomeSpec(
            user="ada", driver="nfsdrv", driver_options=options, reclaim=Reclaim.DELETE
        )
    }


def test_a_zero_limit_is_no_limit() -> None:
    """As elsewhere in JupyterHub, 0 switches a limit off."""
    assert build_spec(request(cpu_limit=0.0, mem_limit=0)).spec.resources == Resources()


@pytest.mark.parametrize(
    ("template", "volume", "server", "is_home"),
    [
        ("h-{username}", f"h-{slug('Ada@x')}", "", True),
        ("h-{username}-{servername}", f"h-{slug('Ada@x')}-lab", "lab", True),
        ("h-{user_server}", f"h-{notebook_name('Ada@x', 'lab')}", "lab", True),
        ("h-{userid}", "h-7", "", True),
        ("per-{servername}", "per-lab", "", False),
        ("shared", "shared", "", False),
    ],
)
def test_a_volume_that_names_the_user_is_a_home(
    template: str, volume: str, server: str, is_home: bool
) -> None:
    """The template decides whose a volume is, and whether the user's servers share it."""
    wanted = build_spec(volumes(volumes={template: "/w"}))
    assert wanted.spec.mounts == (Mount(volume=volume, target="/w", home=is_home),)
    expected = {volume: HomeSpec(user="Ada@x", server=server)} if is_home else {}
    assert wanted.homes == expected


def test_bind_and_mode_are_understood_as_by_dockerspawner() -> None:
    """The dictionary form works for both volume options."""
    wanted = build_spec(
        volumes(
            volumes={"a1": {"bind": "/a", "mode": "ro"}, "b1": {"bind": "/b"}},
            read_only_volumes={"c1": {"bind": "/c-{servername}", "mode": "rw"}},
        )
    )
    assert [(m.volume, m.target, m.read_only) for m in wanted.spec.mounts] == [
        ("a1", "/a", True),
        ("b1", "/b", False),
        ("c1", "/c-lab", True),
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"volumes": {"/data/../etc": "/x"}}, "must be absolute and without '..'"),
        ({"volumes": {"./data": "/x"}}, "volumes: './data' is a path of a host"),
        ({"read_only_volumes": {"~/d": "/x"}}, "read_only_volumes: '~/d' is a path of a host"),
        ({"volumes": {"h-{raw_username}": "/x"}}, "gives 'h-Ada@x', which is no legal volume name"),
        ({"volumes": {"h-{nobody}": "/x"}}, "{nobody} in 'h-{nobody}' is not known"),
        ({"volumes": {"h-{username": "/x"}}, "the braces in 'h-{username' do not match"),
        ({"volumes": {"h-{username.__class__}": "/x"}}, "is not known"),
        ({"volumes": {"vol": "x"}}, "'x', where 'vol' is mounted, must be an absolute path"),
        ({"volumes": {"vol": "/"}}, "must be an absolute path below '/'"),
        ({"volumes": {"vol": "/a/../b"}}, "without '..'"),
        ({"volumes": {"vol": {"bind": "/x", "mode": "z"}}}, "the mode 'z' of 'vol' is not known"),
        ({"volumes": {"vol": {"bind": "/x", "uid": 1}}}, "the key 'uid' of 'vol' is not known"),
        ({"volumes": {"vol": 3}}, "must be a path in the notebook or"),
        ({"volumes": {"vol": "/x", "wol": "/x/"}}, "mounted at the same path"),
    ],
)
def test_what_swarm_cannot_mount_is_refused_by_name(options: dict[str, Any], expected: str) -> None:
    """The sentence names the option and what is wrong with it."""
    with pytest.raises(OptionError) as caught:
        build_spec(volumes(**options))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"image": ""}, "image: no image is configured"),
        ({"networks": [""]}, "network_name: no network is configured"),
        ({"command": []}, "cmd: the command is empty"),
        ({"working_dir": "work"}, "working_dir: 'work' must be an absolute path"),
        ({"gid": 100}, "gid: a group needs a user"),
        ({"labels": {"swarmhub.uid": "x"}}, "extra_labels: 'swarmhub.uid' is reserved"),
        ({"labels": {"a": "{x}"}}, "extra_labels: {x} in '{x}' is not known"),
        ({"cpu_limit": 1.0, "cpu_guarantee": 2.0}, "cpu_guarantee: 2.0 is more than cpu_limit"),
        ({"environment": {"A-B": "x"}}, "environment: 'A-B' is no legal variable name"),
        ({"environment": {"A": "x\0y"}}, "the value of A holds a NUL byte"),
        ({"environment": {"A": ["x"]}}, "the value of A is of type list"),
        ({"port": 0}, "port: "),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name(
    changes: dict[str, Any], expected: str
) -> None:
    """The sentence names the option and the next step."""
    with pytest.raises(OptionError) as caught:
        build_spec(request(**changes))
    assert expected in str(caught.value)


def test_secrets_are_kept_apart_from_the_environment() -> None:
    """Names that look secret leave the plain environment; None leaves the variable out."""
    plain, secret = split_environment(
        {
            "LANG": "C",
            "DEBUG": 1,
            "GONE": None,
            "EMPTY": "",
            "JUPYTERHUB_API_TOKEN": "t1",
            "JPY_API_TOKEN": "t2",
            "db_password": "p",
            "AWS_SECRET_ACCESS_KEY": "k",
            "JUPYTERHUB_CLIENT_ID": "c",
        },
        SECRET_PATTERNS,
    )
    assert plain == {"LANG": "C", "DEBUG": "1", "EMPTY": "", "JUPYTERHUB_CLIENT_ID": "c"}
    assert secret == {
        "JUPYTERHUB_API_TOKEN": "t1",
        "JPY_API_TOKEN": "t2",
        "db_password": "p",
        "AWS_SECRET_ACCESS_KEY": "k",
    }


def test_the_api_token_is_secret_whatever_the_patterns_say() -> None:
    """An administrator cannot put the token into a service by mistake."""
    plain, secret = split_environment({"JPY_API_TOKEN": "t", "MY_TOKEN": "m"}, [])
    assert (plain, secret) == ({"MY_TOKEN": "m"}, {"JPY_API_TOKEN": "t"})
