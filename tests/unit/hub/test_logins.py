"""Each way to log in makes an authenticator of the real class, with what was set."""

from __future__ import annotations

import logging
import ssl
from typing import Any

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.orm import new_session_factory
from swarmhub_hub.configure import configure, warnings
from swarmhub_hub.people import settle
from swarmhub_hub.reading import SettingError, Settings
from traitlets.config import Config
from unit.hub.site import ELSEWHERE, GITHUB, LDAP, LTI13, settings

SECRET = {"oauth_client_secret": "hush"}


def authenticator(given: Settings, caplog: pytest.LogCaptureFixture) -> Any:
    """Make the authenticator as JupyterHub does, and see that it knows each option."""
    config = configure(given)
    settle(config, given)
    hub = JupyterHub(config=Config({"JupyterHub": config.JupyterHub}))
    with caplog.at_level(logging.WARNING):
        # One of them keeps its users in the hub's database.
        session = new_session_factory("sqlite:///:memory:")()
        made = hub.authenticator_class(config=config, _deprecated_db_session=session)
    assert "not recognized" not in caplog.text
    return made


def test_the_shared_password(caplog: pytest.LogCaptureFixture) -> None:
    """By default: everybody who has it, and admin is the administrator."""
    made = authenticator(settings(), caplog)
    assert type(made).__name__ == "SharedPasswordAuthenticator"
    assert made.allow_all
    assert made.admin_users == {"admin"}
    made = authenticator(settings({"ALLOWED_USERS": "ada, bob", "ADMIN_USERS": "ada"}), caplog)
    assert not made.allow_all
    assert made.allowed_users >= {"ada", "bob"}
    assert made.admin_users == {"ada"}


def test_native(caplog: pytest.LogCaptureFixture) -> None:
    """Administrators let people in, who have chosen no short password."""
    made = authenticator(settings({"AUTH": "native", "ADMIN_USERS": "ada"}), caplog)
    assert type(made).__name__ == "NativeAuthenticator"
    assert made.allow_all
    assert not made.open_signup
    assert made.minimum_password_length == 10


def test_github(caplog: pytest.LogCaptureFixture) -> None:
    """Members of organizations and teams, those too who do not say so in public."""
    given = settings({**GITHUB, "PUBLIC_URL": "https://hub.example.org/"}, **SECRET)
    made = authenticator(given, caplog)
    assert type(made).__name__ == "GitHubOAuthenticator"
    assert made.client_secret == "hush"
    assert made.allowed_organizations == {"club", "guild:smiths"}
    assert made.scope == ["read:org"]
    assert made.authorize_url == "https://github.com/login/oauth/authorize"
    assert made.oauth_callback_url == "https://hub.example.org/hub/oauth_callback"
    assert not made.allow_all


async def test_any_oauth_provider(caplog: pytest.LogCaptureFixture) -> None:
    """With groups from what it tells of the user."""
    groups = {"OAUTH_GROUPS_CLAIM": "roles", "ALLOWED_GROUPS": "staff", "ADMIN_GROUPS": "chiefs"}
    made = authenticator(settings({**ELSEWHERE, **groups}, **SECRET), caplog)
    assert type(made).__name__ == "GenericOAuthenticator"
    assert made.token_url == "https://id.example.org/token"
    assert made.username_claim == "preferred_username"
    assert made.allowed_groups == {"staff"}
    assert made.admin_groups == {"chiefs"}
    assert await made.get_user_groups({"oauth_user": {"roles": ["staff"]}}) == {"staff"}


def test_ldap_by_template(caplog: pytest.LogCaptureFixture) -> None:
    """The server's certificate is asked for, which ldap3 by itself does not."""
    made = authenticator(settings(LDAP), caplog)
    assert type(made).__name__ == "LDAPAuthenticator"
    assert made.bind_dn_template == ["uid={username},ou=people,dc=example,dc=org"]
    assert made.tls_kwargs["validate"] is ssl.CERT_REQUIRED
    assert made.tls_strategy.name == "before_bind"


def test_ldap_by_search(caplog: pytest.LogCaptureFixture) -> None:
    """An account of the hub's own looks for people; groups are names with commas in them."""
    group = "cn=lab,ou=groups,dc=example,dc=org"
    found = {
        **LDAP,
        "LDAP_BIND_DN_TEMPLATE": "",
        "LDAP_SEARCH_BASE": "ou=people,dc=example,dc=org",
        "LDAP_SEARCH_USER": "cn=hub,dc=example,dc=org",
        "ALLOWED_USERS": "",
        "ALLOWED_GROUPS": f"{group}; cn=guests",
    }
    given = settings(found, ldap_search_password="hush", ldap_ca="-----BEGIN…")
    made = authenticator(given, caplog)
    assert made.lookup_dn
    assert made.lookup_dn_search_password == "hush"
    assert made.allowed_groups == [group, "cn=guests"]
    assert made.tls_kwargs["ca_certs_file"] == "/run/secrets/swarmhub-ldap-ca"


