"""Users from a file, by PAM: for trying things out with several people and no provider."""

from __future__ import annotations

import ctypes
import hmac
import os
import sys
from pathlib import Path

from jupyterhub.auth import PAMAuthenticator
from jupyterhub.user import User

from swarmhub_hub.reading import SettingError

USERS = Path("/run/secrets/swarmhub-pam-users")
_UNKNOWN = "$6$unknown$x"  # so that a name that is not in the list takes as long as one that is


class UserListAuthenticator(PAMAuthenticator):  # type: ignore[misc]  # JupyterHub has no types
    """PAM without accounts of the system: who is in the file exists."""

    def system_user_exists(self, user: User) -> bool:  # noqa: ARG002 - the signature is JupyterHub's
        """Say yes: whoever logs in with a password of the list is somebody."""
        return True


def users(text: str) -> dict[str, str]:
    """Read lines NAME:HASH, a hash as ``openssl passwd -6`` makes it.

    Raises:
        SettingError: naming the first line that is none.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, digest = line.strip().partition(":")
        if not name or not digest.startswith("$"):
            raise SettingError(
                f"Line {number} of SWARMHUB_PAM_USERS_FILE is not NAME:HASH: 'openssl passwd -6' "
                "makes the hash of a password."
            )
        found[name] = digest
    return found


def password_fits(listed: dict[str, str], name: str, password: bytes) -> bool:
    """Whether this is the password of a user of the list."""
    digest = listed.get(name, _UNKNOWN).encode()
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return hmac.compare_digest(crypt(password, digest) or b"", digest)


def main() -> None:
    """Answer PAM's question, which pam_exec puts by a variable and standard input."""
    password = sys.stdin.buffer.read().rstrip(b"\0")
    known = users(USERS.read_text())
    sys.exit(0 if password_fits(known, os.environ.get("PAM_USER", ""), password) else 1)


if __name__ == "__main__":
    main()
