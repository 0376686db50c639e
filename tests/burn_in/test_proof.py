"""The proof of software: what the node says against what its release names, and that nothing missing ever passes."""

import json

import pytest

from burn_in.proof import SoftwareProof
from burn_in.thresholds.load import load_thresholds
from tests.burn_in.wishes import Kept
from tests.workflows.samples import IMAGE, desired
from workflows.model.desired import Desired
from workflows.model.gpu import GPU_MODELS, Fabric
from workflows.model.profile import DiskHint, Profile, Release, Sku
from workflows.model.verdict import BurnInReport, Verdict

pytestmark = pytest.mark.fast

VERSION = "580.95.05"
_OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs@U22)\nGCC version: 12\n"
)
_PROPRIETARY = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue Sep 23 10:11:16 UTC 2025\n"
_WELL = {
    "modules": "nvidia 104071168 0 - Live 0x0\nmlx5_core 2428928 0 - Live 0x0\n",
    "driver in the kernel": _OPEN,
    "driver installed": f"{VERSION}\n",
    "licence": "Dual MIT/GPL\n",
    "driver of each GPU": f"{VERSION}\n" * 8,
    "Fabric Manager": f"Fabric Manager version is : {VERSION}\n",
    "Fabric Manager's service": "active\n",
}


def hgx(**variables: str) -> Desired:
    """A node with eight H100 on NVSwitches and a release that names driver and Fabric Manager."""
    release = Release(
        name="r1",
        image=IMAGE,
        distribution="debian-12",
        roles=("nvidia_driver", "fabric_manager"),
        variables={"nvidia_driver_version": VERSION, **variables},
    )
    sku = Sku(name="h100", system_disk=DiskHint(serial="SYS"), gpu_model="h100-sxm", gpu_count=8)
    return desired(profile=Profile(sku=sku, release=release))


def bundle(**said: str | None) -> bytes:
    """What a good node's probe brings, changed by name (``_`` for a space); None: the program is missing."""
    outputs: dict[str, str | None] = _WELL | {name.replace("_", " "): text for name, text in said.items()}
    commands = [
        {"name": name, "argv": [name], "rc": 127 if text is None else 0, "stdout": text or ""}
        for name, text in outputs.items()
    ]
    return json.dumps({"probe": "software", "started": 0, "seconds": 1, "commands": commands}).encode()


async def judge(wish: Desired, **bundles: bytes) -> BurnInReport:
    return await SoftwareProof(Kept()).judge(wish, bundles)


async def test_exactly_the_releases_software_passes_by_evidence_that_is_kept() -> None:
    report = await judge(hgx(), software=bundle())
    assert report.accepted, report.failures
    assert {c.id for c in report.checks} == {
        "software.driver.running",
        "software.driver.modules",
        "software.driver.installed",
        "software.driver.licence",
        "software.driver.gpus",
        "software.nouveau",
        "software.fabric_manager.version",
        "software.fabric_manager.service",
    }
    assert all(len(c.evidence) == 64 for c in report.checks)


async def test_proprietary_modules_are_told_from_open_ones() -> None:
    said = bundle(driver_in_the_kernel=_PROPRIETARY, licence="NVIDIA\n")
    assert (await judge(hgx(nvidia_driver_modules="proprietary"), software=said)).accepted
    assert {c.id for c in (await judge(hgx(), software=said)).failures} == {
        "software.driver.modules",
        "software.driver.licence",
    }


@pytest.mark.parametrize(
    ("said", "failing"),
    [
        ({"driver_in_the_kernel": _OPEN.replace(VERSION, "580.65.06")}, "software.driver.running"),
        ({"driver_installed": "580.105.08\n"}, "software.driver.installed"),
        ({"driver_of_each_GPU": f"{VERSION}\n580.65.06\n"}, "software.driver.gpus"),
        ({"modules": "nouveau 3000000 0 - Live 0x0\n"}, "software.nouveau"),
        ({"Fabric_Manager": "Fabric Manager version is : 580.105.08\n"}, "software.fabric_manager.version"),
        ({"Fabric_Manager's_service": "failed\n"}, "software.fabric_manager.service"),
    ],
)
async def test_each_thing_that_differs_is_the_one_check_that_fails(said: dict[str, str], failing: str) -> None:
    report = await judge(hgx(), software=bundle(**said))
    assert [(c.id, c.verdict) for c in report.failures] == [(failing, Verdict.FAIL)]


@pytest.mark.parametrize("name", list(_WELL))
@pytest.mark.parametrize("said", [None, "", "Killed\n"])
async def test_what_is_missing_or_unreadable_never_passes(name: str, said: str | None) -> None:
    assert not (await judge(hgx(), software=bundle(**{name: said}))).accepted


async def test_no_bundle_is_an_error_and_a_release_without_gpu_software_asks_for_none() -> None:
    report = await judge(hgx())
    assert [(c.id, c.verdict) for c in report.checks] == [("software.bundle", Verdict.ERROR)]
    assert SoftwareProof(Kept()).probes(hgx()) == ("software",)
    assert SoftwareProof(Kept()).probes(desired()) == ()


def test_every_gpu_model_with_thresholds_is_known_with_the_same_fabric() -> None:
    for name, thresholds in load_thresholds().items():
        needs = {Fabric.NONE: "none", Fabric.RACK: "rack"}.get(GPU_MODELS[name].fabric, "node")
        assert needs == thresholds.fabric, name
