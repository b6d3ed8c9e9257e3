"""What the page shows of records: rights, rows, filters, plots; and that text stays text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from swarmhub_crds.event import Concerned, Event
from swarmhub_crds.node import NodeOrder, NodeVerb, SeenNode
from swarmhub_crds.notebook import Desired, Notebook, NotebookStatus, Phase
from swarmhub_crds.readable import span
from swarmhub_crds.store import Broken
from swarmhub_spawner.page import nodeorders, plots
from swarmhub_spawner.page.history import BUCKETS, Bucket, History
from swarmhub_spawner.page.rendering import TITLES, Renderer
from swarmhub_spawner.page.rights import Rights
from swarmhub_spawner.page.rows import NodeRow, home_row, node_rows, server_row
from swarmhub_spawner.page.views import Query, Snapshot, View, may
from swarmhub_spawner.page.words import size
from unit.spawner.fleet import ROOM, home_of, many, notebook

NOW = datetime.now(UTC)
ADMIN = Rights("root", frozenset({"read:servers", "delete:servers", "admin:servers"}))
ADA = Rights("ada", frozenset({"read:servers!user=ada", "delete:servers!user=ada"}))
TUTOR = Rights("tess", frozenset({"read:servers!group=class", "delete:servers!user=tess"}))
NOBODY = Rights("", frozenset())


def snapshot(records: list[Notebook], **more: Any) -> Snapshot:
    """Return what is known of some records and their homes."""
    homes = [home_of(record) for record in records]
    given = {
        "servers": tuple(server_row(record, NOW, NOW) for record in records),
        "homes": tuple(map(home_row, homes)),
        "operator_seen_at": NOW,
        "buckets": History().buckets(NOW),
        "since": NOW,
        **more,
    }
    return Snapshot(1, NOW, **given)


@pytest.mark.parametrize(
    ("rights", "seen", "stopped"),
    [(ADMIN, 3, 3), (ADA, 1, 1), (TUTOR, 1, 0), (NOBODY, 0, 0),
     (Rights("eve", frozenset({"read:servers!server=bob/lab"})), 1, 0)],
)  # fmt: skip
def test_rights(rights: Rights, seen: int, stopped: int) -> None:
    """Each sees and stops what the hub's API would let them."""
    records = [notebook("ada"), notebook("bob", "lab"), notebook("cleo", groups=("class",))]
    view = View(snapshot(records), rights)
    assert len(view.servers) == len(view.homes) == seen
    assert sum(may(row, rights)["stop"] for row in view.servers) == stopped
    assert sum(may(row, rights)["restart"] for row in view.servers) == stopped


def test_a_record_that_cannot_be_read_is_nobodys() -> None:
    """Administrators see that it is there; nobody stops it here."""
    broken = Broken("Notebook", "ada", None, "It cannot be read.", None, None, None)
    shot = Snapshot(1, NOW, servers=(server_row(broken, NOW, NOW),))
    (row,) = View(shot, ADMIN).servers
    assert (row.phase, row.message) == ("Invalid", "It cannot be read.")
    assert may(row, ADMIN) == {"stop": False, "restart": False}
    assert View(shot, Rights("", frozenset({"read:servers!user="}))).servers == ()


def test_why_a_server_is_not_there() -> None:
    """In the operator's words; in ours while it has said nothing."""

    def why(record: Notebook, seen: datetime | None = NOW) -> str:
        return server_row(record, NOW, seen).message

    assert why(notebook("ada", phase=Phase.PENDING)) == ROOM
    unseen = notebook("ada").model_copy(update={"status": NotebookStatus()})
    assert why(unseen) == "The request is written down; waiting for the operator."
    assert "no operator has ever run" in why(unseen, None)
    stopping = unseen.spec.model_copy(update={"desired": Desired.STOPPED})
    assert why(unseen.model_copy(update={"spec": stopping})).startswith("It is to stop;")


def test_a_list() -> None:
    """Trouble first, filtered by words and phase, fifty on a page, never beyond the last."""
    view = View(snapshot(many(2000)), ADMIN)
    first = view.list_servers(Query())
    assert first.summary == "2,000 servers; page 1 of 40."
    assert {row.phase for row in first.rows[:40]} == {"Failed", "BackOff"}
    assert {row.phase for row in first.rows[40:]} == {"Pending", "Starting"}
    assert first.chips == {
        "Pending": 20, "Starting": 20, "Running": 1900, "BackOff": 20, "Failed": 20, "Stopped": 20,
    }  # fmt: skip
    asked = Query.of(" Student WORKER-1 ", "Running", "999")
    found = view.list_servers(asked)
    assert found.page == found.pages
    assert all(row.node == "worker-1" for row in found.rows)
    assert view.list_servers(Query("nowhere-to-be-found")).summary == "0 of 2,000 servers."
    assert asked.arguments(page=2) == {"q": "Student WORKER-1", "phase": "Running", "page": "2"}
    assert Query.of("", "", "-1").page == Query.of("", "", "²").page == 1


