"""Whether policy allows a notebook what it mounts: volumes, and paths of the node. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase
from typing import Final

from swarmhub_crds.container import Bind
from swarmhub_crds.home import SHARED_TYPES, Home
from swarmhub_crds.notebook import Mount, NotebookSpec

from swarmhub_operator.decide import hostpaths
from swarmhub_operator.decide.policy import Policy

# The state of hub and operator: no pattern reaches it, only its very name in allowed_volumes.
_OWN_VOLUMES: Final = "swarmhub_*"
# Mount options that bind what is there already, whatever the type of file system says.
_BINDING: Final = frozenset({"bind", "rbind", "move", "remount"})
_SECRETS: Final = "/run/secrets"

Owners = Mapping[str, AbstractSet[str]]  # by volume: the users whose home it is known to be


def faults(spec: NotebookSpec, policy: Policy, owners: Owners) -> Iterator[str]:
    """Yield why something that the notebook mounts is refused, a sentence each."""
    for mount in spec.mounts:
        yield from _volume(mount, policy)
        yield from _owner(mount, spec.user, policy, owners.get(mount.volume, frozenset()))
    for bind in spec.container.binds:
        yield from _bind(bind.source, bind, spec.user, policy)
    yield from _targets(spec)


def home_fault(home: Home, policy: Policy) -> str | None:
    """Return why an errand may not mount a home as its record describes it, or None.

    The hub writes that record too, and an errand is root with the volume.
    """
    spec = home.spec
    mount = Mount(
        volume=home.metadata.name,
        target="/home",
        driver=spec.driver,
        driver_options=spec.driver_options,
    )
    return next(_volume(mount, policy), None)


def _volume(mount: Mount, policy: Policy) -> Iterator[str]:
    if not is_allowed(mount.volume, policy.allowed_volumes):
        yield (
            f"The volume {mount.volume} is not allowed for notebooks; "
            "ask the administrator to add it to allowed_volumes in the operator's policy."
        )
    if mount.driver not in policy.allowed_volume_drivers:
        yield (
            f"The volume driver {mount.driver} (volume {mount.volume}) is not allowed; "
            "ask the administrator to add it to allowed_volume_drivers in the operator's policy."
        )
    if mount.driver_options:
        yield from _options(mount, policy)


def is_allowed(volume: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether the policy's `allowed_volumes` let notebooks mount a volume."""
    if fnmatchcase(volume, _OWN_VOLUMES):
        return volume in patterns
    return any(fnmatchcase(volume, pattern) for pattern in patterns)


def _owner(mount: Mount, user: str, policy: Policy, owners: AbstractSet[str]) -> Iterator[str]:
    shared = any(fnmatchcase(mount.volume, pattern) for pattern in policy.shared_homes)
    if owners - {user} and not shared:
        yield (
            f"The volume {mount.volume} is the home of another user; take it out of the spawner's "
            "volumes, or ask the administrator to add it to shared_homes in the operator's policy."
        )


def _options(mount: Mount, policy: Policy) -> Iterator[str]:
    """Options can reach the host's files: each must be allowed, and some never are."""
    rules = policy.volume_options.get(mount.driver, {})
    options = mount.driver_options
    if mount.driver == "local" and _reaches_host(options):
        path = options.get("device", "")
        yield (
            f"The options of the volume {mount.volume} reach the node's own files ({path or 'o'}); "
            "mount a path that the operator's policy has in allowed_binds instead."
        )
    elif not policy.allow_volume_options and not all(
        any(fnmatchcase(value, pattern) for pattern in rules.get(name, ()))
        for name, value in options.items()
    ):
        yield (
            f"Driver options for the volume {mount.volume} are not allowed, since they can reach "
            "the host's files; ask the administrator to add them to volume_options in the "
            "operator's policy."
        )


def _reaches_host(options: Mapping[str, str]) -> bool:
    """Whether the local driver would mount a part of its node: only shares and tmpfs are none.

    What it mounts is relative to the engine's own folder, which is the root: "etc" is a path too.
    """
    kind = options.get("type", "").lower()
    flags = {flag.strip().lower() for flag in options.get("o", "").split(",")}
    harmless = kind in SHARED_TYPES or kind == "tmpfs"
    device = options.get("device", "")
    is_path = kind in SHARED_TYPES and device.startswith("/") and not device.startswith("//")
    return not harmless or is_path or bool(flags & _BINDING)


def _bind(path: str, bind: Bind, user: str, policy: Policy) -> Iterator[str]:
    flaw = hostpaths.flaw(path)
    never = hostpaths.forbidden(path, read_only=bind.read_only, never=policy.never_bind)
    if flaw:
        yield f"The host path {path!r} {flaw}; correct it in the spawner's options."
    elif never:
        yield (
            f"The host path {path} {never}; no notebook may mount it, take it out of the "
            "spawner's options."
        )
    elif not any(
        hostpaths.fits(path, rule.path, user) and (bind.read_only or not rule.read_only)
        for rule in policy.allowed_binds
    ):
        how = "read-only" if bind.read_only else "writable"
        yield (
            f"The host path {path} is not allowed ({how}); "
            "ask the administrator to add it to allowed_binds in the operator's policy."
        )


def _targets(spec: NotebookSpec) -> Iterator[str]:
    """Nothing may stand in for the secret environment, or for what the kernel shows there."""
    container = spec.container
    targets = (
        *(mount.target for mount in spec.mounts),
        *(bind.target for bind in container.binds),
        *(tmpfs.target for tmpfs in container.tmpfs),
    )
    for target in targets:
        plain = posixpath.normpath("/" + target.lstrip("/"))
        reserved = (_SECRETS, "/proc", "/sys", "/dev")
        inside = any(hostpaths.is_within(plain, r) for r in reserved) and plain != "/dev/shm"  # noqa: S108
        if inside or hostpaths.is_within(_SECRETS, plain):
            yield (
                f"Nothing can be mounted at {target}, where the container's own parts are; "
                "choose another path."
            )
