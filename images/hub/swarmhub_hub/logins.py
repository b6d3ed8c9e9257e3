"""How people prove who they are: one function for each way to log in."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from traitlets.config import Config

from swarmhub_hub.catalog import CATALOG, Login
from swarmhub_hub.reading import SettingError, Settings

SECRETS = Path("/run/secrets")
# Debian's and Ubuntu's bundle, into which the images' builds put the host's own.
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_PAIR = 2


def login(settings: Settings) -> Config:
    """Return the authenticator, without the secrets that only the stack makes.

    Raises:
        SettingError: what it needs is missing or not understood.
    """
    config = Config()
    _WAYS[settings.login](settings, config)
    return config


def _password(_settings: Settings, config: Config) -> None:
    config.JupyterHub.authenticator_class = "shared-password"


def _native(settings: Settings, config: Config) -> None:
    if not settings.given("SWARMHUB_ADMIN_USERS"):
        raise SettingError(
            "SWARMHUB_AUTH=native needs SWARMHUB_ADMIN_USERS: the names of those who let others "
            "in, who sign up first."
        )
    config.JupyterHub.authenticator_class = "native"
    config.NativeAuthenticator.open_signup = settings.flag("SWARMHUB_NATIVE_OPEN_SIGNUP")
    length = settings.whole("SWARMHUB_NATIVE_PASSWORD_LENGTH")
    config.NativeAuthenticator.minimum_password_length = length
    config.NativeAuthenticator.check_common_password = True
    config.NativeAuthenticator.allowed_failed_logins = 5
    config.NativeAuthenticator.seconds_before_next_try = 60


def _client(settings: Settings, config: Config) -> None:
    config.OAuthenticator.client_id = settings.needed("SWARMHUB_OAUTH_CLIENT_ID")
    config.OAuthenticator.client_secret = settings.needed("SWARMHUB_OAUTH_CLIENT_SECRET_FILE")
    public = settings.text("SWARMHUB_PUBLIC_URL").rstrip("/")
    if public:
        config.OAuthenticator.oauth_callback_url = f"{public}/hub/oauth_callback"


def _github(settings: Settings, config: Config) -> None:
    config.JupyterHub.authenticator_class = "github"
    _client(settings, config)
    config.GitHubOAuthenticator.github_url = settings.url("SWARMHUB_GITHUB_URL").rstrip("/")
    organizations = settings.names("SWARMHUB_GITHUB_ORGANIZATIONS")
    config.GitHubOAuthenticator.allowed_organizations = set(organizations)
    # Without it only those count whose membership is public.
    config.GitHubOAuthenticator.scope = ["read:org"] if organizations else []


def _oauth(settings: Settings, config: Config) -> None:
    config.JupyterHub.authenticator_class = "generic-oauth"
    _client(settings, config)
    generic = config.GenericOAuthenticator
    generic.authorize_url = settings.url("SWARMHUB_OAUTH_AUTHORIZE_URL")
    generic.token_url = settings.url("SWARMHUB_OAUTH_TOKEN_URL")
    generic.userdata_url = settings.url("SWARMHUB_OAUTH_USERDATA_URL")
    generic.username_claim = settings.text("SWARMHUB_OAUTH_USERNAME_CLAIM")
    generic.scope = settings.names("SWARMHUB_OAUTH_SCOPE")
    generic.login_service = settings.text("SWARMHUB_OAUTH_LABEL")
    groups = {name: set(settings.names(f"SWARMHUB_{name.upper()}")) for name in _GROUPS}
    claim = settings.text("SWARMHUB_OAUTH_GROUPS_CLAIM")
    if claim:
        generic.manage_groups = True
        generic.auth_state_groups_key = f"oauth_user.{claim}"
        generic.update({name: given for name, given in groups.items() if given})
    elif any(groups.values()):
        raise SettingError(
            "SWARMHUB_ALLOWED_GROUPS and SWARMHUB_ADMIN_GROUPS need SWARMHUB_OAUTH_GROUPS_CLAIM: "
            "the provider's name for a user's groups."
        )


_GROUPS = ("allowed_groups", "admin_groups")


def _ldap(settings: Settings, config: Config) -> None:
    config.JupyterHub.authenticator_class = "ldap"
    ldap = config.LDAPAuthenticator
    ldap.server_address = settings.needed("SWARMHUB_LDAP_SERVER")
    if port := settings.whole("SWARMHUB_LDAP_PORT"):
        ldap.server_port = port
    ldap.tls_strategy = settings.choice(
        "SWARMHUB_LDAP_TLS", "before_bind", "on_connect", "insecure"
    )
    own = settings.given("SWARMHUB_LDAP_CA_FILE")
    authorities = SECRETS / CATALOG["SWARMHUB_LDAP_CA_FILE"].secret
    # Without these ldap3 believes any certificate.
    ldap.tls_kwargs = {
        "validate": ssl.CERT_REQUIRED,
        "ca_certs_file": str(authorities) if own else _AUTHORITIES,
    }
    ldap.user_attribute = settings.text("SWARMHUB_LDAP_USER_ATTRIBUTE")
    # Names there hold commas.
    groups = settings.names("SWARMHUB_ALLOWED_GROUPS", separator=";")
    ldap.allowed_groups = groups or None
    _ldap_names(settings, ldap)


def _ldap_names(settings: Settings, ldap: Config) -> None:
    templates = settings.names("SWARMHUB_LDAP_BIND_DN_TEMPLATE", separator=";")
    base = settings.text("SWARMHUB_LDAP_SEARCH_BASE")
    if bool(templates) == bool(base):
        raise SettingError(
            "SWARMHUB_AUTH=ldap needs either SWARMHUB_LDAP_BIND_DN_TEMPLATE or "
            "SWARMHUB_LDAP_SEARCH_BASE: a user's name is put into the one or looked for below the "
            "other."
        )
    if templates:
        ldap.bind_dn_template = templates
        if settings.given("SWARMHUB_LDAP_SEARCH_USER"):
            raise SettingError(
                "SWARMHUB_LDAP_SEARCH_USER searches nothing without SWARMHUB_LDAP_SEARCH_BASE: "
                "take it back."
            )
        return
    ldap.lookup_dn = True
    ldap.user_search_base = base
    ldap.lookup_dn_user_dn_attribute = settings.text("SWARMHUB_LDAP_USER_ATTRIBUTE")
    if settings.given("SWARMHUB_LDAP_SEARCH_USER"):
        ldap.lookup_dn_search_user = settings.text("SWARMHUB_LDAP_SEARCH_USER")
        password = settings.needed("SWARMHUB_LDAP_SEARCH_PASSWORD_FILE")
        ldap.lookup_dn_search_password = password


def _lti(settings: Settings, config: Config) -> None:
    config.JupyterHub.authenticator_class = "ltiauthenticator.LTIAuthenticator"
    config.LTI11Authenticator.consumers = consumers(settings.needed("SWARMHUB_LTI_CONSUMERS_FILE"))
    if key := settings.text("SWARMHUB_LTI_USERNAME_KEY"):
        config.LTI11Authenticator.username_key = key


def consumers(text: str) -> dict[str, str]:
    """Read lines KEY:SECRET.

    Raises:
        SettingError: naming the first line that is none.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        pair = [part.strip() for part in line.split(":", 1)]
        if not line.strip():
            continue
        if len(pair) != _PAIR or not all(pair):
            raise SettingError(
                f"Line {number} of SWARMHUB_LTI_CONSUMERS_FILE is not KEY:SECRET: write it so."
            )
        found[pair[0]] = pair[1]
    return found


