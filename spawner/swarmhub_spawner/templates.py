"""The `{username}` templates of names, paths and labels."""

from __future__ import annotations

import string
from collections.abc import Mapping

from swarmhub_crds.names import notebook_name, slug

from swarmhub_spawner.errors import OptionError

USER_FIELDS = frozenset({"username", "raw_username", "userid", "user_server"})
SERVER_FIELDS = frozenset({"servername", "raw_servername", "user_server"})


def namespace(user: str, server: str, user_id: int) -> dict[str, str]:
    """Return the fields a template may use.

    `{username}` and `{servername}` are safe in the names of volumes; `{user_server}` is the
    name of the notebook's record; the raw ones are as the hub has them.
    """
    return {
        "username": slug(user),
        "raw_username": user,
        "servername": slug(server) if server else "",
        "raw_servername": server,
        "user_server": notebook_name(user, server),
        "userid": str(user_id),
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
