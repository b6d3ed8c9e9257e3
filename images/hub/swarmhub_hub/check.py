"""What ``make up`` asks before it deploys: do the settings make a hub, and what do they say?

Takes a tar archive on standard input: ``settings.env``, ``secrets/NAME`` for each secret whose
content is at hand, ``kept`` with the names of those that are in the Swarm alone, and the site's own
files in ``config.d``, with a file ``known`` if a hub runs with them already. Writes a line "note
SENTENCE" for what a person should know and "secret NAME LABEL FINGERPRINT" for each secret; exit 1
with a sentence if it would not do.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from swarmhub_hub import trial
from swarmhub_hub.catalog import CATALOG
from swarmhub_hub.certificate import check_certificate
from swarmhub_hub.configure import configure, warnings
from swarmhub_hub.reading import SettingError, Settings, parse
from swarmhub_hub.userlist import users

_COST = 2**14  # of one fingerprint: some 50 ms, so that it does not give away a short password


def check(folder: Path, now: datetime) -> list[str]:
    """Return the lines to write.

    Raises:
        SettingError: the settings or the site's files will not do.
    """
    secrets: dict[str, str | None] = dict.fromkeys((folder / "kept").read_text().split())
    contents = {one.name: one.read_bytes() for one in (folder / "secrets").iterdir()}
    secrets |= {name: _text(name, content) for name, content in contents.items()}
    settings = Settings(parse((folder / "settings.env").read_text()), secrets)
    config = configure(settings)
    users(settings.secret("SWARMHUB_PAM_USERS_FILE"))
    until = check_certificate(settings, now)
    for file in sorted((folder / "config.d").rglob("*.py")):
        _check_syntax(file)
    known = (folder / "known").exists()
    tried = trial.load(config, settings, folder / "config.d", known=known)
    notes = [*warnings(settings), *([until] if until else []), *tried]
    lines = [f"note {sentence}" for sentence in notes]
    return lines + [
        f"secret {name} {CATALOG[name].secret} {fingerprint(name, content)}"
        for name, content in sorted(contents.items())
    ]


def fingerprint(name: str, content: bytes) -> str:
    """Return twelve letters that tell one content of a secret from another."""
    digest = hashlib.scrypt(content, salt=f"swarmhub {name}".encode(), n=_COST, r=8, p=1)
    return digest.hex()[:12]


def _text(name: str, content: bytes) -> str:
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise SettingError(f"The file of {name} is no text: give the right one.") from None
    if not text:
        raise SettingError(f"The file of {name} is empty: write the secret into it.")
    return text


def _check_syntax(file: Path) -> None:
    try:
        ast.parse(file.read_text())
    except SyntaxError as error:
        raise SettingError(
            f"{file.name} of HUB_CONFIG is not valid Python: line {error.lineno}: {error.msg}."
        ) from None


def main() -> None:
    """Read, check, write."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
            archive.extractall(folder)  # noqa: S202 - `make up` has just written it
        try:
            print("\n".join(check(Path(folder), datetime.now(UTC))))
        except SettingError as refused:
            sys.exit(str(refused))


if __name__ == "__main__":
    main()
