"""The change log catches what webhooks lost, and hears a person's ``staged``: on a real NetBox."""

import asyncio
import json
import shutil

import pytest
import requests

from inventory_sync.changelog import CURSOR, Cursor
from lab.netbox.serve import POSTGRES
from tests.inventory_sync.conftest import Rig
from workflows.engine.ports import Message
from workflows.model.command import parse_command
from workflows.model.errors import Unreachable
from workflows.model.settings import SiteSettings
from workflows.model.status import NodeState, NodeStatus

pytestmark = pytest.mark.real


_LIKE_THE_LAST = """
INSERT INTO core_objectchange (time, user_name, request_id, action, changed_object_id, changed_object_type_id,
  object_repr, message, prechange_data, postchange_data)
SELECT now(), 'late', gen_random_uuid(), 'update', changed_object_id, changed_object_type_id, object_repr, '',
  prechange_data, postchange_data
FROM core_objectchange JOIN django_content_type AS t ON t.id = changed_object_type_id
WHERE t.model = 'device' AND changed_object_id ="""


def status(rig: Rig, state: NodeState, cause: str = "g1") -> NodeStatus:
    outcome = "succeeded" if state is NodeState.IN_SERVICE else "failed"
    return NodeStatus(node=rig.node, state=state, run=f"{rig.node}.{cause}", cause=cause, outcome=outcome)


def commands(rig: Rig) -> list[Message]:
    return rig.bus.kept("command.>")


async def test_a_lost_webhook_is_caught_up(rig: Rig) -> None:
    await rig.look()
    await rig.log.poll()
    await rig.admin.update("dcim/devices", rig.pk, {"serial": "UNHEARD"})
    assert await rig.log.poll() == 1
    assert (await rig.desired(rig.node)).serial == "UNHEARD"
    assert await rig.log.poll() == 0


async def test_a_row_that_was_committed_late_is_not_missed(rig: Rig) -> None:
    """Its id was given out first; another row was committed and read before it."""
    await rig.look()
    await rig.log.poll()
    async with _Transaction(rig.server.database) as late:
        await late.run("UPDATE dcim_device SET serial = 'LATE' WHERE serial = 'SN-001'")
        await late.run(f"{_LIKE_THE_LAST} {rig.pk} LIMIT 1")
        await rig.admin.update("dcim/devices", rig.made.devices[1], {"serial": "EARLY"})
        assert await rig.log.poll() == 1
        assert (await rig.desired(rig.node)).serial == "SN-001"
        await late.run("COMMIT")
    assert await rig.log.poll() == 1
    assert (await rig.desired(rig.node)).serial == "LATE"


async def test_a_restored_netbox_is_read_anew(rig: Rig) -> None:
    await rig.look()
    value = await rig.store.get(CURSOR)
    await rig.store.put(CURSOR, Cursor(last=10**9).encode(), expect=value.seq)
    await rig.admin.update("dcim/devices", rig.pk, {"serial": "RESTORED"})
    await rig.log.poll()
    assert (await rig.desired(rig.node)).serial == "RESTORED"
    assert Cursor.decode((await rig.store.get(CURSOR)).data or b"").last < 10**9


@pytest.mark.parametrize(
    ("state", "verb"), [(NodeState.FAILED, "retry"), (NodeState.IN_SERVICE, "reimage"), (NodeState.RUNNING, None)]
)
async def test_a_person_who_sets_staged_again(rig: Rig, state: NodeState, verb: str | None) -> None:
    await rig.admin.update("dcim/devices", rig.pk, {"status": "failed"})
    await rig.look()
    await rig.log.poll()
    await rig.put_status(status(rig, state))
    await rig.admin.update("dcim/devices", rig.pk, {"status": "staged"})
    await rig.log.poll()
    await rig.log.poll()
    if verb is None:
        assert commands(rig) == []
        return
    [message] = commands(rig)
    assert message.subject == f"command.sync.{verb}.lab"
    body = json.loads(message.data)
    assert body == {"select": rig.node, "reason": "admin set staged in NetBox", "after": "g1", "for": "admin"}
    trusted = frozenset(SiteSettings(site="lab").trusted_senders)
    assert parse_command(message.subject, message.data, 1, message.time, trusted).who == "admin"


async def bulk(rig: Rig, status: str) -> None:
    """What NetBox's bulk edit does: one request for all devices."""
    url = f"{rig.admin.url}/api/dcim/devices/"
    body = [{"id": pk, "status": status} for pk in rig.made.devices]
    headers = {"Authorization": f"Bearer {rig.admin.token}" if "." in rig.admin.token else f"Token {rig.admin.token}"}
    answer = await asyncio.to_thread(requests.patch, url, json=body, headers=headers, timeout=60)
    answer.raise_for_status()


