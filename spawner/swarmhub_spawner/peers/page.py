"""docs/compatibility.md, made from the same table as the refusals.

`python -m swarmhub_spawner.peers.page >docs/compatibility.md` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from swarmhub_spawner.peers.core import CORE
from swarmhub_spawner.peers.docker import DOCKER
from swarmhub_spawner.peers.kube import KUBE
from swarmhub_spawner.peers.option import Fate, PeerOption

TABLES: Final = {
    "jupyterhub": ("JupyterHub's own", "6.1.1", CORE),
    "dockerspawner": ("DockerSpawner and SwarmSpawner", "14.0.0", DOCKER),
    "kubespawner": ("KubeSpawner", "7.1.0", KUBE),
}

_HEAD: Final = """\
# Coming from another spawner

Change `c.JupyterHub.spawner_class` to `"swarmhub"`, and leave the options as they are: those in
`c.DockerSpawner`, `c.SwarmSpawner` and `c.KubeSpawner` count too, and what stands in
`c.SwarmHubSpawner` comes before them. Nothing that is set is ignored. What a Swarm cannot do is
refused with a sentence that says what to do instead: by the last line of the configuration when
the hub starts,

```python
from swarmhub_spawner.configuration import check_config

check_config(c)
```

and, without that line, when a user's page is first opened or a server starts. That line also tries
a start of a made-up user with each profile, each choice in it and each group override, so that a
key in `extra_container_spec` or a field in `volumes` that is not known is told there too. What only
a callable or a hook knows comes to light when it is called. A `kubespawner_override` may stay.

So that volumes of DockerSpawner are found again, write `slug_scheme = "escape"` (or `escape =
"legacy"` for those made before its version 12) and keep their names in `volumes`. Which volume a
server has had at a path is then remembered, so that a later change moves nobody's home. The steps
of a move, and `swarmhub migrate`, stand in [migration.md](migration.md).

- **same**: works as it does there, but for what the note says.
- **other name**: works under its name too; here it is called as the note says.
- **holds anyway**: the values named say what is so in a Swarm; all others are refused.
- **refused**: cannot be set. An empty value, which sets nothing, may stay.
"""
_TAIL: Final = """
## Where these lists come from

They are the options that `class_traits(config=True)` of `jupyterhub.spawner.Spawner`,
`dockerspawner.DockerSpawner`, `dockerspawner.SwarmSpawner` and `kubespawner.KubeSpawner` tells,
with the packages of these versions in an environment of their own, and without those that are the
same object as in JupyterHub's Spawner. They are kept in `tests/unit/spawner/peer_options.json`,
and a test holds this page, the refusals and them together.
"""


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for title, version, options in TABLES.values():
        parts.append(f"\n## {title} ({version})\n\n| option | here | note |\n|---|---|---|\n")
        parts.extend(_rows(options))
    return "".join((*parts, _TAIL))


def _rows(options: Sequence[PeerOption]) -> Iterator[str]:
    for option in sorted(options, key=lambda option: option.name):
        note = _note(option).replace("|", "\\|")
        yield f"| `{option.name}` | {option.fate.value} | {note} |\n"


def _note(option: PeerOption) -> str:
    if option.fate is Fate.ALIAS:
        return " ".join(part for part in (f"`{option.ours}`.", option.note) if part)
    if option.fate is Fate.HOLDS:
        values = ", ".join(f"`{value!r}`" for value in option.plain)
        return f"{values}; any other {option.note}"
    return option.note[:1].upper() + option.note[1:]


if __name__ == "__main__":
    sys.stdout.write(page())
