"""Logins at registries: Docker's own file, and whose image gets which."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swarmhub_operator.engine.credentials import Credentials, CredentialsError, parse
from swarmhub_operator.engine.errors import Kind, classify_registry
from swarmhub_operator.engine.registries import registry_of

SECRET = "hunter2-and-more"


def packed(user: str = "ada", password: str = SECRET) -> dict[str, str]:
    """Return a login as `docker login` writes it."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def written(folder: Path, content: object) -> Path:
    """Write a file of logins."""
    file = folder / "config.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("python", "docker.io"),
        ("jupyter/base-notebook:1", "docker.io"),
        ("docker.io/library/python", "docker.io"),
        ("index.docker.io/library/python", "docker.io"),
        ("quay.io/jupyter/base-notebook@sha256:aa", "quay.io"),
        ("localhost/lab", "localhost"),
        ("localhost:5000/lab", "localhost:5000"),
        ("127.0.0.1:5000/lab:1", "127.0.0.1:5000"),
        ("registry/lab:1", "docker.io"),
    ],
)
def test_an_image_belongs_to_the_registry_that_docker_asks(image: str, registry: str) -> None:
    """By the rules of Docker's names."""
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("key", "image", "address"),
    [
        ("https://index.docker.io/v1/", "python", "https://index.docker.io/v1/"),
        ("docker.io", "jupyter/base", "https://index.docker.io/v1/"),
        ("quay.io", "quay.io/a/b", "quay.io"),
        ("https://quay.io/v2/", "quay.io/a/b", "quay.io"),
        ("10.0.0.1:5443", "10.0.0.1:5443/lab:1", "10.0.0.1:5443"),
    ],
)
def test_a_login_goes_with_images_of_its_registry(key: str, image: str, address: str) -> None:
    """Keys of older clients are URLs."""
    found = parse(json.dumps({"auths": {key: packed()}}))[registry_of(image)]
    assert found == {"username": "ada", "password": SECRET, "serveraddress": address}


def test_a_login_goes_to_no_other_registry(tmp_path: Path) -> None:
    """Nor to another port of the same host."""
    file = written(tmp_path, {"auths": {"10.0.0.1:5443": packed()}})
    credentials = Credentials(file)
    assert credentials.of("10.0.0.1:5443") is not None
    for other in ("10.0.0.1", "10.0.0.1:5000", "docker.io", "evil.example", ""):
        assert credentials.of(other) is None
    assert Credentials().of("docker.io") is None


def test_tokens_are_handed_on() -> None:
    """As the engine names them."""
    entry = {"auth": "", "identitytoken": SECRET}
    assert parse(json.dumps({"auths": {"r.example": entry}})) == {
        "r.example": {"serveraddress": "r.example", "identitytoken": SECRET}
    }


@given(
    st.text(st.characters(codec="utf-8", exclude_characters=":\0"), min_size=1), st.text(min_size=1)
)
def test_what_docker_packs_is_unpacked(user: str, password: str) -> None:
    """A password may hold colons."""
    try:
        entry = packed(user, password)
    except UnicodeEncodeError:
        return
    if password.rstrip("\0") != password:
        return
    found = parse(json.dumps({"auths": {"r.example": entry}}))["r.example"]
    assert (found["username"], found["password"]) == (user, password)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"credsStore": "desktop", "auths": {"r.example": {}}}, "kept by a helper program"),
        ({"credHelpers": {"r.example": "ecr-login"}}, "kept by a helper program"),
        ({"auths": {"r.example": {}}}, "docker login r.example"),
        ({"auths": {"r.example": {"auth": f"{SECRET}!"}}}, "docker login r.example"),
        ({"auths": {"r.example": {"auth": [SECRET]}}}, "auths.r.example.auth is wrong"),
        ({"auths": [SECRET]}, "auths is wrong"),
        (f"{SECRET}", "in the form of Docker's config.json"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_told(
    tmp_path: Path, content: object, said: str
) -> None:
    """One sentence, without anything of the login."""
    with pytest.raises(CredentialsError, match=said) as caught:
        Credentials(written(tmp_path, content)).read()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_rotated_login_is_read_anew(tmp_path: Path) -> None:
    """One that cannot be read leaves the last one in use."""
    credentials = Credentials(written(tmp_path, {"auths": {"r.example": packed()}}))
    assert (credentials.of("r.example") or {})["password"] == SECRET
    written(tmp_path, {"auths": {"r.example": packed(password="a newer one")}})
    assert (credentials.of("r.example") or {})["password"] == "a newer one"
    written(tmp_path, "{")
    assert (credentials.of("r.example") or {})["password"] == "a newer one"


@pytest.mark.parametrize(
    ("status", "detail", "kind"),
    [
        (401, "unauthorized: authentication required", Kind.REFUSED),
        (500, 'Head "http://r/v2/lab/manifests/1": no basic auth credentials', Kind.REFUSED),
        (403, "pull access denied for lab, repository does not exist", Kind.REFUSED),
        (404, "manifest unknown: manifest unknown", Kind.GONE),
        (500, "errors: manifest unknown", Kind.GONE),
        (500, "dial tcp 127.0.0.1:5000: connect: connection refused", Kind.UNAVAILABLE),
        (None, "The engine did not answer in 5 s; trying again.", Kind.UNAVAILABLE),
    ],
)
def test_what_a_registry_says_has_a_meaning(status: int | None, detail: str, kind: Kind) -> None:
    """And a sentence with the next step."""
    error = classify_registry(status, detail, "r/lab:1", "r", logged_in=False)
    assert error.kind is kind
    assert "r/lab:1" in error.sentence
    assert error.sentence.endswith(".")
