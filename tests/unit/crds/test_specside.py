"""The spec side: applying, desiring, deleting."""

from __future__ import annotations

import pytest
from swarmhub_crds import secretenv
from swarmhub_crds.errors import Conflict, HomeTaken, NotFound
from swarmhub_crds.home import HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.notebook import Desired, Mount, NotebookStatus, Phase
from swarmhub_crds.sqlstore.read import AT_ONCE
from swarmhub_crds.store import Store
from unit.crds.samples import is_home, is_notebook, notebook_spec


def test_apply_creates_a_record(store: Store) -> None:
    """A first apply makes record, home and secrets in one go."""
    secrets = {"JUPYTERHUB_API_TOKEN": "t0ken"}
    notebook = store.apply_notebook(
        notebook_spec(), homes={"home-ada": HomeSpec(user="ada")}, secrets=secrets
    )
    assert (notebook.metadata.name, notebook.metadata.generation) == ("ada", 1)
    assert notebook.metadata.resource_version == store.revision()
    assert notebook.spec == notebook_spec(secret_digest=secretenv.digest(secrets))
    assert notebook.status == NotebookStatus()
    assert store.get_notebook("ada") == notebook
    assert store.secret_environment(notebook.metadata.uid) == secrets
    assert is_home(store.get_home("home-ada")).spec == HomeSpec(user="ada")


def test_apply_again_replaces_spec_and_secrets(store: Store, fence: int) -> None:
    """A second apply keeps uid, creation time and status, and raises the generation."""
    first = store.apply_notebook(notebook_spec(), secrets={"A": "1"})
    running = NotebookStatus(observed_generation=1, phase=Phase.RUNNING)
    meta = first.metadata
    store.put_notebook_status("ada", meta.uid, meta.resource_version, running, fence=fence)
    second = store.apply_notebook(notebook_spec(image="notebook:2"))
    assert second.metadata.uid == meta.uid
    assert second.metadata.created_at == meta.created_at
    assert second.metadata.generation == 2
    assert second.metadata.resource_version > meta.resource_version
    assert second.spec == notebook_spec(image="notebook:2")
    assert second.status == running
    assert store.secret_environment(meta.uid) == {}


def test_same_spec_still_raises_the_generation(store: Store) -> None:
    """Every apply is a start of its own."""
    generations = [store.apply_notebook(notebook_spec()).metadata.generation for _ in range(3)]
    assert generations == [1, 2, 3]


def test_names_come_from_user_and_server(store: Store) -> None:
    """The record is named after both, unless a name is given."""
    assert store.apply_notebook(notebook_spec(server="gpu")).metadata.name == "ada--gpu"
    assert store.apply_notebook(notebook_spec(), name="other").metadata.name == "other"
    with pytest.raises(ValueError, match="is no name for a notebook"):
        store.apply_notebook(notebook_spec(), name="../../etc")
    with pytest.raises(ValueError, match="is no name for a home"):
        store.apply_notebook(notebook_spec("bob"), homes={"/etc": HomeSpec(user="bob")})
    assert [is_notebook(n).metadata.name for n in store.list_notebooks()] == ["ada--gpu", "other"]


def test_a_home_is_never_given_to_another_user(store: Store) -> None:
    """Nothing at all is written when a home belongs to somebody else."""
    store.apply_notebook(notebook_spec(), homes={"shared": HomeSpec(user="ada")})
    before = store.revision()
    homes = {"new": HomeSpec(user="bob"), "shared": HomeSpec(user="bob")}
    with pytest.raises(HomeTaken, match="is the home of user 'ada'; choose another"):
        store.apply_notebook(notebook_spec("bob"), homes=homes)
    assert store.revision() == before
    assert store.get_home("new") is None
    assert store.get_notebook("bob") is None


def test_a_home_in_use_is_written_only_when_it_changes(store: Store) -> None:
    """Each start names the home; that alone is no change of it."""
    versions = []
    for driver in ("local", "local", "nfs"):
        home = HomeSpec(user="ada", driver=driver)
        store.apply_notebook(notebook_spec(), homes={"home": home})
        versions.append(is_home(store.get_home("home")).metadata.generation)
    assert versions == [1, 1, 2]