def test_notices() -> None:
    """A silent operator is told to all, a node that is down to who sees the nodes."""
    node = SeenNode(id="n1", hostname="worker-1", state="down", since=NOW - timedelta(hours=2))
    nodes = node_rows([node], [], [])
    shot = snapshot([], operator_seen_at=NOW - timedelta(minutes=1), nodes=nodes)
    silent, down = View(shot, ADMIN).notices
    assert silent.text.startswith("No operator has been seen since 20")
    assert silent.command == "docker service ps swarmhub_operator"
    assert "worker-1 has been down for 2h: 0 servers and 0 homes" in down.text
    (told,) = View(shot, ADA).notices
    assert told.command == ""


def test_events_are_of_what_one_sees() -> None:
    """Those of others, and of the operator, are not shown."""
    told = [
        Event(kind=kind, name=name, reason="Ready", message="m", first_seen=NOW, last_seen=NOW)
        for kind, name in [
            (Concerned.NOTEBOOK, "ada"),
            (Concerned.NOTEBOOK, "bob"),
            (Concerned.HOME, "home-ada"),
            (Concerned.OPERATOR, "ada"),
        ]
    ]
    shot = snapshot([notebook("ada"), notebook("bob")], events=tuple(told))
    assert View(shot, ADMIN).events(Query()).total == 4
    assert [(row.event.kind, row.event.name) for row in View(shot, ADA).events(Query()).rows] == [
        (Concerned.NOTEBOOK, "ada"),
        (Concerned.HOME, "home-ada"),
    ]


def test_starts_are_counted_once() -> None:
    """A start with its time, one that came back without, failures as they are told."""
    history, begun = History(), notebook("ada", phase=Phase.STARTING, minutes=0)
    up = notebook("ada", minutes=0)
    status = up.status.model_copy(update={"ready_at": NOW})
    written = up.metadata.model_copy(update={"spec_written_at": NOW - timedelta(seconds=4)})
    up = up.model_copy(update={"status": status, "metadata": written})
    history.note(None, begun)
    history.note(begun, up)
    history.note(up, up.model_copy(update={"status": status.model_copy(update={"restarts": 0})}))
    crashed = notebook("ada", phase=Phase.BACK_OFF)
    history.note(up, crashed)
    history.note(crashed, crashed)
    later = status.model_copy(update={"ready_at": NOW + timedelta(microseconds=1), "restarts": 1})
    history.note(crashed, up.model_copy(update={"status": later}))
    buckets = history.buckets(datetime.now(UTC) + timedelta(seconds=1))
    assert len(buckets) == BUCKETS
    assert sum(b.answered for b in buckets) == 2
    assert sum(b.failed for b in buckets) == 1
    assert [wait for bucket in buckets for wait in bucket.waits] == [4.0]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=40))
def test_bars_stay_in_their_plot(counts: list[tuple[int, int]]) -> None:
    """Whatever the numbers are, nothing is drawn outside."""
    buckets = [Bucket(NOW, good, bad, tuple([good / 7] * (good > 0))) for good, bad in counts]
    for plot in (plots.starts(buckets), plots.waits(buckets)):
        for bar in plot.bars:
            assert 0 <= bar.x <= bar.x + bar.width <= plot.width + 1
            assert 0 <= bar.y <= bar.y + bar.height <= plot.height


class Tags(HTMLParser):
    """Collects the elements of a page, with the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element."""
        self.found.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        """Take text."""
        self.text += data


RENDERER = Renderer("/services/swarmhub/", "/hub/")
MARKUP = st.text(st.sampled_from("<>&\"'/= abc{}%\n`"), min_size=1, max_size=12)


def rendered(what: str, text: str) -> Tags:
    """Return a page on which users and containers have written a text wherever they can."""
    record = notebook("x", phase=Phase.FAILED, message=text, image=f"i{text}")
    spec = record.spec.model_copy(update={"user": text, "server": text, "groups": (text,)})
    status = record.status.model_copy(
        update={"last_log": (text,), "node": text, "image": text, "message": text}
    )
    record = record.model_copy(update={"spec": spec, "status": status})
    event = Event(
        kind=Concerned.NOTEBOOK, name=record.metadata.name, reason="R", message=text,
        first_seen=NOW, last_seen=NOW,
    )  # fmt: skip
    node = SeenNode(id="n1", hostname=text, state="down", role=text, availability=text)
    order = NodeOrder(node_id="n1", node=text, verb=NodeVerb.DRAIN, asked_by=text, asked_at=NOW)
    of_node = event.model_copy(update={"kind": Concerned.NODE, "name": text})
    shot = snapshot(
        [record], events=(event, of_node), nodes=node_rows([node], [], [], [order]), trouble=text
    )
    RENDERER._parts.clear()
    return Tags(RENDERER.part(what, shot, ADMIN, Query()))


