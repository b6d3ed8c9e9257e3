"""Logins at private registries, from a file that only the operator reads.

The file has the form of Docker's own `config.json`. What stands in it leaves this process in the
header of requests to the engine alone, which hands it to the nodes that pull.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from swarmhub_operator.engine.registries import HUB, hostname
from swarmhub_operator.logs import get_logger

_HUB_URL: Final = "https://index.docker.io/v1/"  # as the engine calls it in credentials
log = get_logger()


class CredentialsError(Exception):
    """A file of logins that cannot be used; `str()` is one sentence and tells none of them."""


class _Entry(BaseModel):
    """One login, in one of the forms in which Docker writes it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    auth: SecretStr = SecretStr("")  # base64 of user:password
    username: str = ""
    password: SecretStr = SecretStr("")
    identity_token: SecretStr = Field(default=SecretStr(""), alias="identitytoken")
    registry_token: SecretStr = Field(default=SecretStr(""), alias="registrytoken")


class _File(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    auths: dict[str, _Entry] = Field(default_factory=dict)
    creds_store: str = Field(default="", alias="credsStore")
    cred_helpers: dict[str, str] = Field(default_factory=dict, alias="credHelpers")


def parse(text: str) -> dict[str, dict[str, str]]:
    """Read a file's logins: what the engine is told, by the registry's host.

    Raises:
        CredentialsError: it is not of Docker's form, or says that the logins are elsewhere.
    """
    try:
        content = _File.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the file"
        raise CredentialsError(
            f"The registry logins are not in the form of Docker's config.json ({where} is wrong); "
            "hand over a file that `docker login` has written."
        ) from None
    if content.creds_store or content.cred_helpers:
        raise CredentialsError(
            "The registry logins are kept by a helper program (credsStore or credHelpers), which "
            "the operator does not have; log in with DOCKER_CONFIG=$(mktemp -d) docker login and "
            "hand over the config.json that it writes there."
        )
    return {hostname(key): _login(key, entry) for key, entry in content.auths.items()}


def _login(key: str, entry: _Entry) -> dict[str, str]:
    host = hostname(key)
    told = {"serveraddress": _HUB_URL if host == HUB else host}
    if token := entry.identity_token.get_secret_value():
        return {**told, "identitytoken": token}
    if token := entry.registry_token.get_secret_value():
        return {**told, "registrytoken": token}
    user, password = entry.username, entry.password.get_secret_value()
    if packed := entry.auth.get_secret_value():
        try:
            whole = base64.b64decode(packed, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            whole = ""
        user, _, password = whole.rstrip("\0").partition(":")
    if not user or not password:
        raise CredentialsError(
            f"The login at {host} holds no user and password; run `docker login {host}` anew."
        )
    return {**told, "username": user, "password": password}


class Credentials:
    """The logins of a file, read anew whenever it changes. Without a file there are none."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._stamp: tuple[int, ...] = ()
        self._logins: Mapping[str, dict[str, str]] = {}

    def read(self) -> None:
        """Read the file, if there is one.

        Raises:
            CredentialsError: it cannot be read or used; what was known before is kept.
        """
        if self._file is None:
            return
        try:
            found = self._file.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp == self._stamp:
                return
            text = self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise CredentialsError(
                f"The registry logins in {self._file} cannot be read "
                f"({type(error).__name__}); correct SWARMHUB_REGISTRY_AUTH_FILE."
            ) from None
        self._stamp = stamp
        self._logins = parse(text)

    def of(self, host: str) -> dict[str, str] | None:
        """Return what the engine is to be told for a registry, or None."""
        try:
            self.read()
        except CredentialsError as error:  # those known before may still be good
            log.warning("registry logins", outcome="unreadable", error=str(error))
        return self._logins.get(hostname(host))
