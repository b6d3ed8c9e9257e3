"""Names: golden values that must never change, and the texts that try to share one."""

from __future__ import annotations

import itertools
import re
import unicodedata

import pytest
from swarmhub_crds.names import (
    certified_alias,
    is_certified,
    is_record_name,
    network_alias,
    notebook_name,
    secret_name,
    service_name,
    slug,
)

DIGEST = "0123456789abcdef" * 4

TRICKY = [
    "ada",
    "Ada",
    "ADA",
    "a-b",
    "a--b",
    "a---b",
    "a",
    "b",
    "-a",
    "a-",
    "ada@example.org",
    "ada.example.org",
    "ada-example-org",
    "ada_example_org",
    "../../etc",
    "etc",
    "/",
    "",
    " ",
    "\n",
    "x" * 40,
    "x" * 41,
    "x" * 200,
    "x" * 199 + "y",
    "é",
    unicodedata.normalize("NFD", "é"),
    "e",
    "ｅ",  # noqa: RUF001 - a full-width e, which folds to the plain one
    "日本",
    "日本語",
    "ада",
    "\ud800",
    "\x00",
    "İ",
    "i",
    "ß",
    "ss",
    slug("Ada"),
    slug("a--b"),
    notebook_name("a", "B"),
    notebook_name("Ada"),
    "a-g5",
    "a--g5",
    "a---g5",
    "ada---0123456789abcdef",
]


def test_safe_names_are_kept() -> None:
    """What is legal already is not touched, so that people find their services."""
    assert slug("ada") == "ada"
    assert slug("team-7-ada") == "team-7-ada"
    assert slug("x" * 40) == "x" * 40
    assert notebook_name("ada") == "ada"
    assert notebook_name("ada", "gpu") == "ada--gpu"
    assert service_name("ada--gpu") == "jupyter-ada--gpu"
    assert secret_name("ada", DIGEST) == "jupyter-ada-0123456789ab"
    assert network_alias("ada", 3) == "jupyter-ada---g3"
    assert certified_alias("ada", "0123456789ab") == "jupyter-ada---s0123456789ab"


@pytest.mark.parametrize(
    ("user", "server", "name"),
    [
        ("Ada", "", "ada---f11695d4472e09f1"),
        ("ada@example.org", "", "ada-example-org---8474ec37f2a1e8ab"),
        ("../../etc", "", "etc---05dd630bb492e2f6"),
        ("日本", "", "x---8af394c1d356baa5"),
        ("Ada", "GPU 1", "ada-gpu-1---256696015927f582"),
        ("a--b", "", "a-b---e8c54c9fee9d3163"),
        ("x" * 200, "", "xxxxxxxxxxxxxxxxxxxxx---0ebbf770f0d0cf61"),
    ],
)
def test_names_never_change(user: str, server: str, name: str) -> None:
    """A later version must find the services, secrets and homes of an earlier one."""
    assert notebook_name(user, server) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada", "ada---99a563ab2f6e21e9"),
        ("ada@example.org", "ada-example-org---cfe00dde46ef9426"),
        ("日本", "x---cf2abf0c5be326cb"),
        ("", "x---e3b0c44298fc1c14"),
    ],
)
def test_slugs_never_change(text: str, name: str) -> None:
    """Volumes are named by them."""
    assert slug(text) == name


def test_tricky_users_never_share_a_name() -> None:
    """Not by case, Unicode form, punctuation, length or by imitating a hashed name."""
    assert len({slug(text) for text in TRICKY}) == len(TRICKY)
    assert len({notebook_name(text) for text in TRICKY}) == len(TRICKY)


def test_tricky_users_and_servers_never_share_a_name() -> None:
    """('a--b', '') and ('a', 'b') are two notebooks, and so are all other pairs."""
    pairs = list(itertools.product(TRICKY, TRICKY))
    assert len({notebook_name(*pair) for pair in pairs}) == len(pairs)


def test_no_service_answers_at_another_ones_alias() -> None:
    """A server named 'g1' must not receive what is meant for a notebook's first start."""
    names = [notebook_name(*pair) for pair in itertools.product(TRICKY, TRICKY)]
    aliases = {network_alias(name, generation) for name in names for generation in (1, 5, 11)}
    assert len(aliases) == 3 * len(names)
    ids = ("0123456789ab", "000000000000")
    certified = {certified_alias(name, ident) for name in names for ident in ids}
    assert len(certified) == 2 * len(names)
    assert not (aliases | certified) & {service_name(name) for name in names}
    assert all(map(is_certified, certified))
    assert not any(map(is_certified, aliases | {service_name(name) for name in names}))


def test_every_name_is_a_record_name() -> None:
    """The store refuses others, so that none can be smuggled past these functions."""
    for pair in itertools.product(TRICKY, TRICKY):
        assert is_record_name(notebook_name(*pair))
    for text in ("", "A", "a---b", "a---g5", "-a", "a-", "a\n", "../../etc", "é", "x" * 41):
        assert not is_record_name(text)


def test_long_prefixes_are_shortened_not_cut_together() -> None:
    """Two notebooks keep different names however long the prefix is."""
    names = [service_name(name, "p" * 63) for name in ("ada", "bob", "x" * 40)]
    assert len(set(names)) == 3
    assert all(len(name) <= 63 for name in names)


@pytest.mark.parametrize("prefix", ["", "-a", "a-", "a b", "é", "a.b", "a\n"])
def test_a_bad_prefix_is_refused(prefix: str) -> None:
    """The sentence says what a prefix may hold."""
    with pytest.raises(ValueError, match="use letters, digits and inner hyphens"):
        service_name("ada", prefix)
    with pytest.raises(ValueError, match="use letters"):
        secret_name("ada", DIGEST, prefix)
    with pytest.raises(ValueError, match="use letters"):
        network_alias("ada", 1, prefix)


@pytest.mark.parametrize("digest", ["", "abc", "X" * 64, DIGEST.upper()])
def test_a_secret_needs_a_digest(digest: str) -> None:
    """A secret is immutable, so its name must tell its content."""
    with pytest.raises(ValueError, match="pass a SHA-256"):
        secret_name("ada", digest)


def test_aliases_are_dns_labels() -> None:
    """Also under a prefix that only the engine accepts."""
    label = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
    for prefix in ("jupyter", "My_Hub", "p" * 63):
        for generation in (1, 10**12):
            assert label.fullmatch(network_alias("x" * 40, generation, prefix))
        assert label.fullmatch(certified_alias("x" * 40, "0123456789ab", prefix))
