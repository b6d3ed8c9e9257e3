"""The page at /services/swarmhub/ behind a real hub: logins, scopes, forgery, orders, changes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from swarmhub_crds.notebook import Desired, Notebook
from unit.spawner.fleet import Site, many, notebook, site, xsrf_of
from unit.spawner.hubprocess import TOKEN

PLACE = "/services/swarmhub/"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give a hub with the page and 2,000 servers."""
    with site(tmp_path_factory.mktemp("hub"), many(2000)) as made:
        yield made


def desired(place: Site, name: str) -> Desired:
    """Return whether a server is to run."""
    record = place.fleet.store.get_notebook(name)
    assert isinstance(record, Notebook)
    return record.spec.desired


def shows(person: httpx.Client, path: str, text: str) -> bool:
    """Whether a page comes to say something soon."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if text in person.get(PLACE + path).text:
            return True
        time.sleep(0.1)
    return False


def test_who_is_not_logged_in_is_sent_to_the_login(place: Site) -> None:
    """And gets no stream and no orders."""
    with httpx.Client(base_url=place.url) as stranger:
        answer = stranger.get(PLACE)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/hub/api/oauth2/authorize?")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert stranger.get(f"{PLACE}live/servers").status_code == 403
        assert stranger.post(f"{PLACE}servers/ada/stop").status_code == 403
        assert stranger.get(f"{PLACE}static/../handlers.py").status_code == 404
        known = stranger.get(PLACE, headers={"Authorization": f"token {TOKEN}"})
        assert (known.status_code, known.text) == (403, "You may not do that.")


def test_a_user_sees_their_own(place: Site) -> None:
    """Their servers, homes and events, and why something waits; nothing of others."""
    place.fleet.tell("bob", "Ready", "It answers.")
    with place.person("ada") as ada:
        page = ada.get(PLACE).text
        assert "1 server." in page
        assert "student" not in page
        assert 'href="/services/swarmhub/nodes"' not in page
        for path in ("nodes", "plots", "servers/bob", "servers/bob/stop", "servers/none"):
            answer = ada.get(PLACE + path)
            assert answer.status_code == 404, path
            assert "There is no such page, or it is not for you." in answer.text
        assert "home-bob" not in ada.get(f"{PLACE}homes").text
        assert "It answers." not in ada.get(f"{PLACE}events").text


def test_a_group_is_seen_by_its_tutor(place: Site) -> None:
    """As the scopes of a role say, who may not stop what they see."""
    with place.person("tess") as tess:
        page = tess.get(PLACE).text
        assert "1,998 servers; page 1 of 40." in page
        assert "/stop" not in page
        assert tess.get(f"{PLACE}servers/student-0000/stop").status_code == 403
        xsrf = xsrf_of(tess.get(PLACE).text)
        forged = tess.post(f"{PLACE}servers/student-0000/stop", data={"_xsrf": xsrf})
        assert forged.status_code == 403
    assert desired(place, "student-0000") is Desired.RUNNING


def test_stop_and_restart(place: Site) -> None:
    """Of one's own: written into the record, as the command does it; not by a forged request."""
    with place.person("ada") as ada:
        question = ada.get(f"{PLACE}servers/ada/restart").text
        assert "<h1>Restart ada?</h1>" in question
        form = {"_xsrf": xsrf_of(question)}
        for wrong in ({}, {"_xsrf": "x"}):
            assert ada.post(f"{PLACE}servers/ada/restart", data=wrong).status_code == 403
        assert ada.post(f"{PLACE}servers/bob/stop", data=form).status_code == 404
        assert ada.post(f"{PLACE}servers/none/stop", data=form).status_code == 404
        answer = ada.post(f"{PLACE}servers/ada/restart", data=form)
        assert str(answer.url).endswith("servers/ada?done=restart")
        assert "The server is restarted." in answer.text
        record = place.fleet.store.get_notebook("ada")
        assert isinstance(record, Notebook)
        assert record.metadata.restart_of == "task-ada"
        assert ada.post(f"{PLACE}servers/ada/stop", data=form).is_success
        assert desired(place, "ada") is Desired.STOPPED
        again = ada.post(f"{PLACE}servers/ada/stop", data=form)
        assert again.status_code == 409
        assert "This server is stopped already." in again.text
    assert desired(place, "bob") is Desired.RUNNING