@settings(deadline=None, max_examples=40)
@given(MARKUP)
@pytest.mark.parametrize("what", [*TITLES, "servers/x"])
def test_no_text_becomes_markup(what: str, text: str) -> None:
    """The elements of a page are the same, whatever is written in records."""
    assert rendered(what, text).found == rendered(what, "plain").found


def test_nodes_and_plots_are_the_fleets() -> None:
    """Whoever sees only their own does not get them, nor a server of somebody else."""
    shot = snapshot([notebook("ada"), notebook("bob")])
    for what in ("nodes", "plots", "servers/bob", "homes/ada", "nothing"):
        with pytest.raises(KeyError):
            RENDERER.part(what, shot, ADA, Query())
    assert "ada is Running." in RENDERER.part("servers/ada", shot, ADA, Query())


def test_words() -> None:
    """As the command writes them."""
    assert [span(s) for s in (-1, 119, 120, 7200, 172800)] == ["0s", "119s", "2m", "2h", "2d"]
    assert [size(n) for n in (None, 0, 1536, 734_003_200, 2**50)] == [
        "-", "0 B", "1.5 KiB", "700 MiB", "1024 TiB",
    ]  # fmt: skip


def test_a_node_that_takes_no_servers() -> None:
    """It is down, or somebody has it drained; an active one takes some."""
    drained = {"swarmhub.drain": "true"}
    nodes = [
        SeenNode(id=f"n{n}", hostname="h", state=state, availability=how, labels=labels)
        for n, (state, how, labels) in enumerate(
            [
                ("ready", "active", {}),
                ("down", "active", {}),
                ("ready", "pause", {}),
                ("ready", "active", drained),
            ]
        )
    ]
    found = [row.refuses for row in node_rows(nodes, [], [])]
    assert found == ["", "down", "pause", "draining"]


@pytest.mark.parametrize(
    ("availability", "labels", "servers", "buttons"),
    [
        ("active", {}, 0, {"drain"}),
        ("pause", {}, 0, {"drain"}),
        ("pause", {"swarmhub.drain": "true"}, 0, {"uncordon"}),
        ("pause", {"swarmhub.drain": "true"}, 1, {"drain", "uncordon"}),
        ("active", {"swarmhub.drain": "true"}, 0, {"drain", "uncordon"}),
    ],
)
def test_buttons_of_a_node(
    availability: str, labels: dict[str, str], servers: int, buttons: set[str]
) -> None:
    """What stayed can be drained once more; for who may see the nodes and no more there is none."""
    node = SeenNode(id="n1", hostname="h", state="ready", availability=availability, labels=labels)
    row = NodeRow(node, servers, 0)
    assert {verb for verb, has in nodeorders.may(row, ADMIN).items() if has} == buttons
    for scopes in ({"read:servers", "delete:servers"}, {"admin:servers!user=ada"}):
        assert not any(nodeorders.may(row, Rights("ada", frozenset(scopes))).values())
    shot = snapshot([], nodes=(row,))
    RENDERER._parts.clear()
    page = RENDERER.part("nodes", shot, ADMIN, Query())
    assert {verb for verb in nodeorders.NODE_ORDERS if f'id="{verb}-n1"' in page} == buttons


def test_what_is_ordered_about_a_node_is_said() -> None:
    """Until the operator has done it."""
    node = SeenNode(id="n1", hostname="h", state="ready", availability="active")
    order = NodeOrder(node_id="n1", node="h", verb=NodeVerb.DRAIN, asked_by="root", asked_at=NOW)
    (row,) = node_rows([node], [], [], [order])
    assert row.takes == "yes; to be drained, as root asked"
    drained = node.model_copy(update={"labels": {"swarmhub.drain": "true"}})
    back = order.model_copy(update={"verb": NodeVerb.UNCORDON})
    assert [r.takes for r in node_rows([drained], [], [], [back])] == [
        "no: draining; to be uncordoned, as root asked"
    ]
    assert [r.takes for r in node_rows([drained, node], [], [])] == ["no: draining", "yes"]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("0", 0), ("30", 30), ("", 15), ("-1", 15), ("²", 15), ("x", 15), ("99999", 10080)],
)
def test_minutes(text: str, minutes: int) -> None:
    """What makes no sense counts as not said."""
    assert nodeorders.minutes_of(text) == minutes
