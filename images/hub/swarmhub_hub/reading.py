"""Settings as typed values. Whatever is not understood is refused in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swarmhub_hub.catalog import CATALOG, Login, Setting

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


class SettingError(ValueError):
    """A setting that cannot be carried out; the message is one sentence that names it."""


@dataclass(frozen=True)
class Settings:
    """What a site has set.

    Attributes:
        values: by variable; those that are empty count as not set.
        secrets: what the files hold, by the name of their variable. None: the content is only
            in the Swarm, so it is there but cannot be looked at.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def login(self) -> Login:
        """How people prove who they are."""
        return Login(self.choice("SWARMHUB_AUTH", *Login))

    def given(self, name: str) -> bool:
        """Whether a setting has a value of the site's own."""
        return bool(self.secrets.get(name, "") != "" if _known(name).is_file else self._own(name))

    def text(self, name: str) -> str:
        """Return a setting, or its default."""
        return self._own(name) or _known(name).default

    def needed(self, name: str) -> str:
        """Return a setting that the chosen login cannot do without.

        Raises:
            SettingError: it is not set.
        """
        value = self.secret(name) if _known(name).is_file else self.text(name)
        if value == "" and not self.given(name):
            raise SettingError(f"SWARMHUB_AUTH={self.login} needs {name}: set it, see docs/hub.md.")
        return value

    def names(self, name: str, separator: str = ",") -> list[str]:
        """Return a list; its items are stripped and empty ones left out."""
        return [item.strip() for item in self.text(name).split(separator) if item.strip()]

    def flag(self, name: str) -> bool:
        """Return a yes or no.

        Raises:
            SettingError: it is neither.
        """
        value = self.text(name).lower()
        if value not in (*_TRUE, *_FALSE):
            raise SettingError(f"{name}={value} is neither true nor false: write one of the two.")
        return value in _TRUE

    def whole(self, name: str) -> int:
        """Return a whole number that is not negative.

        Raises:
            SettingError: it is none.
        """
        value = self.text(name)
        if not (value.isascii() and value.isdecimal()):
            raise SettingError(f"{name}={value} is no whole number of 0 or more: write one.")
        return int(value)

    def choice(self, name: str, *known: str) -> str:
        """Return one of several words.

        Raises:
            SettingError: it is another one.
        """
        value = self.text(name).lower()
        if value not in known:
            raise SettingError(f"{name}={value} is not known: choose among {', '.join(known)}.")
        return value

    def url(self, name: str) -> str:
        """Return the URL of a web page that the chosen login cannot do without.

        Raises:
            SettingError: it is not set, or no such URL.
        """
        value = self.needed(name)
        if not value.startswith(("https://", "http://")):
            raise SettingError(f"{name}={value} is no URL: it begins with https:// or http://.")
        return value

    def secret(self, name: str) -> str:
        """Return the content of a secret; empty if there is none or it cannot be looked at."""
        return self.secrets.get(_known(name).name) or ""

    def _own(self, name: str) -> str:
        return self.values.get(_known(name).name, "").strip()


def _known(name: str) -> Setting:
    return CATALOG[name]


def refuse_unknown(settings: Settings) -> None:
    """Refuse what the hub does not know, and what the chosen login would not look at.

    Raises:
        SettingError: naming the first such setting.
    """
    for name, value in settings.values.items():
        if name not in CATALOG:
            raise SettingError(_stranger(name))
        if value and CATALOG[name].logins and settings.login not in CATALOG[name].logins:
            fit = " or ".join(CATALOG[name].logins)
            raise SettingError(
                f"{name} is of SWARMHUB_AUTH={fit}, but SWARMHUB_AUTH is {settings.login}: "
                f"take one of the two back ({name}= does)."
            )


def _stranger(name: str) -> str:
    if f"{name}_FILE" in CATALOG:
        return f"{name} is a secret: write it into a file, and give {name}_FILE=path instead."
    close = difflib.get_close_matches(name, CATALOG, n=1)
    hint = f"is {close[0]} meant?" if close else "docs/hub.md lists them all."
    return f"{name} is no setting: {hint}"


def parse(text: str) -> dict[str, str]:
    """Read lines NAME=value, as ``make up`` has put them together."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name: value for name, _, value in pairs}


def mounted(file: Path, folder: Path) -> Settings:
    """Return the settings and the secrets that are mounted into this container.

    Args:
        file: holds lines NAME=value; need not exist.
        folder: holds the secrets by their own names.
    """
    values = parse(file.read_text()) if file.exists() else {}
    files = {one.name: folder / one.secret for one in CATALOG.values() if one.is_file}
    return Settings(values, {n: f.read_text().strip() for n, f in files.items() if f.exists()})
