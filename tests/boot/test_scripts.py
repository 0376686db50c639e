"""Which script a machine gets, and that each is counted. Everything that isn't clear boots the local disk."""

from datetime import timedelta

import pytest

from boot.identity import Identifiers
from lab.rack.ipxe import Firmware, Kernel, LocalDisk
from tests.boot.conftest import MAC, UUID, Site, machine, node
from workflows.model.errors import Transient, Unreachable
from workflows.model.grant import GrantState
from workflows.model.served import Script
from workflows.model.stranger import Strangers

pytestmark = pytest.mark.fast

WHO = Identifiers(MAC, "SER1", UUID)


def is_local(script: str) -> bool:
    """No kernel, no token; leaves iPXE for the disk on both firmwares."""
    return "kernel" not in script and "token" not in script and "sanboot" in script and "exit 1" in script


async def test_without_a_grant_it_boots_its_disk_and_that_is_counted(site: Site) -> None:
    scripts = site.scripts()
    assert is_local(await scripts.answer(WHO))
    assert is_local(await scripts.answer(WHO))
    served = await site.served()
    assert (served.script, served.local_scripts, served.agent_scripts) == (Script.LOCAL, 2, 0)


async def test_with_an_open_grant_it_gets_the_agent_with_this_grants_token(site: Site) -> None:
    await site.open_grant()
    script = await site.scripts().answer(WHO)
    assert f"bringup.token={site.token()} " in script
    assert "kernel http://10.0.0.1:8080/artifacts/vmlinuz-1 initrd=agent-1.cpio.zst" in script
    served = await site.served()
    assert (served.script, served.cause, served.attempt, served.agent_scripts) == (Script.AGENT, "g1", 1, 1)


async def test_no_record_and_no_event_holds_a_token(site: Site) -> None:
    await site.open_grant()
    await site.scripts().answer(WHO)
    mac = site.token().rpartition(":")[2].encode()
    kept = [v.data or b"" for v in await site.store.list("served.>")] + site.events("served")
    assert kept
    assert not any(mac in data for data in kept)


@pytest.mark.parametrize("state", [GrantState.TAKEN, GrantState.REPORTED, GrantState.CLOSED])
async def test_a_grant_that_is_not_open_boots_the_disk(site: Site, state: GrantState) -> None:
    await site.open_grant(state=state, machine=machine())
    assert is_local(await site.scripts().answer(WHO))


async def test_a_grant_past_its_deadline_boots_the_disk(site: Site) -> None:
    await site.open_grant(deadline=await site.store.now() - timedelta(seconds=1))
    assert is_local(await site.scripts().answer(WHO))


async def test_a_grant_for_another_board_boots_the_disk(site: Site) -> None:
    """The inventory was corrected after the run began: the grant still names the machine that was approved."""
    await site.open_grant(serial="SER0")
    assert is_local(await site.scripts().answer(WHO))


async def test_an_unknown_machine_boots_its_disk_and_is_reported_once(site: Site) -> None:
    scripts, stranger = site.scripts(), Identifiers("52:54:00:ff:ff:ff", "X9", "")
    assert is_local(await scripts.answer(stranger))
    assert is_local(await scripts.answer(stranger))
    (event,) = site.events("asked")
    assert b"52:54:00:ff:ff:ff" in event
    [noted] = Strangers.decode((await site.store.get("strangers.lab")).data or b"").seen
    assert (noted.mac, noted.serial, noted.times) == ("52:54:00:ff:ff:ff", "X9", 1)
    assert noted.why == "MAC 52:54:00:ff:ff:ff, serial X9, UUID - is no node of the inventory"


async def test_identifiers_of_two_machines_get_no_grant(site: Site) -> None:
    await site.add_node(node(node="lab.n2", serial="SER2", uuid=None, interfaces=()))
    await site.open_grant()
    assert is_local(await site.scripts().answer(Identifiers(MAC, "SER2", "")))
    assert (await site.served()).count == 0
    assert len(site.events("asked")) == 1


async def test_with_the_store_out_of_reach_there_is_no_script_and_afterwards_the_right_one(site: Site) -> None:
    await site.open_grant()
    scripts = site.scripts()
    site.store.down = True
    with pytest.raises(Transient):
        await scripts.answer(WHO)
    site.store.down = False
    assert site.token() in await scripts.answer(WHO)


@pytest.mark.parametrize(("silent", "end"), [(3, Kernel), (1000, LocalDisk)])
async def test_a_machine_asks_again_for_a_while_and_then_boots_its_disk(site: Site, silent: int, end: type) -> None:
    """The boot service's own first script, on the lab's iPXE; the service doesn't answer the first so many times."""
    await site.open_grant()
    scripts, asked, slept = site.scripts(), 0, 0.0

    async def fetch(url: str) -> bytes:
        nonlocal asked
        if url.endswith("/boot.ipxe"):
            return scripts.first().encode()
        if "/v1/script?" in url:
            asked += 1
            if asked <= silent:
                raise Unreachable(url)
            return (await scripts.answer(WHO)).encode()
        return b""

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds

    firmware = Firmware(fetch, sleep, {"netX/mac": MAC, "serial": "SER1", "uuid": UUID, "platform": "efi"})
    assert isinstance(await firmware.run("http://10.0.0.1:8080/boot.ipxe"), end)
    assert slept == (9 if end is Kernel else 57)


def test_the_first_script_asks_with_all_identifiers(site: Site) -> None:
    first = site.scripts().first()
    assert first.startswith("#!ipxe\n")
    assert "/v1/script?mac=${netX/mac}&serial=${serial:uristring}&uuid=${uuid} || goto wait" in first


async def test_a_node_that_the_index_has_not_heard_of_yet_is_looked_up_before_it_is_a_stranger(site: Site) -> None:
    """The watch is behind: this process stood still, or NATS had no leader."""
    service = site.service()
    await service.load()
    await site.open_grant()
    await site.put("desired.lab.n1", node().encode())
    assert site.token() in await service.scripts.answer(WHO)
    assert site.events("asked") == []
