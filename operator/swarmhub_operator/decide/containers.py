"""The container's own settings, in the engine API's form. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from swarmhub_crds.container import Bind, Container, Dns, Tmpfs

from swarmhub_operator.decide.terms import Terms

STOP_GRACE_NS = 10 * 10**9  # the engine's own default, said so that a daemon's setting is no drift


def literal(text: str) -> str:
    """Write `text` so that Swarm's templates leave it as it is.

    Swarm expands `{{…}}` in environment values, the hostname and in a mount's target, labels and
    options, where a user's name may stand; one that is no template would be refused.
    """
    return text.replace("{{", '{{"{{"}}')


def _grace(seconds: float | None) -> int:
    return STOP_GRACE_NS if seconds is None else round(seconds * 1e9)


def settings(asked: Container, terms: Terms) -> dict[str, Any]:
    """Return the keys of the ContainerSpec that are set; the engine rewrites none of them."""
    found: dict[str, Any] = {
        "StopGracePeriod": _grace(asked.stop_grace),
        "Hostname": literal(asked.hostname or ""),
        "Hosts": [f"{address} {name}" for name, address in sorted(asked.hosts.items())],
        "DNSConfig": _dns(asked.dns),
        "Groups": list(asked.groups),
        "Init": terms.init,
        "ReadOnly": asked.read_only,
        "TTY": asked.tty,
        "StopSignal": asked.stop_signal,
        "Sysctls": dict(asked.sysctls),
        "CapabilityAdd": _capabilities(asked.cap_add),
        "CapabilityDrop": _dropped(asked, terms),
        "Privileges": {"NoNewPrivileges": True} if terms.no_new_privileges else None,
    }
    said = ("StopGracePeriod", "Init")  # these mean something when they are 0 or false, too
    return {
        key: value for key, value in found.items() if value or (key in said and value is not None)
    }


def environment(asked: Mapping[str, str], terms: Terms) -> list[str]:
    """Return the plain environment.

    The community's images begin with an init process of their own, tini. Under the engine's it is
    not the first and says so in three lines of the log, where a user looks for other things; this
    variable, in which only that it is there counts, has it do its work without a word.
    """
    own = {"TINI_SUBREAPER": "1"} if terms.init else {}
    return [f"{key}={literal(value)}" for key, value in sorted({**own, **asked}.items())]


def _dns(dns: Dns) -> dict[str, list[str]]:
    given = {"Nameservers": dns.nameservers, "Search": dns.search, "Options": dns.options}
    return {key: list(value) for key, value in given.items() if value}


def _capabilities(names: Iterable[str]) -> list[str]:
    plain = {name.removeprefix("CAP_") for name in names}
    return sorted(name if name == "ALL" else f"CAP_{name}" for name in plain)


def _dropped(asked: Container, terms: Terms) -> list[str]:
    if terms.drop_capabilities:
        return ["ALL"]
    return _capabilities(asked.cap_drop)


def mounts(asked: Container) -> list[dict[str, Any]]:
    """Return the mounts that are no volumes."""
    return [*map(_bind, asked.binds), *map(_tmpfs, asked.tmpfs)]


def _bind(bind: Bind) -> dict[str, Any]:
    built = {
        "Type": "bind",
        "Source": literal(bind.source),
        "Target": literal(bind.target),
    }
    return {**built, "ReadOnly": True} if bind.read_only else built


def _tmpfs(tmpfs: Tmpfs) -> dict[str, Any]:
    built = {"Type": "tmpfs", "Target": literal(tmpfs.target)}
    return {**built, "TmpfsOptions": {"SizeBytes": tmpfs.size}} if tmpfs.size else built
