"""What tests of the hub's settings share."""

from __future__ import annotations

from swarmhub_hub.reading import Settings

ELSEWHERE = {
    "AUTH": "oauth",
    "OAUTH_CLIENT_ID": "hub",
    "OAUTH_AUTHORIZE_URL": "https://id.example.org/authorize",
    "OAUTH_TOKEN_URL": "https://id.example.org/token",
    "OAUTH_USERDATA_URL": "https://id.example.org/userinfo",
    "ALLOWED_USERS": "ada",
}
GITHUB = {"AUTH": "github", "OAUTH_CLIENT_ID": "hub", "GITHUB_ORGANIZATIONS": "club, guild:smiths"}
LDAP = {
    "AUTH": "ldap",
    "LDAP_SERVER": "ldap.example.org",
    "LDAP_BIND_DN_TEMPLATE": "uid={username},ou=people,dc=example,dc=org",
    "ALLOWED_USERS": "ada",
}
LTI13 = {
    "AUTH": "lti13",
    "LTI_ISSUER": "https://lms.example.org",
    "LTI_AUTHORIZE_URL": "https://lms.example.org/authorize",
    "LTI_JWKS_URL": "https://lms.example.org/jwks",
    "LTI_CLIENT_IDS": "one, two",
    "ALLOW_ALL": "true",
}


def settings(values: dict[str, str] | None = None, /, **secrets: str | None) -> Settings:
    """Make settings; the prefix SWARMHUB_, and _FILE of secrets, are understood."""
    given = {f"SWARMHUB_{name}": value for name, value in (values or {}).items()}
    files = {f"SWARMHUB_{name.upper()}_FILE": content for name, content in secrets.items()}
    return Settings(given, files)
