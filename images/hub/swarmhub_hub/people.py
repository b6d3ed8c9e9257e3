"""Who may log in, and who is an administrator, whatever the way to log in."""

from __future__ import annotations

from jupyterhub.app import JupyterHub
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from swarmhub_hub.catalog import Login
from swarmhub_hub.logins import login
from swarmhub_hub.reading import SettingError, Settings

# Of these the list of who exists is the administrator's own already: a password that was handed
# out, accounts that an administrator lets in, a file of users.
_OWN_LIST = frozenset({Login.PASSWORD, Login.NATIVE, Login.PAM})
_LISTS = ("SWARMHUB_ALLOWED_USERS", "SWARMHUB_ALLOWED_GROUPS", "SWARMHUB_GITHUB_ORGANIZATIONS")


def people(settings: Settings) -> Config:
    """Return who is let in.

    Raises:
        SettingError: nobody at all would be, or everybody and yet only some.
    """
    config = Config()
    for option, names in (
        ("admin_users", "SWARMHUB_ADMIN_USERS"),
        ("allowed_users", "SWARMHUB_ALLOWED_USERS"),
        ("blocked_users", "SWARMHUB_BLOCKED_USERS"),
    ):
        if listed := set(settings.names(names)):
            config.Authenticator[option] = listed
    if settings.given("SWARMHUB_ALLOW_ALL"):
        config.Authenticator.allow_all = allows_all(settings)
    if nobody_but_admins(settings) and not _some_admin(settings):
        raise SettingError(
            f"With SWARMHUB_AUTH={settings.login} and these settings nobody may log in: say who "
            f"with {' or '.join(_lists(settings))}, or let in everybody with "
            "SWARMHUB_ALLOW_ALL=true."
        )
    return config


def settle(config: Config, settings: Settings) -> str | None:
    """Fill in, after the site's files, who is let in where nobody has said so.

    It depends on the way to log in: what is right for a password that was handed out would open
    a hub to everybody whose authenticator a site's file has put in its place.

    Returns:
        A warning if, by all that is set, nobody but administrators may log in by an authenticator
        of the site's own.
    """
    used, chosen = _authenticator(config), _authenticator(login(settings))
    said = _said(config, used)
    if not issubclass(used, chosen):
        if any(option.startswith("allow") for option in said):
            return None
        return (
            f"nothing says who may log in by {used.__name__}, so perhaps nobody may: set "
            "c.Authenticator.allowed_users or allow_all in your file (docs/hub.md)"
        )
    if not said & _LET_IN and allows_all(settings):
        config.Authenticator.allow_all = True
    _settle_admins(config, used, admins(settings))
    return None


# Each lets in somebody; the last two are what JupyterHub called the two before them.
_LET_IN = frozenset(
    {
        *("allow_all", "allow_existing_users", "allowed_users", "allowed_groups"),
        *("whitelist", "group_whitelist"),
    }
)


def _authenticator(config: Config) -> type:
    """Return the class, however it is named."""
    named = Config({"JupyterHub": {"authenticator_class": config.JupyterHub.authenticator_class}})
    found: type = JupyterHub(config=named).authenticator_class
    return found


def _sections(config: Config, used: type) -> list[Config]:
    """Return the sections of a configuration that count for a class."""
    names = used.section_names()  # type: ignore[attr-defined]  # of traitlets' Configurable
    return [config[name] for name in names if name in config]


def _said(config: Config, used: type) -> frozenset[str]:
    """Return the options that are set to something; of `allow_all` also that it is off."""
    return frozenset(
        option
        for section in _sections(config, used)
        for option, value in section.items()
        if value or option == "allow_all"
    )


def _settle_admins(config: Config, used: type, usual: set[str]) -> None:
    sections = [s for s in _sections(config, used) if "admin_users" in s]
    for section in sections:
        if isinstance(section.admin_users, LazyConfigValue):  # `...admin_users.add("ada")`
            section.admin_users = section.admin_users.get_value(set(usual))
    if not sections and usual:
        config.Authenticator.admin_users = usual


def admins(settings: Settings) -> set[str]:
    """Return the names of the administrators."""
    named = set(settings.names("SWARMHUB_ADMIN_USERS"))
    return named or ({"admin"} if settings.login is Login.PASSWORD else set())


def allows_all(settings: Settings) -> bool:
    """Whether everybody who proves who they are may come in.

    Raises:
        SettingError: so it says, beside a list of those who may.
    """
    listed = [name for name in _lists(settings) if settings.given(name)]
    if settings.given("SWARMHUB_ALLOW_ALL"):
        asked = settings.flag("SWARMHUB_ALLOW_ALL")
        if asked and listed:
            raise SettingError(
                f"SWARMHUB_ALLOW_ALL=true lets in everybody and {listed[0]} only some: "
                "take one of the two back."
            )
        return asked
    return settings.login in _OWN_LIST and not listed


def nobody_but_admins(settings: Settings) -> bool:
    """Whether nothing lets in anybody who is no administrator."""
    return not allows_all(settings) and not any(map(settings.given, _lists(settings)))


def _some_admin(settings: Settings) -> bool:
    return bool(admins(settings)) or settings.given("SWARMHUB_ADMIN_GROUPS")


def _lists(settings: Settings) -> list[str]:
    """Return the lists of the admitted that the chosen login knows."""
    known = {Login.OAUTH: _LISTS[:2], Login.LDAP: _LISTS[:2], Login.GITHUB: _LISTS[::2]}
    return list(known.get(settings.login, _LISTS[:1]))
