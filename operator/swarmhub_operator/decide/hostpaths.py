"""Which paths of a node a notebook may see at all. Pure.

Docker follows symbolic links in the source of a bind mount, on the node and as root. So what others
can write into must never be the parent of what may be bound: whoever can make a link there has the
whole node. Rules therefore name whole paths, and `*` stands for one name in them, not for a tree.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from swarmhub_crds.escaping import escaped, legacy_escaped
from swarmhub_crds.names import slug

# Whoever sees these, or what holds them, reads the secrets of others or has the node.
NEVER: Final = (
    "/boot",
    "/dev",
    "/etc",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/run",
)
# Whoever can write here has the node.
NEVER_WRITABLE: Final = ("/bin", "/lib", "/lib64", "/sbin", "/usr", "/var/spool")
_SOCKET = re.compile(r"\.sock(et)?$")
USER_FIELD: Final = "{username}"


def flaw(path: str) -> str | None:
    """Return why `path` is not written as a plain absolute path, as the end of a sentence."""
    if not path.startswith("/"):
        return "is not absolute"
    if not path.isprintable() or "{{" in path:
        return "holds characters that no plain path has"
    plain = path if path == "/" else path.removesuffix("/")
    if plain.startswith("//") or posixpath.normpath(plain) != plain:
        return "is not written plainly (without '..', '.' and double slashes)"
    return None


def forbidden(path: str, *, read_only: bool, never: Iterable[str] = ()) -> str | None:
    """Return why no policy can allow a plain path, as the end of a sentence, or None.

    Args:
        path: absolute and plain.
        read_only: whether it is only read.
        never: further paths of this kind.
    """
    path = path.rstrip("/") or "/"
    if _SOCKET.search(path.casefold()):
        return "is a socket, by which a program on the node is steered"
    barred = (*NEVER, *never, *(() if read_only else NEVER_WRITABLE))
    for other in barred:
        if is_within(path, other):
            return "is the node's own" if path == other else f"lies in {other}, the node's own"
        if is_within(other, path):
            return f"holds {other}, which is the node's own"
    return None


def is_within(path: str, folder: str) -> bool:
    """Return whether a plain path is `folder` or lies below it."""
    return folder in ("/", path) or path.startswith(folder + "/")


def fits(path: str, rule: str, user: str) -> bool:
    """Return whether a plain path is one that `rule` names for `user`.

    In the rule, `*` and `?` stand for parts of one name, and `{username}` for the user's own name
    or what the spawner makes of it in the names of volumes, by any of its schemes.
    """
    have, want = (text.rstrip("/").split("/") for text in (path, rule))
    return len(have) == len(want) and all(map(lambda h, w: _name_fits(h, w, user), have, want))


def _name_fits(name: str, pattern: str, user: str) -> bool:
    if USER_FIELD not in pattern:
        return fnmatchcase(name, pattern)
    written = (user, slug(user), escaped(user), legacy_escaped(user))
    return any(name == pattern.replace(USER_FIELD, own) for own in written)
