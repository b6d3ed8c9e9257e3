"""What a bug report hides, and what it leaves."""

from __future__ import annotations

import io
import json
import tarfile
import time
from datetime import UTC, datetime

import pytest
from swarmhub_operator.cli.bugreport.anonymity import Pseudonyms, users_in_events, users_in_log
from swarmhub_operator.cli.bugreport.archive import Part, pack
from swarmhub_operator.cli.bugreport.known import Secrets
from swarmhub_operator.cli.bugreport.looks import is_secret_name
from swarmhub_operator.cli.bugreport.redaction import Redactor, named_secrets

HEX = "0123456789abcdef"


@pytest.mark.parametrize(
    "name",
    ["API_TOKEN", "apiToken", "x-api-key", "accessKey", "MY_PASSWORD_FILE", "Authorization",
     "set-cookie", "DB_PASS", "aws.secret.access.key", "secretDigest"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    """However they are written."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["user", "image", "compass", "key", "monkey", "PATH", "passed"])
def test_names_of_other_things(name: str) -> None:
    """Are left alone: a report without them is of no use."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgres://ada:s3cr3t-p@db.example/x", "postgres://(hidden)@db.example/x"),
        ("GET /?token=s3cr3t-p&a=1", "GET /?token=(hidden)&a=1"),
        ("GET /hub/oauth_callback?code=s3cr3t-p&state=ab",
         "GET /hub/oauth_callback?code=(hidden)&state=(hidden)"),
        ("Authorization: token s3cr3t-p, x", "Authorization: (hidden), x"),
        ('"authorization": "Bearer s3cr3t-p"', '"authorization": "(hidden)"'),
        ("curl -H 'Bearer s3cr3t-p'", "curl -H 'Bearer (hidden)'"),
        ("JUPYTERHUB_API_TOKEN=s3cr3t-p and more", "JUPYTERHUB_API_TOKEN=(hidden) and more"),
        ('{"client_secret": "s3cr3t-p, with \\" quotes", "a": 1}',
         '{"client_secret": (hidden), "a": 1}'),
        ("{'password': 's3cr3t-p'}", "{'password': (hidden)}"),
        ("db_password : s3cr3t-p", "db_password : (hidden)"),
        (f"a {HEX}{HEX} b", "a (hidden) b"),
        ("SWMTKN-1-s3cr3t-p-0", "(hidden)"),
        ("ghp_abcdefghij0123456789", "(hidden)"),
        ("AKIAABCDEFGHIJKLMNOP", "(hidden)"),
        ("eyJhbGciOiJIUzI1NiJ9.s3cr3t.x-_", "(hidden)"),
        ("x\n-----BEGIN RSA PRIVATE KEY-----\ns3cr3t-p\n-----END RSA PRIVATE KEY-----\ny",
         "x\n(hidden)\ny"),
        ("-----BEGIN PRIVATE KEY-----\ns3cr3t-p cut off", "(hidden)"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret(text: str, kept: str) -> None:
    """Is hidden though nobody has told that it is one."""
    redactor = Redactor(())
    assert redactor.text(text) == kept
    assert redactor.count >= 1
    assert Redactor(()).text(kept) == kept  # and once is enough


@pytest.mark.parametrize(
    "text",
    [
        f"lab@sha256:{HEX * 4}",
        "3c0e1a2b-0000-4000-8000-0123456789ab",
        "https://registry.example:5000/v2/",
        "Its token and other secret variables are on no secret yet",
        'swarmhub_engine_calls_total{call="create_secret"} 3.0',
        "notebook/ada: Running",
    ],
)
def test_what_does_not(text: str) -> None:
    """Is left as it is."""
    assert Redactor(()).text(text) == text


@pytest.mark.parametrize("letter", ["x", "a", "_", "'", '"token":"', "://"])
def test_long_lines_take_no_long_time(letter: str) -> None:
    """Whatever a user writes into a log."""
    began = time.monotonic()
    Redactor(["another"]).text(letter * (100_000 // len(letter)))
    assert time.monotonic() - began < 10


def test_a_document_keeps_its_form() -> None:
    """Keys and lists stay, only secrets go."""
    content = {
        "environment": {"PLAIN": "red", "MY_TOKEN": "abc123"},
        "auth": {"apiToken": {"value": "x1y2", "many": ["z3", 4, None, True]}},
        "said": "it is abc123.",
    }
    redactor = Redactor(named_secrets(content))
    assert redactor.document(content) == {
        "environment": {"PLAIN": "red", "MY_TOKEN": "(hidden)"},
        "auth": {
            "apiToken": {"value": "(hidden)", "many": ["(hidden)", "(hidden)", None, True]},
        },
        "said": "it is (hidden).",
    }


def test_of_the_engine_no_variable_has_a_value() -> None:
    """Secret or not, nor are secrets named that a service mounts, nor is the record whole."""
    spec = {
        "Env": ["PLAIN=red", "EMPTY=", "BARE"],
        "Secrets": [{"SecretID": "id1", "SecretName": "jupyter-ada-1", "File": {"Mode": 256}}],
        "Labels": {"swarmhub.record": '{"environment": {"PLAIN": "red"}}', "a": "b"},
        "ContainerStatus": {"ContainerID": HEX * 4},
        "TLSInfo": {"TrustRoot": "long"},
    }
    found = Redactor(()).engine(spec)
    assert found["Env"] == ["PLAIN=(hidden)", "EMPTY=", "BARE"]
    assert found["Secrets"] == [
        {"SecretID": "(hidden)", "SecretName": "(hidden)", "File": {"Mode": "(hidden)"}}
    ]
    assert found["Labels"]["swarmhub.record"].startswith("sha256:")
    assert found["Labels"]["a"] == "b"
    assert found["ContainerStatus"] == {"ContainerID": HEX[:12]}
    assert "red" not in json.dumps(found)
    assert "long" not in json.dumps(found)


@pytest.mark.parametrize(
    "form",
    ['p"q\\r é/1', 'p\\"q\\\\r é/1', 'p\\"q\\\\r \\u00e9/1', "p%22q%5Cr%20%C3%A9/1",
     "p%22q%5Cr+%C3%A9%2F1", "cCJxXHIgw6kvMQ=="],
)  # fmt: skip
def test_a_known_secret_is_found_in_each_form(form: str) -> None:
    """Quoted, escaped, encoded."""
    clean = Redactor(['p"q\\r é/1']).text(f"<{form}>")
    assert clean in ("<(hidden)>", "<(hidden)==>")


def test_a_line_of_a_key_is_one_too() -> None:
    """As a log would tell it."""
    assert Redactor(["first line of it\nsecond line"]).text("saw second line") == "saw (hidden)"


def test_a_short_secret_is_hidden_alone() -> None:
    """Within other text it would be found everywhere."""
    secrets = Secrets(["ab"])
    assert secrets.hidden("ab") == ("(hidden)", 1)
    assert secrets.hidden("abc") == ("abc", 0)


@pytest.mark.parametrize("secret", ["hidden", "(hidden)", "dden", "true", "****"])
def test_a_secret_like_the_placeholder(secret: str) -> None:
    """Has another put in its place; a plain true is none."""
    redactor = Redactor([secret, "(hidden)"])
    clean = redactor.text(f"a {secret}* b")
    assert redactor.leaks(clean) is False
    assert (secret in clean) == (secret == "true")


def test_a_part_that_still_holds_a_secret_is_left_out() -> None:
    """The last look is at what is written, where JSON's own signs may make one up."""
    parts = (Part("a.json", "one", {"a": "b"}), Part("b.txt", "another", "a b"))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    packed = pack(parts, Redactor(['"a": "b"']), name="r", now=now, about={})
    first, second = packed.manifest["parts"]
    assert (first["taken"], second["taken"]) == (False, True)
    assert "it was left out" in first["reason"]
    with tarfile.open(fileobj=io.BytesIO(packed.content)) as archive:
        assert archive.getnames() == ["r/manifest.json", "r/b.txt"]


def test_users_get_other_names() -> None:
    """The same one in each form of their name, and nobody else does."""
    names = Pseudonyms(["ada", "Bob Smith", "user-9"])
    text = "ada/lab jupyterhub-user-ada adapter /user/Bob%20Smith/ -42ob-20-53mith user-9 ada"
    told = names(text)
    ada = names("ada")
    assert told == (
        f"{ada}/lab jupyterhub-user-{ada} adapter /user/{names('Bob Smith')}/ "
        f"{names('Bob Smith')} {names('user-9')} {ada}"
    )
    assert len({ada, names("Bob Smith"), names("user-9")}) == 3
    assert not any("user-9" in names(name) for name in ("ada", "Bob Smith", "user-9"))
    assert Pseudonyms(())("ada") == "ada"


def test_users_are_found_in_logs() -> None:
    """In the forms that JupyterHub has."""
    log = (
        "[I 2026 log:192] 200 GET /hub/api/users/zoe/activity (yves@10.0.0.3) 9ms\n"
        "User logged in: xenia\nfailed login for walt\n302 GET /user/vera/lab\n"
        "[I 2026 swarmhub-page] ursula asked: drain n1; stopped: -\n[I 2026] nobody asked: what?"
    )
    assert set(users_in_log(log)) == {"zoe", "yves", "xenia", "walt", "vera", "ursula"}


def test_users_are_found_in_events() -> None:
    """Whose servers they are about, and who had a node drained without having a server."""
    told = [
        {"kind": "Notebook", "name": "ada--lab", "message": "as it asked"},
        {"kind": "Node", "name": "worker1", "message": "It is drained, as root asked: it takes"},
        {"kind": "Node", "name": "worker1", "message": "sue asked to drain it, which is not done."},
        {"kind": "Home", "name": "home-bob", "message": "as eve asked"},
    ]
    assert set(users_in_events(told)) == {"ada", "root", "sue"}
