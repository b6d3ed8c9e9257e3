"""Whatever the hub calls its users and servers, the engine gets legal and different names."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from swarmhub_crds.names import (
    NAME_MAX,
    is_record_name,
    network_alias,
    notebook_name,
    secret_name,
    service_name,
    slug,
)
from swarmhub_crds.sqlstore.codec import is_volume_name

SERVICE = re.compile(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*")
SECRET = re.compile(r"[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")

# Small alphabets make near-collisions likely; full text makes surprises possible.
texts = st.one_of(
    st.text(max_size=250),
    st.text(alphabet="ab-", max_size=8),
    st.text(alphabet="aAéÉ@._- /", max_size=8),
    st.from_regex(r"[ab]{1,3}---[0-9a-f]{16}", fullmatch=True),
)
prefixes = st.from_regex(SERVICE, fullmatch=True).filter(lambda text: len(text) <= 63)
digests = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)


@given(user=texts, server=texts)
def test_record_names_are_short_and_legal(user: str, server: str) -> None:
    """As record name, as volume name, and as a DNS label of its own."""
    for name in (slug(user), notebook_name(user, server)):
        assert len(name) <= NAME_MAX
        assert is_record_name(name)
        assert is_volume_name(f"home-{name}")
        assert LABEL.fullmatch(name)


@given(user=texts, server=texts, prefix=prefixes, digest=digests, start=st.integers(1, 2**63 - 1))
def test_engine_names_are_legal(
    user: str, server: str, prefix: str, digest: str, start: int
) -> None:
    """The engine takes every service, secret and alias name that can come about."""
    name = notebook_name(user, server)
    service = service_name(name, prefix)
    secret = secret_name(name, digest, prefix)
    alias = network_alias(name, start, prefix)
    assert SERVICE.fullmatch(service)
    assert len(service) <= 63
    assert SECRET.fullmatch(secret)
    assert len(secret) <= 64
    assert secret.endswith(digest[:12])
    assert LABEL.fullmatch(alias)
    assert len(alias) <= 63


@given(one=st.tuples(texts, texts), other=st.tuples(texts, texts))
def test_different_notebooks_have_different_names(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    """Names are equal exactly if user and server are."""
    assert (notebook_name(*one) == notebook_name(*other)) == (one == other)
    assert (slug(one[0]) == slug(other[0])) == (one[0] == other[0])


@given(one=texts, other=texts, prefix=prefixes)
def test_different_records_have_different_services(one: str, other: str, prefix: str) -> None:
    """Also where a long prefix leaves little room."""
    names = notebook_name(one), notebook_name(other)
    services = {service_name(name, prefix) for name in names}
    assert len(services) == len(set(names))


@given(text=texts)
def test_a_slug_is_its_own_slug_unless_hashed(text: str) -> None:
    """Legal text stays as it is; a hashed name is not taken for legal text."""
    assert (slug(slug(text)) == slug(text)) == ("---" not in slug(text))
