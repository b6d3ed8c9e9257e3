"""From docker-py's words for containers to its words for services, which a Swarm runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from swarmhub_spawner.building.words import given_words, read_bytes, read_number, read_texts
from swarmhub_spawner.errors import OptionError

_NANO: Final = 10**9

_CREATE: Final = {  # of create_container: as in docker.types.ContainerSpec
    "user": "user",
    "hostname": "hostname",
    "working_dir": "workdir",
    "environment": "env",
    "labels": "labels",
    "entrypoint": "command",
    "command": "args",
    "tty": "tty",
    "stop_signal": "stop_signal",
}
_CREATE_REFUSED: Final = {
    "image": "is not taken here; set the option image.",
    "name": "cannot be: a service is called after its record; `swarmhub get notebooks` lists them.",
    "ports": "cannot be: the proxy reaches notebooks over their network; leave it out.",
    "volumes": "cannot be here; use the option volumes.",
    "healthcheck": "is not needed: the operator asks each notebook whether it answers.",
    "runtime": "cannot be chosen for a service; make it the node's default-runtime in daemon.json "
    "and reach those nodes by node_selector.",
    "host_config": "cannot be here; use extra_host_config.",
    "networking_config": "cannot be here; use network_name and extra_networks.",
}
_HOST: Final = {  # of create_host_config
    "cap_add": "cap_add",
    "cap_drop": "cap_drop",
    "sysctls": "sysctls",
    "extra_hosts": "hosts",
    "group_add": "groups",
    "init": "init",
    "read_only": "read_only",
    "pids_limit": "pids_limit",
}
_HOST_DNS: Final = {"dns": "Nameservers", "dns_search": "Search", "dns_opt": "Options"}
_HOST_RESOURCES: Final = {
    "mem_limit": "mem_limit",
    "mem_reservation": "mem_reservation",
    "nano_cpus": "cpu_limit",
}
_HOST_OTHER: Final = (
    *("cpu_quota", "cpu_period", "mounts", "tmpfs", "binds", "shm_size", "network_mode"),
    *("auto_remove", "privileged", "restart_policy"),
)
_GPU: Final = (
    "cannot be given to a service; let the nodes name their GPUs in daemon.json "
    "(node-generic-resources) and use extra_resource_guarantees = {'NVIDIA-GPU': 1}."
)
_HOST_REFUSED: Final = {
    "runtime": _CREATE_REFUSED["runtime"],
    "device_requests": _GPU,
    "devices": _GPU,
    "links": "cannot be in a Swarm; services find each other by name in their network.",
    "port_bindings": _CREATE_REFUSED["ports"],
    "publish_all_ports": _CREATE_REFUSED["ports"],
    "security_opt": "cannot be set by a hub; the operator's policy hardens notebooks.",
    "ulimits": "cannot be here; set default-ulimits in the daemon.json of the nodes.",
    "userns_mode": "cannot be for a service; leave it out.",
    "ipc_mode": "cannot be for a service; a larger /dev/shm is shm_size.",
    "pid_mode": "cannot be for a service; leave it out.",
    "memswap_limit": "cannot be for a service; use mem_limit.",
    "volume_driver": "cannot be here; use the option volume_driver.",
    "volumes_from": "cannot be for a service; use the option volumes.",
    "log_config": "is the nodes' business; set log-driver in their daemon.json.",
}


_TMPFS_HOLDS: Final = ("rw", "nosuid", "nodev", "noexec", "mode=1777", "mode=01777")


def from_create_kwargs(spec: Any) -> dict[str, Any]:
    """Return the ContainerSpec's words for those of `create_container`.

    Raises:
        OptionError: a service cannot have one; the sentence says what to do instead.
    """
    option = "extra_create_kwargs"
    known = (*_CREATE, "stop_timeout", "detach", "stdin_open")
    given = given_words(option, spec, known, _CREATE_REFUSED)
    words = {_CREATE[word]: value for word, value in given.items() if word in _CREATE}
    if "stop_timeout" in given:
        seconds = read_number(option, "stop_timeout", given["stop_timeout"])
        words["stop_grace_period"] = int(seconds * _NANO)
    if given.get("stdin_open"):
        raise OptionError(f"{option}: 'stdin_open' is of no use for a notebook; leave it out.")
    return words


def from_host_config(spec: Any, networks: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the words of ContainerSpec and of Resources for those of `create_host_config`.

    Raises:
        OptionError: a service cannot have one; the sentence says what to do instead.
    """
    option = "extra_host_config"
    known = (*_HOST, *_HOST_DNS, *_HOST_RESOURCES, *_HOST_OTHER)
    given = given_words(option, spec, known, _HOST_REFUSED)
    _refuse_values(option, given, networks)
    words = {_HOST[word]: value for word, value in given.items() if word in _HOST}
    dns = {_HOST_DNS[word]: value for word, value in given.items() if word in _HOST_DNS}
    if dns:
        words["dns_config"] = dns
    words["mounts"] = _mounts(option, given)
    resources = {_HOST_RESOURCES[w]: value for w, value in given.items() if w in _HOST_RESOURCES}
    if "cpu_quota" in given:
        quota = read_number(option, "cpu_quota", given["cpu_quota"])
        period = read_number(option, "cpu_period", given.get("cpu_period") or 100_000)
        resources["cpu_limit"] = int(quota / period * _NANO)
    return words, resources


