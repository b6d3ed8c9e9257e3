"""internal_ssl: what JupyterHub signs for a start, and how it gets into the record."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from certipy import Certipy
from cryptography import x509
from swarmhub_crds import secretenv
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Store
from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.spawner import SwarmHubSpawner
from unit.spawner.conftest import MakeSpawner
from unit.spawner.fakes import FakeOperator

FILE = "/run/secrets/swarmhub-env"


@pytest.fixture
def authorities(tmp_path: Path) -> dict[str, Any]:
    """Return what JupyterHub tells its spawners of its authorities."""
    folder = tmp_path / "internal-ssl"
    made = Certipy(store_dir=str(folder)).trust_from_graph(
        {"hub-ca": ["notebooks-ca"], "notebooks-ca": ["hub-ca"]}
    )
    return {
        "internal_ssl": True,
        "internal_certs_location": str(folder),
        "internal_trust_bundles": made,
        "trusted_alt_names": ["DNS:hub"],
    }


async def certified(spawner: SwarmHubSpawner) -> None:
    """Do what the hub does before it calls `start`."""
    spawner.clear_state()
    spawner.api_token = "a-token"
    spawner.cert_paths = await spawner.move_certs(await spawner.create_certs())


def stored(store: Store, name: str) -> tuple[Notebook, dict[str, str]]:
    """Return a record and its secrets."""
    record = store.get_notebook(name)
    assert isinstance(record, Notebook)
    return record, store.secret_environment(record.metadata.uid)


def keys_left(authorities: dict[str, Any]) -> list[Path]:
    """Return the private keys of notebooks in the hub's folder."""
    return list(Path(authorities["internal_certs_location"]).glob("user-*/*.key"))


def names_in(pem: str) -> list[str]:
    """Return the DNS names of the first certificate."""
    leaf = x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERT") :].encode())
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.get_values_for_type(x509.DNSName)


async def test_a_start_gets_a_certificate_for_its_own_name(
    make_spawner: MakeSpawner,
    operator: FakeOperator,
    store: Store,
    authorities: dict[str, Any],
    tmp_path: Path,
) -> None:
    """It is good for no other name, least of all for the hub's; the key is in the secret alone."""
    spawner = make_spawner(**authorities)
    await certified(spawner)
    await spawner.start()
    record, secrets = stored(store, "ada")
    pem = secrets[secretenv.TLS]
    assert names_in(pem) == ["localhost", f"jupyter-ada---s{record.spec.certificate}"]
    file = tmp_path / "pem"
    file.write_text(pem)
    context = ssl.create_default_context(cafile=str(file))
    context.load_cert_chain(file)
    (trusted,) = context.get_ca_certs()
    assert trusted["subject"] == ((("commonName", "hub-ca"),),)
    variables = {f"JUPYTERHUB_SSL_{what}": FILE for what in ("KEYFILE", "CERTFILE", "CLIENT_CA")}
    assert variables.items() <= record.spec.environment.items()
    assert record.spec.environment["JUPYTERHUB_SERVICE_URL"].startswith("https://")
    assert "PRIVATE KEY" not in record.model_dump_json()
    assert keys_left(authorities) == []
    assert secrets["JUPYTERHUB_API_TOKEN"] == "a-token"


async def test_each_start_has_another_certificate(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store, authorities: dict[str, Any]
) -> None:
    """Two servers of one user too, whose files JupyterHub keeps in one place."""
    first, second = make_spawner(**authorities), make_spawner(server="lab", **authorities)
    await first.create_certs()
    await certified(second)
    await certified(first)
    await second.start()
    await first.start()
    own, lab = stored(store, "ada"), stored(store, "ada--lab")
    for record, secrets in (own, lab):
        alias = f"jupyter-{record.metadata.name}---s{record.spec.certificate}"
        assert names_in(secrets[secretenv.TLS])[-1] == alias
    assert own[0].spec.certificate != lab[0].spec.certificate
    await certified(first)
    await first.start()
    assert stored(store, "ada")[0].spec.certificate != own[0].spec.certificate


async def test_names_of_the_site_are_kept_and_do_not_pile_up(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store, authorities: dict[str, Any]
) -> None:
    """A hub that starts a server a hundred times signs as many names each time."""
    spawner = make_spawner(**authorities, ssl_alt_names=["DNS:extra"])
    for _ in range(2):
        await certified(spawner)
        await spawner.start()
        names = names_in(stored(store, "ada")[1][secretenv.TLS])
        assert names[:2] == ["localhost", "extra"]
        assert len(names) == 3


async def test_a_folder_that_cannot_be_used_is_told(
    make_spawner: MakeSpawner, authorities: dict[str, Any], tmp_path: Path
) -> None:
    """With the folder's name."""
    (tmp_path / "file").touch()
    lost = {**authorities, "internal_certs_location": str(tmp_path / "file" / "ssl")}
    with pytest.raises(SpawnError, match=r"cannot write a certificate .* administrator"):
        await make_spawner(**lost).create_certs()


async def test_without_internal_ssl_nothing_is_signed(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """The record is as it ever was."""
    await make_spawner().start()
    record, secrets = stored(store, "ada")
    assert record.spec.certificate == ""
    assert secretenv.TLS not in secrets