def test_lti(caplog: pytest.LogCaptureFixture) -> None:
    """Of both versions: 1.1 with keys and secrets in a file, 1.3 by the platform's own keys."""
    given = settings({"AUTH": "lti", "ALLOW_ALL": "true"}, lti_consumers="key:hush\n\nb : c:d\n")
    made = authenticator(given, caplog)
    assert type(made).__name__ == "LTI11Authenticator"
    assert made.consumers == {"key": "hush", "b": "c:d"}
    made = authenticator(settings(LTI13), caplog)
    assert type(made).__name__ == "LTI13Authenticator"
    assert made.client_id == {"one", "two"}
    assert made.issuer == "https://lms.example.org"


def test_pam(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever is in the file may come."""
    made = authenticator(settings({"AUTH": "pam"}, pam_users="ada:$6$…"), caplog)
    assert type(made).__name__ == "UserListAuthenticator"
    assert made.allow_all
    assert made.service == "swarmhub"
    assert made.system_user_exists(None)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"AUTH": "kerberos"}, "SWARMHUB_AUTH=kerberos"),
        ({"AUTH": "native"}, "SWARMHUB_ADMIN_USERS"),
        ({**GITHUB, "OAUTH_CLIENT_ID": ""}, "SWARMHUB_OAUTH_CLIENT_ID"),
        ({**ELSEWHERE, "OAUTH_TOKEN_URL": ""}, "SWARMHUB_OAUTH_TOKEN_URL"),
        ({**ELSEWHERE, "OAUTH_TOKEN_URL": "id.example.org"}, "begins with https://"),
        ({**ELSEWHERE, "ALLOWED_GROUPS": "staff"}, "SWARMHUB_OAUTH_GROUPS_CLAIM"),
        ({**LDAP, "LDAP_SEARCH_BASE": "dc=org"}, "either SWARMHUB_LDAP_BIND_DN_TEMPLATE"),
        ({**LDAP, "LDAP_SEARCH_USER": "cn=hub"}, "SWARMHUB_LDAP_SEARCH_USER"),
        ({**LDAP, "LDAP_TLS": "maybe"}, "before_bind, on_connect, insecure"),
        ({**LDAP, "LDAP_PORT": "ldaps"}, "SWARMHUB_LDAP_PORT=ldaps"),
        ({**LTI13, "LTI_CLIENT_IDS": ""}, "SWARMHUB_LTI_CLIENT_IDS"),
        ({"AUTH": "pam"}, "SWARMHUB_PAM_USERS_FILE"),
        ({"LDAP_SERVER": "x"}, "SWARMHUB_LDAP_SERVER is of SWARMHUB_AUTH=ldap"),
        ({**GITHUB, "ALLOWED_GROUPS": "x"}, "SWARMHUB_ALLOWED_GROUPS is of SWARMHUB_AUTH=oauth or"),
        ({**ELSEWHERE, "ALLOW_ALL": "true"}, "SWARMHUB_ALLOW_ALL=true lets in everybody"),
        ({**ELSEWHERE, "ALLOWED_USERS": ""}, "nobody may log in"),
        ({"OAUTH_CLIENT_SECRET": "hush"}, "give SWARMHUB_OAUTH_CLIENT_SECRET_FILE=path"),
        ({"ALOWED_USERS": "x"}, "is SWARMHUB_ALLOWED_USERS meant?"),
        ({"ALLOW_ALL": "perhaps"}, "SWARMHUB_ALLOW_ALL=perhaps"),
        ({"PUBLIC_URL": "hub.example.org"}, "SWARMHUB_PUBLIC_URL"),
    ],
)
def test_what_will_not_do_is_named(given: dict[str, str], named: str) -> None:
    """One sentence, with the variable; a secret's value is not in it."""
    secrets = SECRET if given.get("AUTH") in ("oauth", "github") else {}
    with pytest.raises(SettingError) as refused:
        configure(settings(given, **secrets))
    assert named in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_line_that_is_no_consumer() -> None:
    """The line is named, not shown."""
    given = settings({"AUTH": "lti", "ALLOW_ALL": "true"}, lti_consumers="good:one\nhush")
    with pytest.raises(SettingError, match="Line 2 of SWARMHUB_LTI_CONSUMERS_FILE") as refused:
        configure(given)
    assert "hush" not in str(refused.value)


def test_only_administrators_are_let_in_and_it_is_said() -> None:
    """No list of the admitted, but administrators: it works, and is perhaps not meant."""
    given = settings({**ELSEWHERE, "ALLOWED_USERS": "", "ADMIN_USERS": "ada"}, **SECRET)
    assert "allow_all" not in configure(given).Authenticator
    assert "nobody but administrators" in warnings(given)[0]
    assert warnings(settings(ELSEWHERE, **SECRET)) == []
    assert warnings(settings()) == []


def test_a_secret_that_only_the_swarm_has_counts_as_given() -> None:
    """Its file is gone at a later run; what it holds cannot be looked at, and need not be."""
    configure(settings(ELSEWHERE, oauth_client_secret=None))
    configure(settings({"AUTH": "pam"}, pam_users=None))
    configure(settings(db_url=None))
