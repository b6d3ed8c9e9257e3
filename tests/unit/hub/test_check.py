"""What `make up` is told before it deploys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.authority import Authority, Pair
from swarmhub_hub.certificate import check_certificate
from swarmhub_hub.check import check, fingerprint
from swarmhub_hub.reading import SettingError, Settings
from swarmhub_hub.userlist import password_fits, users
from unit.hub.site import settings

NOW = datetime.now(UTC)
# `openssl passwd -6 -salt swarmhub "correct horse"`
DIGEST = (
    "$6$swarmhub$ziyOyuE4Veq1ZoHpSbdUiVo/uGyfDiM9vrdHWDAnfj5z4wgi"
    "EQU3kieC3Qp9RsQqp84z1foCOox4RQ1VK23uQ0"
)


def site(folder: Path, text: str = "", **secrets: str) -> Path:
    """Lay out what the check reads."""
    for part in ("secrets", "config.d"):
        (folder / part).mkdir()
    (folder / "settings.env").write_text(text)
    (folder / "kept").write_text("")
    for name, content in secrets.items():
        (folder / "secrets" / name).write_text(content)
    return folder


def _tls(pair: Pair) -> Settings:
    return settings(tls_certificate=pair.certificate, tls_key=pair.key)


def test_a_good_pair_says_until_when() -> None:
    """The day is told, so that a renewal can be seen."""
    pair = Authority().issue("192.0.2.1", timedelta(days=5))
    said = check_certificate(_tls(pair), NOW)
    assert said is not None
    assert f"{NOW + timedelta(days=5):%Y-%m-%d}" in said
    assert check_certificate(settings(), NOW) is None
    assert check_certificate(settings(tls_certificate=None, tls_key=None), NOW) is None


def test_pairs_that_will_not_do() -> None:
    """Out of date, of another key, half of one, none at all."""
    authority = Authority()
    good, other = authority.issue("192.0.2.1"), authority.issue("192.0.2.1")
    for given, named in (
        (_tls(authority.issue("192.0.2.1", timedelta(days=-1))), "is out of date since"),
        (_tls(good._replace(key=other.key)), "is not the key of"),
        (_tls(good._replace(certificate="hush")), "holds no certificate in PEM form"),
        (settings(tls_key=good.key), "belong together"),
        (settings({"REDIRECT_PORT": "80"}), "SWARMHUB_REDIRECT_PORT leads to https"),
    ):
        with pytest.raises(SettingError, match=named):
            check_certificate(given, NOW)


def test_lines_for_make_up(tmp_path: Path) -> None:
    """Notes, and each secret with where it is mounted and what tells its content from others."""
    pair = Authority().issue("192.0.2.1")
    text = "SWARMHUB_CULL_TIMEOUT=30\n"
    names = {
        "SWARMHUB_TLS_CERTIFICATE_FILE": pair.certificate,
        "SWARMHUB_TLS_KEY_FILE": pair.key,
    }
    lines = check(site(tmp_path, text, **names), NOW)
    assert [line.split()[0] for line in lines] == ["note", "note", "secret", "secret"]
    mark = fingerprint("SWARMHUB_TLS_KEY_FILE", pair.key.encode())
    assert lines[-1] == f"secret SWARMHUB_TLS_KEY_FILE swarmhub-tls-key {mark}"


def test_a_fingerprint_tells_contents_apart() -> None:
    """And is the same for the same content, so that nothing restarts for nothing."""
    assert fingerprint("A", b"x") == fingerprint("A", b"x")
    assert fingerprint("A", b"x") != fingerprint("A", b"y")
    assert fingerprint("A", b"x") != fingerprint("B", b"x")


def test_a_kept_secret_is_not_looked_at(tmp_path: Path) -> None:
    """It has no line, as it is in the Swarm already."""
    folder = site(tmp_path, "SWARMHUB_DB_URL_FILE=/gone\n")
    (folder / "kept").write_text("SWARMHUB_DB_URL_FILE\n")
    assert check(folder, NOW) == []


def test_files_that_will_not_do(tmp_path: Path) -> None:
    """An empty secret, and Python that is none."""
    folder = site(tmp_path, SWARMHUB_DB_URL_FILE=" \n")
    with pytest.raises(SettingError, match="The file of SWARMHUB_DB_URL_FILE is empty"):
        check(folder, NOW)
    (folder / "secrets" / "SWARMHUB_DB_URL_FILE").unlink()
    (folder / "config.d" / "my.py").write_text("c.x = 1\nc.y = \n")
    with pytest.raises(SettingError, match=r"my.py of HUB_CONFIG is not valid Python: line 2"):
        check(folder, NOW)


def test_users_of_a_file() -> None:
    """A password of the list fits its user, and nobody else's does."""
    listed = users(f"# the team\nada:{DIGEST}\n\n")
    assert list(listed) == ["ada"]
    assert password_fits(listed, "ada", b"correct horse")
    assert not password_fits(listed, "ada", b"wrong horse")
    assert not password_fits(listed, "bob", b"correct horse")
    assert not password_fits(listed, "", b"")
    with pytest.raises(SettingError, match="Line 1 of SWARMHUB_PAM_USERS_FILE"):
        users("ada:hush")