def test_a_released_home_is_taken_into_use_again(store: Store, fence: int) -> None:
    """Its raised generation tells the operator so; the status is the operator's to change."""
    store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    meta = is_home(store.get_home("home")).metadata
    released = HomeStatus(observed_generation=1, phase=HomePhase.RELEASED)
    store.put_home_status("home", meta.uid, meta.resource_version, released, fence=fence)
    store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    home = is_home(store.get_home("home"))
    assert (home.metadata.uid, home.metadata.generation) == (meta.uid, 2)
    assert home.status == released


def test_a_home_that_is_being_deleted_is_mounted_by_nobody(store: Store, fence: int) -> None:
    """Its volume is known by name alone: it would go together with what was put in anew."""
    store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    old = is_home(store.get_home("home")).metadata
    deleting = HomeStatus(phase=HomePhase.DELETING)
    written = is_home(
        store.put_home_status("home", old.uid, old.resource_version, deleting, fence=fence)
    )
    before = store.revision()
    mounting = notebook_spec("bob", mounts=(Mount(volume="home", target="/data"),))
    for spec, homes in ((notebook_spec(), {"home": HomeSpec(user="ada")}), (mounting, {})):
        with pytest.raises(Conflict, match="is being deleted; try again in a moment"):
            store.apply_notebook(spec, homes=homes)
    assert store.revision() == before
    version = written.metadata.resource_version
    store.remove_home("home", old.uid, version, fence=fence)
    store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    store.apply_notebook(mounting)
    assert is_home(store.get_home("home")).metadata.uid != old.uid


def test_desired_changes_once(store: Store) -> None:
    """Saying the same again writes nothing; the secrets stay."""
    uid = store.apply_notebook(notebook_spec(), secrets={"A": "1"}).metadata.uid
    started = store.set_desired("ada", Desired.RUNNING)
    assert (started.spec.desired, started.metadata.generation) == (Desired.RUNNING, 2)
    before = store.revision()
    assert store.set_desired("ada", Desired.RUNNING) == started
    assert store.revision() == before
    assert store.secret_environment(uid) == {"A": "1"}
    with pytest.raises(NotFound, match="swarmhub get notebooks"):
        store.set_desired("bob", Desired.RUNNING)


def test_deletion_is_a_mark_that_the_operator_ends(store: Store, fence: int) -> None:
    """Until the operator has removed the record no new spec is taken for its name."""
    assert store.request_deletion("ada") is None
    old = store.apply_notebook(notebook_spec(desired=Desired.RUNNING), secrets={"A": "1"})
    marked = is_notebook(store.request_deletion("ada"))
    assert marked.metadata.deletion_requested_at is not None
    assert (marked.spec.desired, marked.metadata.generation) == (Desired.STOPPED, 2)
    assert store.request_deletion("ada") == marked
    with pytest.raises(Conflict, match="is being deleted; try again in a moment"):
        store.apply_notebook(notebook_spec())
    with pytest.raises(Conflict, match="is being deleted; try again in a moment"):
        store.set_desired("ada", Desired.RUNNING)
    store.remove_notebook("ada", old.metadata.uid, marked.metadata.resource_version, fence=fence)
    assert store.get_notebook("ada") is None
    assert store.secret_environment(old.metadata.uid) == {}
    new = store.apply_notebook(notebook_spec())
    assert new.metadata.uid != old.metadata.uid
    assert (new.metadata.generation, new.metadata.deletion_requested_at) == (1, None)


def test_some_are_read_by_name_however_many(store: Store) -> None:
    """What is not there is left out; more names than one query takes are asked for in parts."""
    for user in ("ada", "bob", "cyd"):
        store.apply_notebook(notebook_spec(user))
    names = {"ada", "cyd", *(f"nobody{number}" for number in range(2 * AT_ONCE))}
    found = store.get_notebooks(names)
    assert found == {name: store.get_notebook(name) for name in ("ada", "cyd")}
    assert store.get_notebooks(()) == {}
