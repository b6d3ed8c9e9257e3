"""The `{username}` templates of names, paths and labels."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from swarmhub_crds.escaping import escaped
from swarmhub_crds.names import notebook_name, slug

from swarmhub_spawner.errors import OptionError

USER_FIELDS: Final = frozenset(
    {"username", "safe_username", "escaped_username", "raw_username", "unescaped_username"}
    | {"userid", "user_server", "safe_user_server", "escaped_user_server"}
)
SERVER_FIELDS: Final = frozenset(
    {"servername", "safe_servername", "escaped_servername", "raw_servername"}
    | {"unescaped_servername", "user_server", "safe_user_server", "escaped_user_server"}
)
IMAGE_FIELD: Final = "imagename"


class SlugScheme(StrEnum):
    """How the names of users and servers are made safe."""

    SAFE = "safe"  # what is legal stays as it is, the rest gets a hash
    ESCAPE = "escape"  # DockerSpawner's way, and KubeSpawner's before version 7


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What decides how templates are filled, beside the user and the server."""

    scheme: SlugScheme = SlugScheme.SAFE
    escape: Callable[[str], str] | None = None  # in place of what the scheme says
    prefix: str = "jupyter"


def namespace(
    user: str, server: str, user_id: int, naming: Naming | None = None, image: str = ""
) -> dict[str, str]:
    """Return the fields a template may use.

    `{username}`, `{servername}` and `{user_server}` are safe in the names of volumes, in the way
    that `naming` says; the raw ones are as the hub has them.
    """
    naming = naming or Naming()
    if naming.escape or naming.scheme is SlugScheme.ESCAPE:
        escape = naming.escape or escaped
        chosen = (escape(user), escape(server.lower()))
        together = "--".join(part for part in chosen if part)
    else:
        chosen = (slug(user), slug(server) if server else "")
        together = notebook_name(user, server)
    old = (escaped(user), escaped(server))
    return {
        "username": chosen[0],
        "servername": chosen[1],
        "user_server": together,
        "safe_username": chosen[0] if naming.escape else slug(user),
        "safe_servername": slug(server) if server else "",
        "safe_user_server": notebook_name(user, server),
        "escaped_username": old[0],
        "escaped_servername": old[1],
        "escaped_user_server": "--".join(part for part in old if part),
        "raw_username": user,
        "unescaped_username": user,
        "raw_servername": server,
        "unescaped_servername": server,
        "userid": str(user_id),
        "prefix": naming.prefix,
        IMAGE_FIELD: image.replace("/", "-").replace(":", "-"),
    }


def fields(template: str, option: str) -> frozenset[str]:
    """Return the names of the fields in `template`.

    Raises:
        OptionError: the template's braces do not match.
    """
    try:
        return frozenset(f for _, f, _, _ in string.Formatter().parse(template) if f is not None)
    except ValueError as error:
        raise OptionError(
            f"{option}: the braces in {template!r} do not match; write {{{{ and }}}} for braces."
        ) from error


def expand(template: str, values: Mapping[str, str], option: str) -> str:
    """Fill the fields of `template`.

    Raises:
        OptionError: a field is unknown or the braces do not match.
    """
    unknown = sorted(fields(template, option) - values.keys())
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(values))
        raise OptionError(
            f"{option}: {{{unknown[0]}}} in {template!r} is not known; use one of {known}."
        )
    return template.format_map(values)


def expand_all(value: Any, values: Mapping[str, str], option: str) -> Any:
    """Fill the templates in every text of nested dicts, lists and tuples, keys included.

    Raises:
        OptionError: a field is unknown or the braces do not match.
    """
    if isinstance(value, str):
        return expand(value, values, option)
    if isinstance(value, Mapping):
        return {
            expand_all(key, values, option): expand_all(item, values, option)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(expand_all(item, values, option) for item in value)
    return value