def test_rights_are_asked_anew_before_anything_changes(place: Site) -> None:
    """Who could stop every server a moment ago stops none any more."""
    with place.person("will") as will:
        question = will.get(f"{PLACE}servers/student-0001/stop")
        form = {"_xsrf": xsrf_of(question.text)}
        gone = place.hub.api.request("DELETE", "/groups/wardens/users", json={"users": ["will"]})
        assert gone.is_success, gone.text
        assert will.get(f"{PLACE}servers/student-0001/stop").is_success, "what is seen may lag"
        answer = will.post(f"{PLACE}servers/student-0001/stop", data=form)
    assert answer.status_code == 404
    assert desired(place, "student-0001") is Desired.RUNNING


def test_changes_come_by_themselves(place: Site) -> None:
    """As server-sent events, of what the one who listens may see, and asked for."""
    with place.person("root") as root:
        page = root.get(f"{PLACE}?q=late").text
        assert "0 of 2,000 servers." in page
        arguments = {"q": "late", "_xsrf": xsrf_of(page)}
        began = time.monotonic()
        with root.stream("GET", f"{PLACE}live/servers", params=arguments,
                         headers={"Sec-Fetch-Mode": "cors"}) as stream:  # fmt: skip
            assert stream.headers["content-type"].startswith("text/event-stream")
            parts = (json.loads(line[6:]) for line in stream.iter_lines() if line[:6] == "data: ")
            assert "No server is like that." in next(parts)
            place.fleet.put([notebook("late")])
            assert 'id="row-late"' in next(parts)
        assert time.monotonic() - began < 10
        without = root.get(f"{PLACE}live/servers", headers={"Sec-Fetch-Mode": "cors"})
        assert without.status_code == 403


def test_nodes_events_and_plots(place: Site) -> None:
    """Of the whole fleet, quickly; and how a node is drained by the command."""
    place.fleet.tell("bob", "Failed", "It did not answer.", warning=True)
    with place.person("root") as root:
        assert "swarmhub drain NODE" in root.get(f"{PLACE}nodes").text
        assert shows(root, "events", "It did not answer.")
        assert "Last six hours: " in root.get(f"{PLACE}plots").text
        began = time.monotonic()
        for number in range(20):
            assert root.get(PLACE, params={"q": f"student-{number}"}).is_success
        assert time.monotonic() - began < 10, "a page of 2,000 servers takes its time"


def test_the_hub_links_to_it(place: Site) -> None:
    """In its navigation, for everybody who may see it."""
    with place.person("ada") as ada:
        assert 'href="/services/swarmhub/"' in ada.get("/hub/home").text


def test_an_open_page_outlives_a_restart_of_the_hub(place: Site) -> None:
    """Its login, its token against forgery and its stream are good for the new process, too."""
    with place.person("ada") as ada:
        arguments = {"_xsrf": xsrf_of(ada.get(PLACE).text)}
        place.hub.stop()
        place.hub.start()
        deadline = time.monotonic() + 60
        status = 0
        while status != 200:
            assert time.monotonic() < deadline, place.hub.log()[-3000:]
            with (
                suppress(httpx.TransportError),
                ada.stream(
                    "GET",
                    f"{PLACE}live/servers",
                    params=arguments,
                    headers={"Sec-Fetch-Mode": "cors"},
                ) as stream,
            ):
                status = stream.status_code
            time.sleep(0.1)
    assert "Cannot send error response" not in place.hub.log()
