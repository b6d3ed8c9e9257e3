"""Every setting of the hub: one table, which the check, the reader and docs/hub.md go by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Login(StrEnum):
    """What ``SWARMHUB_AUTH`` may be: how people prove who they are."""

    PASSWORD = "password"  # noqa: S105 - the name of a way to log in
    NATIVE = "native"
    GITHUB = "github"
    OAUTH = "oauth"
    LDAP = "ldap"
    LTI = "lti"
    LTI13 = "lti13"
    PAM = "pam"


@dataclass(frozen=True)
class Setting:
    """One variable.

    Attributes:
        name: of the variable; one that ends in ``_FILE`` names a file whose content becomes a
            Swarm secret.
        default: what holds without it, as text; empty for nothing.
        logins: the ways to log in that know it; empty for all.
    """

    name: str
    default: str = ""
    logins: tuple[Login, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether its value is the path of a file that becomes a secret."""
        return self.name.endswith("_FILE")

    @property
    def secret(self) -> str:
        """The name under which its content is mounted into the container."""
        words = self.name.removeprefix("SWARMHUB_").removesuffix("_FILE")
        return f"swarmhub-{words.lower().replace('_', '-')}"


def _settings() -> Iterator[Setting]:
    for name, default in (
        ("PORT", "8000"),
        ("ADDRESS", "127.0.0.1"),
        ("REDIRECT_PORT", ""),
        ("TLS_CERTIFICATE_FILE", ""),
        ("TLS_KEY_FILE", ""),
        ("AUTH", "password"),
        ("ADMIN_USERS", ""),
        ("ALLOWED_USERS", ""),
        ("BLOCKED_USERS", ""),
        ("ALLOW_ALL", "false"),
        ("PUBLIC_URL", ""),
        ("DB_URL_FILE", ""),
        ("NAMED_SERVERS", "true"),
        ("NAMED_SERVER_LIMIT_PER_USER", "0"),
        ("ACTIVE_SERVER_LIMIT", "0"),
        ("CONCURRENT_SPAWN_LIMIT", "64"),
        ("MEM_LIMIT", ""),
        ("MEM_GUARANTEE", ""),
        ("CPU_LIMIT", ""),
        ("CPU_GUARANTEE", ""),
        ("PAGE", "true"),
        ("CULL_TIMEOUT", "0"),
        ("CULL_EVERY", "600"),
        ("CULL_MAX_AGE", "0"),
        ("CULL_USERS", "false"),
        ("CULL_ADMIN_USERS", "true"),
        ("CULL_REMOVE_NAMED_SERVERS", "false"),
    ):
        yield Setting(f"SWARMHUB_{name}", default)
    yield from _of_logins()


def _of_logins() -> Iterator[Setting]:
    both = (Login.GITHUB, Login.OAUTH)
    for name, default, logins in (
        ("ALLOWED_GROUPS", "", (Login.OAUTH, Login.LDAP)),
        ("ADMIN_GROUPS", "", (Login.OAUTH,)),
        ("NATIVE_OPEN_SIGNUP", "false", (Login.NATIVE,)),
        ("NATIVE_PASSWORD_LENGTH", "10", (Login.NATIVE,)),
        ("OAUTH_CLIENT_ID", "", both),
        ("OAUTH_CLIENT_SECRET_FILE", "", both),
        ("OAUTH_AUTHORIZE_URL", "", (Login.OAUTH,)),
        ("OAUTH_TOKEN_URL", "", (Login.OAUTH,)),
        ("OAUTH_USERDATA_URL", "", (Login.OAUTH,)),
        ("OAUTH_USERNAME_CLAIM", "preferred_username", (Login.OAUTH,)),
        ("OAUTH_GROUPS_CLAIM", "", (Login.OAUTH,)),
        ("OAUTH_SCOPE", "openid,profile", (Login.OAUTH,)),
        ("OAUTH_LABEL", "OAuth 2.0", (Login.OAUTH,)),
        ("GITHUB_URL", "https://github.com", (Login.GITHUB,)),
        ("GITHUB_ORGANIZATIONS", "", (Login.GITHUB,)),
        ("LDAP_SERVER", "", (Login.LDAP,)),
        ("LDAP_PORT", "0", (Login.LDAP,)),
        ("LDAP_TLS", "before_bind", (Login.LDAP,)),
        ("LDAP_CA_FILE", "", (Login.LDAP,)),
        ("LDAP_BIND_DN_TEMPLATE", "", (Login.LDAP,)),
        ("LDAP_SEARCH_BASE", "", (Login.LDAP,)),
        ("LDAP_SEARCH_USER", "", (Login.LDAP,)),
        ("LDAP_SEARCH_PASSWORD_FILE", "", (Login.LDAP,)),
        ("LDAP_USER_ATTRIBUTE", "uid", (Login.LDAP,)),
        ("LTI_CONSUMERS_FILE", "", (Login.LTI,)),
        ("LTI_USERNAME_KEY", "", (Login.LTI, Login.LTI13)),
        ("LTI_ISSUER", "", (Login.LTI13,)),
        ("LTI_AUTHORIZE_URL", "", (Login.LTI13,)),
        ("LTI_JWKS_URL", "", (Login.LTI13,)),
        ("LTI_CLIENT_IDS", "", (Login.LTI13,)),
        ("PAM_USERS_FILE", "", (Login.PAM,)),
    ):
        yield Setting(f"SWARMHUB_{name}", default, logins)


CATALOG: Mapping[str, Setting] = MappingProxyType({one.name: one for one in _settings()})
