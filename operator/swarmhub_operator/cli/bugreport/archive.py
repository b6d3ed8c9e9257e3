"""The form of a report: one part a file, a manifest, and all of it as one tar.gz. Pure.

Before a part goes in it is looked through once more for what is known to be secret; if there is any
after all, the part is left out, and the manifest says so.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from swarmhub_crds.base import API_VERSION

from swarmhub_operator.cli.bugreport.redaction import Redactor

MANIFEST: Final = "manifest.json"
LONGEST: Final = 8 * 2**20  # characters of one part
_MODE: Final = 0o600
_CUT: Final = "[cut off here: the part was longer]\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive.

    Attributes:
        file: its name, as in engine/services.json.
        what: what is in it, for a person.
        content: JSON values, or text; of no meaning if `missing`.
        missing: why it could not be taken, as a sentence; "" if it was.
        by_engine: whether the values of all variables in it are hidden, secret or not.
    """

    file: str
    what: str
    content: Any = None
    missing: str = ""
    by_engine: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """A finished archive.

    Attributes:
        content: the tar.gz.
        manifest: what is in it.
    """

    content: bytes
    manifest: Mapping[str, Any]


def pack(
    parts: Sequence[Part],
    redactor: Redactor,
    *,
    name: str,
    now: datetime,
    about: Mapping[str, Any],
    notes: Iterable[str] = (),
) -> Packed:
    """Redact parts and put them into an archive.

    Args:
        parts: what was gathered.
        redactor: what takes secrets out.
        name: of the one folder in the archive.
        now: the time of the report.
        about: further fields of the manifest.
        notes: sentences that a reader of the archive should know.
    """
    clean = [_clean(part, redactor) for part in parts]
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "BugReport",
        "createdAt": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        **about,
        "hidden": redactor.count,
        "notes": [redactor.text(note) for note in notes],
        "parts": [_entry(part, redactor) for part in clean],
    }
    files = {part.file: part.content for part in clean if not part.missing}
    return Packed(_tar({MANIFEST: _json(manifest), **files}, name, now), manifest)


def _clean(part: Part, redactor: Redactor) -> Part:
    """Return a part as it is written: its content is text then."""
    if part.missing:
        return replace(part, content="")
    text = _text(part, redactor)
    if redactor.leaks(text):
        why = "A secret was still in it after all secrets had been hidden; it was left out."
        return replace(part, content="", missing=why)
    return replace(part, content=text)


def _text(part: Part, redactor: Redactor) -> str:
    if isinstance(part.content, str):
        text = redactor.text(part.content)
    elif part.by_engine:
        text = _json(redactor.engine(part.content))
    else:
        text = _json(redactor.document(part.content))
    return text if len(text) <= LONGEST else text[:LONGEST] + _CUT


def _entry(part: Part, redactor: Redactor) -> dict[str, Any]:
    taken = not part.missing
    return {
        "file": part.file,
        "what": part.what,
        "taken": taken,
        "bytes": len(part.content.encode("utf-8", "replace")) if taken else 0,
        "reason": redactor.text(part.missing) if part.missing else None,
    }


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"


def _tar(files: Mapping[str, str], folder: str, now: datetime) -> bytes:
    stream = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", mtime=now.timestamp()) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for file, text in files.items():
            # What is no Unicode came from elsewhere, and must not keep the rest from being written.
            content = text.encode("utf-8", "backslashreplace")
            info = tarfile.TarInfo(f"{folder}/{file}")
            info.size, info.mode, info.mtime = len(content), _MODE, int(now.timestamp())
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()