def _lti13(settings: Settings, config: Config) -> None:
    config.JupyterHub.authenticator_class = "ltiauthenticator.lti13.auth.LTI13Authenticator"
    lti = config.LTI13Authenticator
    lti.issuer = settings.url("SWARMHUB_LTI_ISSUER")
    lti.authorize_url = settings.url("SWARMHUB_LTI_AUTHORIZE_URL")
    lti.jwks_endpoint = settings.url("SWARMHUB_LTI_JWKS_URL")
    settings.needed("SWARMHUB_LTI_CLIENT_IDS")
    lti.client_id = set(settings.names("SWARMHUB_LTI_CLIENT_IDS"))
    if key := settings.text("SWARMHUB_LTI_USERNAME_KEY"):
        lti.username_key = key


def _pam(settings: Settings, config: Config) -> None:
    settings.needed("SWARMHUB_PAM_USERS_FILE")
    config.JupyterHub.authenticator_class = "swarmhub_hub.userlist.UserListAuthenticator"
    config.PAMAuthenticator.service = "swarmhub"


_Way = Callable[[Settings, Config], None]
_WAYS: Mapping[Login, _Way] = MappingProxyType(
    {
        Login.PASSWORD: _password,
        Login.NATIVE: _native,
        Login.GITHUB: _github,
        Login.OAUTH: _oauth,
        Login.LDAP: _ldap,
        Login.LTI: _lti,
        Login.LTI13: _lti13,
        Login.PAM: _pam,
    }
)
