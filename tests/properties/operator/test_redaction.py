"""No secret leaves in a bug report, whatever it is and wherever it stands."""

from __future__ import annotations

import io
import json
import string
import tarfile
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from swarmhub_operator.cli.bugreport.anonymity import Pseudonyms
from swarmhub_operator.cli.bugreport.archive import Part, pack
from swarmhub_operator.cli.bugreport.redaction import Redactor, named_secrets

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANY = st.text(st.characters(codec="utf-8"), min_size=4, max_size=30)
WORDS = st.text(string.ascii_letters + string.digits + "-_+/=.", min_size=4, max_size=40)
SECRETS = st.one_of(ANY, WORDS).filter(
    lambda s: s.lower() not in ("true", "false", "none", "null", "auto", "default")
)
NAMES = st.sampled_from(["API_TOKEN", "x_secret", "MY_PASSWORD", "apiKey", "GIT_CREDENTIALS"])


def _strings(content: Any) -> list[str]:
    if isinstance(content, dict):
        return [text for k, v in content.items() for text in (*_strings(k), *_strings(v))]
    if isinstance(content, list):
        return [text for inner in content for text in _strings(inner)]
    return [content if isinstance(content, str) else json.dumps(content)]


@st.composite
def documents(draw: st.DrawFn) -> tuple[list[str], Any]:
    """Return secrets, and JSON values in which they stand in all kinds of places."""
    secrets = draw(st.lists(SECRETS, min_size=1, max_size=4))
    some = st.sampled_from(secrets)
    around = st.text(max_size=8)
    text = st.one_of(st.builds("{}{}{}".format, around, some, around), around)
    keys = st.one_of(text, st.sampled_from(["Env", "environment", "name", "apiToken", "message"]))
    leaves = st.one_of(text, st.integers(), st.booleans(), st.none())
    content = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(keys, inner, max_size=3),
            st.builds(lambda t: {"Env": [f"PLAIN={t}"]}, text),
        ),
        max_leaves=12,
    )
    return secrets, draw(content)


@FEW
@given(documents())
def test_no_known_secret_is_in_a_document(drawn: tuple[list[str], Any]) -> None:
    """In no key and no value, neither of documents nor of what the engine lists."""
    secrets, content = drawn
    redactor = Redactor(secrets)
    for clean in (redactor.document(content), redactor.engine(content)):
        for text in _strings(clean):
            assert not any(secret in text for secret in secrets)
    json.dumps(redactor.document(content))


@FEW
@given(st.lists(SECRETS, min_size=1, max_size=4), st.data())
def test_no_known_secret_is_in_a_text(secrets: list[str], data: st.DataObject) -> None:
    """However they stand beside and within each other."""
    pieces = data.draw(st.lists(st.one_of(st.sampled_from(secrets), st.text(max_size=6))))
    clean = Redactor(secrets).text("".join(pieces))
    assert not any(secret in clean for secret in secrets)


@FEW
@given(NAMES, SECRETS, st.lists(st.text(max_size=10), max_size=3))
def test_what_a_variable_of_such_a_name_holds_is_nowhere(
    name: str, secret: str, texts: list[str]
) -> None:
    """Neither in the variable itself, in both of its forms, nor in what else was said."""
    content = {
        "first": {"environment": {name: secret, "PLAIN": f"x {secret}"}},
        "second": {"Env": [f"{name}={secret}"]},
        "said": [*texts, f"about {secret}.", secret],
    }
    clean = Redactor(named_secrets(content)).document(content)
    assert not any(secret in text for text in _strings(clean))


@FEW
@given(WORDS.filter(lambda w: len(w) >= 8), st.sampled_from(
    ["https://ada:{}@host/x", "API_TOKEN={}", '"password": "{}"', "?access_token={}&b=c",
     "Authorization: Bearer {}", "my_secret: {}", "{{'apiKey': '{}'}}"]
))  # fmt: skip
def test_what_is_introduced_as_a_secret_is_hidden(word: str, form: str) -> None:
    """Though it is not known."""
    if form.startswith("https") and "/" in word:
        return  # no such password is in a URL
    text = f"before {form.format(word)} after"
    clean = Redactor(()).text(text)
    assert word not in clean
    assert clean.startswith("before")
    assert clean.endswith("after")


@FEW
@given(documents())
def test_an_archive_holds_none(drawn: tuple[list[str], Any]) -> None:
    """As bytes, also where a text looks like JSON's own."""
    secrets, content = drawn
    parts = (
        Part("a.json", "one", content),
        Part("b.txt", "another", "".join(_strings(content))),
        Part("c.json", "engine's", content, by_engine=True),
        Part("d.json", "missing", missing=f"no: {secrets[0]}"),
    )
    packed = pack(parts, Redactor(secrets), name="r", now=NOW, about={})
    with tarfile.open(fileobj=io.BytesIO(packed.content)) as archive:
        members = [m.name for m in archive]
        texts = {m.name: archive.extractfile(m).read().decode() for m in archive}  # type: ignore[union-attr]
    assert members[0] == "r/manifest.json"
    for name, text in texts.items():
        if name != "r/manifest.json":
            assert not any(secret in text for secret in secrets)
    taken = {f"r/{p['file']}" for p in packed.manifest["parts"] if p["taken"]}
    assert taken == set(members[1:])
    assert not any(s in packed.manifest["parts"][3]["reason"] for s in secrets)


# What logs call nobody stays: as the name of a user it would tell nothing.
NAMES_OF_USERS = st.text(string.ascii_letters + "-. @", min_size=1, max_size=12).filter(
    lambda name: name not in ("None", "unknown")
)


@FEW
@example(["ada", "Ada", "X"])
@given(st.lists(NAMES_OF_USERS, max_size=5))
def test_no_user_keeps_their_name(users: list[str]) -> None:
    """Each has one other name, that no other user has or had."""
    names = Pseudonyms(users)
    told = {user: names(user) for user in users}
    assert len(set(told.values())) == len(set(users))
    assert not set(told.values()) & set(users)
    for user in users:
        assert names(f"0/{user}/0") == f"0/{told[user]}/0"
