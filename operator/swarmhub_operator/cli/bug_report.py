"""`swarmhub bug-report`: one archive, without secrets, to attach to an issue."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import typer

from swarmhub_operator.cli import output
from swarmhub_operator.cli.bugreport.anonymity import Pseudonyms
from swarmhub_operator.cli.bugreport.archive import Packed, pack
from swarmhub_operator.cli.bugreport.contents import Contents, gather
from swarmhub_operator.cli.bugreport.gathering import source
from swarmhub_operator.cli.bugreport.redaction import Redactor
from swarmhub_operator.cli.errors import TROUBLE, discard_output
from swarmhub_operator.cli.options import DockerHost, StateUrl, clock, engine_at
from swarmhub_operator.cli.text import safe
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST, DEFAULT_STATE_URL

_STDOUT: Final = "-"
_KIB: Final = 1024

File = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE",
        help="A new file, or - for standard output, which is also taken if it is no terminal; "
        "else a name is made up.",
        show_default=False,
    ),
]
Anonymize = Annotated[
    bool, typer.Option("--anonymize", help="Call users user-1, user-2 …, the same everywhere.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite FILE.")]


def bug_report(
    file: File = None,
    anonymize: Anonymize = False,
    force: Force = False,
    state_url: StateUrl = DEFAULT_STATE_URL,
    docker_host: DockerHost = DEFAULT_DOCKER_HOST,
) -> None:
    """Pack what helps to understand a fault into one archive, without secrets.

    What cannot be had, since operator, engine or store do not answer, is left out, and the archive
    says why. Nothing is changed, and nothing is sent anywhere.
    """
    now = clock()
    name = f"swarmhub-report-{now:%Y%m%dT%H%M%SZ}"
    target = _target(file, name, force=force)
    with source(state_url, engine_at(docker_host, reads_only=True)) as given:
        contents = gather(given, now)
    pseudonyms = Pseudonyms(contents.users if anonymize else ())
    redactor = Redactor(contents.secrets, pseudonyms if anonymize else str)
    about = {"swarmhub": version("swarmhub-operator"), "anonymized": anonymize}
    packed = pack(
        contents.gathered.parts, redactor, name=name, now=now, about=about, notes=contents.notes
    )
    if target is None:
        _send(packed.content)
    else:
        _write(target, packed.content, force=force)
    _tell(packed, contents, target, anonymize=anonymize)


def _target(file: str | None, name: str, *, force: bool) -> Path | None:
    """Return the file to write; None: standard output.

    Raises:
        typer.BadParameter: standard output was asked for and is a terminal.
        typer.Exit: the file is there already.
    """
    # The command's script knows of a terminal that it could not hand on.
    if file == _STDOUT and (output.is_terminal() or os.environ.get("SWARMHUB_TERMINAL")):
        raise typer.BadParameter("standard output is a terminal; name a file, or send it to one")
    if file == _STDOUT or (file is None and not output.is_terminal()):
        return None
    target = Path(file or f"{name}.tar.gz")
    if target.is_dir():
        target /= f"{name}.tar.gz"
    if target.exists() and not force:
        _fail(f"{target} is there already; name a new file, or overwrite it by --force.")
    return target


def _fail(sentence: str) -> None:
    output.warn(safe(sentence))
    raise typer.Exit(TROUBLE)


def _send(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        _fail(f"The report cannot be written ({error.strerror}); what there is of it is of no use.")


def _write(target: Path, content: bytes, *, force: bool) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            if force:
                draft.replace(target)
            else:
                os.link(draft, target)  # fails if somebody has made the file meanwhile
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        _fail(
            f"The report {target} cannot be written ({error.strerror}); name a new file in a "
            "folder that has room."
        )


def _tell(packed: Packed, contents: Contents, target: Path | None, *, anonymize: bool) -> None:
    """Say what is in it and what is not: beside the archive, not in it."""
    say: Callable[[str], None] = output.write if target is not None else _beside
    parts = packed.manifest["parts"]
    taken = [part for part in parts if part["taken"]]
    where = safe(str(target)) if target is not None else "The report"
    say(f"{where}: {len(taken)} of {len(parts)} parts, {_size(len(packed.content))}.")
    for part in taken:
        say(f"  {part['file']}: {safe(part['what'])}")
    left = [part for part in parts if not part["taken"]]
    if left:
        say(f"Left out ({len(left)}):")
        for reason, files in _by_reason(left).items():
            say(f"  {', '.join(files)}: {safe(reason)}")
    for note in packed.manifest["notes"]:
        say(safe(note))
    say(_names(packed.manifest, contents, anonymize=anonymize))
    say(
        "Look through it before you send it: host names, addresses, names of images and log lines "
        "are in it."
    )
    if target is not None:
        say(f"  tar -xzf {safe(str(target))}")


def _names(manifest: Mapping[str, Any], contents: Contents, *, anonymize: bool) -> str:
    hidden = f"Secrets and what looks like one are hidden, in {manifest['hidden']} places"
    if anonymize:
        return f"{hidden}; {len(contents.users)} users have other names."
    return f"{hidden}; users have their own names (--anonymize gives them others)."


def _by_reason(left: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in left:
        found.setdefault(part["reason"], []).append(part["file"])
    return found


def _beside(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _size(count: int) -> str:
    return f"{count / _KIB:.1f} KiB"