def _refuse_values(option: str, given: Mapping[str, Any], networks: tuple[str, ...]) -> None:
    if given.get("privileged"):
        raise OptionError(
            f"{option}: 'privileged' cannot be in a Swarm; name the capabilities that are needed "
            "in extra_container_spec['cap_add']."
        )
    if given.get("restart_policy"):
        raise OptionError(
            f"{option}: 'restart_policy' is not taken: the operator restarts what crashes, with "
            "back-off; leave it out."
        )
    mode = given.get("network_mode")
    if mode is not None and mode not in networks:
        raise OptionError(
            f"{option}: the network_mode {mode!r} is not the notebooks' network; use network_name "
            "and extra_networks."
        )


def _mounts(option: str, given: Mapping[str, Any]) -> list[Any]:
    mounts = list(given.get("mounts") or ())
    binds = given.get("binds") or {}
    if isinstance(binds, Mapping):
        for source, value in binds.items():
            target = value["bind"] if isinstance(value, Mapping) else value
            mode = value.get("mode", "rw") if isinstance(value, Mapping) else "rw"
            mounts.append(f"{source}:{target}:{mode}")
    else:
        mounts += binds
    for target, words in _tmpfs(option, given.get("tmpfs") or {}):
        mounts.append({"type": "tmpfs", "target": target} | _tmpfs_size(option, target, words))
    if "shm_size" in given:
        size = read_bytes(option, "shm_size", given["shm_size"])
        mounts.append({"type": "tmpfs", "target": "/dev/shm", "tmpfs_size": size})  # noqa: S108
    return mounts


def _tmpfs(option: str, given: Any) -> Iterator[tuple[str, str]]:
    """Give path and mount words of each, from a dict or from a list of "PATH:WORDS"."""
    if isinstance(given, Mapping):
        yield from ((str(target), str(words or "")) for target, words in given.items())
        return
    for item in read_texts(option, "tmpfs", given):
        target, _, words = item.partition(":")
        yield target, words


def _tmpfs_size(option: str, target: str, words: str) -> dict[str, int]:
    size: dict[str, int] = {}
    for word in filter(None, words.split(",")):
        if word.startswith("size="):
            size = {"tmpfs_size": read_bytes(option, "tmpfs", word.removeprefix("size="))}
        elif word not in _TMPFS_HOLDS:
            raise OptionError(
                f"{option}: {word!r} of the tmpfs at {target!r} cannot be for a service, which "
                "gets it with rw, nosuid, nodev, noexec and mode=1777; leave it out."
            )
    return size
