"""The spine: a status set in NetBox takes a machine that nobody touched into service, every part real but the hardware."""

import json
from datetime import timedelta

import pytest

from app.config import load_config
from app.site_worker import real_ports
from lab.site.racked import Racked
from tests.e2e.leaks import files_with_secret, planted, watched_arguments
from workflows.drivers.secrets import FileSecrets
from workflows.engine.ports import Host
from workflows.model.desired import Desired
from workflows.model.grant import Grant
from workflows.model.verdict import BurnInReport, Check, Verdict

pytestmark = pytest.mark.e2e


async def test_staged_in_netbox_becomes_active_by_evidence(site: Racked) -> None:
    (machine,), (node,) = site.site.machines, site.nodes
    await site.known()
    assert machine.bmc.bmc.ledger.writes == 0, "planned: nothing may be touched"

    secrets = planted(site.site.directory / "secrets")
    async with watched_arguments(secrets) as guilty:
        await site.stage()
        status = await site.until_in_service()
    assert guilty == set(), "no process ever had a secret among its arguments"
    # The lab's own copy of the SSH key is its owner's file, as the site's secrets are.
    left = await files_with_secret(site.site.directory, secrets, but={"secrets", "id_ed25519"})
    assert left == [], "nothing that a run leaves behind holds a secret"

    assert status["accepted_run"] == status["run"]
    image = site.site.image.raw_size
    assert image <= await machine.qemu.block_written() <= 1.2 * image + (64 << 20)
    assert machine.qemu.drive("system").marker() == (1, f"{status['run']}.1"), "one write, by the first grant"
    assert machine.qemu.data_untouched()
    assert machine.qemu.posts == 2, "one network boot, and the proof boot from disk; kexec saved the one between"
    assert machine.bmc.bmc.ledger.stale_writes == []
    entries = await site.api.rows("extras/journal-entries", assigned_object_id=site.devices[0])
    assert any("succeeded" in e["comments"] for e in entries)
    assert "in-service" in await site.site.services.cli("bob", "status")
    assert "POSTs 2: network boot, proof boot" in await site.site.services.cli("bob", "show", machine.name)

    report = BurnInReport.decode(await site.site.seen.evidence.get(str(status["report"])))
    assert report.accepted
    guid = site.site.subnet.guid(machine.name)
    passed = {(c.id, c.entity) for c in report.checks if c.verdict is Verdict.PASS}
    assert {("infiniband.registered", guid), ("infiniband.manager", guid), ("mount.trial", "/data")} <= passed

    await site.site.subnet.kill_manager()
    dead = await judged_now(site, node)
    assert dead["infiniband.port"].verdict is Verdict.PASS, "the port still shows Active with its old LID"
    for check in ("infiniband.manager", "infiniband.subnet_manager", "infiniband.registered"):
        assert dead[check].verdict is Verdict.FAIL
    assert "not reached by GUID" in dead["infiniband.registered"].message


async def judged_now(site: Racked, node: str) -> dict[str, Check]:
    """The burn-in as the site's worker would judge it at this moment: its own drivers and its own login."""
    config = load_config(site.site.config)
    async with site.site.login("worker") as worker:
        desired = Desired.decode((await worker.store.get(f"desired.{node}")).data or b"")
        (grant,) = [Grant.decode(v.data or b"") for v in await worker.store.list(f"grant.{node}.*.*")]
        assert grant.report is not None
        host = Host(node, desired.label, site.site.machines[0].address, grant.report.host_key)
        ports = real_ports(config, worker, FileSecrets(config.secrets))
        mounts = {"mounts": json.loads(desired.model_dump_json(include={"mounts"}))["mounts"]}
        bundles = await ports.ansible.collect(
            host, ports.judge.probes(desired), mounts, run="judged-now", step="burn_in", timeout=timedelta(minutes=5)
        )
        report = await ports.judge.judge(desired, bundles)
    return {check.id: check for check in report.checks}