async def test_a_bulk_edit_that_stages_new_nodes_is_known_as_one_with_the_wish(rig: Rig) -> None:
    await bulk(rig, "planned")
    await rig.look()
    assert (await rig.desired(rig.node)).edit is None
    await bulk(rig, "staged")
    await rig.look()
    edits = [(await rig.desired(f"lab.nb-{pk}")).edit for pk in rig.made.devices]
    assert edits[0] is not None
    assert (edits[0].person, edits[0].nodes, edits) == ("admin", 2, [edits[0]] * 2)
    before = await rig.store.get(f"desired.{rig.node}")
    await rig.look()
    assert (await rig.store.get(f"desired.{rig.node}")).seq == before.seq, "looking again changes nothing"
    await rig.admin.update("dcim/devices", rig.pk, {"status": "planned"})
    await rig.look()
    await rig.admin.update("dcim/devices", rig.pk, {"status": "staged"})
    await rig.look()
    alone = (await rig.desired(rig.node)).edit
    assert alone is not None
    assert alone.nodes == 1


@pytest.mark.parametrize(
    ("state", "accepted", "verb"),
    [
        (NodeState.IN_SERVICE, "run", "reimage"),
        (NodeState.FAILED, "run", "reimage"),
        (NodeState.FAILED, "", "provision"),
    ],
)
async def test_a_bulk_edit_that_stages_known_nodes_again_is_one_command(
    rig: Rig, state: NodeState, accepted: str, verb: str
) -> None:
    await bulk(rig, "failed")
    await rig.look()
    await rig.log.poll()
    nodes = sorted(f"lab.nb-{pk}" for pk in rig.made.devices)
    for node in nodes:
        await rig.put_status(status(rig, state).model_copy(update={"node": node, "accepted_run": accepted}))
    await bulk(rig, "staged")
    await rig.log.poll()
    await rig.log.poll()
    [message] = commands(rig)
    assert message.subject == f"command.sync.{verb}.lab"
    body = json.loads(message.data)
    assert (sorted(body.pop("select").split(",")), body) == (
        nodes,
        {"reason": "admin set staged in NetBox", "for": "admin"},
    )


async def test_our_own_status_is_no_command(rig: Rig) -> None:
    await rig.admin.update("dcim/devices", rig.pk, {"status": "failed"})
    await rig.look()
    await rig.log.poll()
    await rig.put_status(status(rig, NodeState.FAILED))
    await rig.sync.api.update("dcim/devices", rig.pk, {"status": "staged"})
    assert await rig.log.poll() > 0
    assert commands(rig) == []


async def test_an_ask_whose_publication_failed_is_sent_later_for_the_run_that_was_seen(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.admin.update("dcim/devices", rig.pk, {"status": "failed"})
    await rig.look()
    await rig.log.poll()
    await rig.put_status(status(rig, NodeState.FAILED))
    await rig.admin.update("dcim/devices", rig.pk, {"status": "staged"})

    async def down(*_: object, **__: object) -> int:
        raise Unreachable("NATS is away")

    with monkeypatch.context() as patch:
        patch.setattr(rig.bus, "publish", down)
        with pytest.raises(Unreachable):
            await rig.log.poll()
    await rig.put_status(status(rig, NodeState.FAILED, "c8"))
    await rig.log.poll()
    await rig.log.poll()
    [message] = commands(rig)
    assert json.loads(message.data)["after"] == "g1"


async def test_history_before_the_first_start_asks_for_nothing(rig: Rig) -> None:
    await rig.admin.update("dcim/devices", rig.pk, {"status": "failed"})
    await rig.admin.update("dcim/devices", rig.pk, {"status": "staged"})
    await rig.look()
    await rig.put_status(status(rig, NodeState.FAILED))
    assert await rig.log.poll() == 0
    assert await rig.log.poll() == 0
    assert commands(rig) == []


class _Transaction:
    """An open transaction in NetBox's database, past its API."""

    def __init__(self, database: str) -> None:
        self._database = database

    async def __aenter__(self) -> "_Transaction":
        psql = shutil.which("psql") or str(POSTGRES[-1] / "psql")
        self._process = await asyncio.create_subprocess_exec(
            *(psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self._database),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await self.run("BEGIN")
        return self

    async def run(self, statement: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{statement};\n\\echo done\n".encode())
        await self._process.stdin.drain()
        assert await asyncio.wait_for(self._process.stdout.readline(), 60) == b"done\n"

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
