"""A release whose software can't work on a sku is refused before anything is powered on, with what to change."""

import pytest

from tests.workflows.samples import IMAGE
from workflows.model.gpu import GPU_MODELS
from workflows.model.profile import DiskHint, Release, Sku
from workflows.model.record import Json
from workflows.model.software import Software, software_of, software_problems

pytestmark = pytest.mark.fast

_HGX = ("base", "nvidia_driver", "fabric_manager")
_PCIE = ("base", "nvidia_driver")


def release(roles: tuple[str, ...], distribution: str = "debian-12", **variables: Json) -> Release:
    return Release(name="r1", image=IMAGE, distribution=distribution, roles=roles, variables=variables)


def sku(gpu_model: str | None) -> Sku:
    return Sku(name="s1", system_disk=DiskHint(serial="SYS"), gpu_model=gpu_model, gpu_count=8 if gpu_model else 0)


@pytest.mark.parametrize(
    ("model", "roles", "driver", "modules"),
    [
        ("h100-sxm", _HGX, "580.105.08", "open"),
        ("h100-pcie", _PCIE, "535.216.03", "proprietary"),
        ("h200-sxm", _HGX, "550.54.14", "open"),
        ("b200-sxm", _HGX, "570.133.20", "open"),
        ("gb200", _PCIE, "580.95.05", "open"),
        ("v100-sxm", _PCIE, "580.95.05", "proprietary"),
    ],
)
def test_what_fits_is_no_problem(model: str, roles: tuple[str, ...], driver: str, modules: str) -> None:
    named = release(roles, nvidia_driver_version=driver, nvidia_driver_modules=modules)
    assert software_problems(sku(model), named) == []


def test_a_release_without_gpu_software_fits_every_sku() -> None:
    for model in (None, "h900", *GPU_MODELS):
        assert software_problems(sku(model), release(("base", "storage_mounts"), distribution="")) == []


@pytest.mark.parametrize(
    ("model", "named", "said"),
    [
        ("h900", release(_PCIE, nvidia_driver_version="580.95.05"), "GPU model 'h900' is not known"),
        (None, release(_PCIE, nvidia_driver_version="580.95.05"), "the sku has no gpu_model: say which"),
        ("h100-sxm", release(_PCIE, nvidia_driver_version="580.95.05"), "add the role fabric_manager"),
        ("h100-pcie", release(_HGX, nvidia_driver_version="580.95.05"), "leave the role fabric_manager out"),
        ("gb200", release(_HGX, nvidia_driver_version="580.95.05"), "leave the role fabric_manager out"),
        ("h100-sxm", release(("fabric_manager",)), "no driver: add the role nvidia_driver"),
        (
            "h100-sxm",
            release(_HGX, nvidia_driver_version="580.95.05", fabric_manager_version="580.105.08"),
            "Fabric Manager 580.105.08 beside driver 580.95.05",
        ),
        ("h100-pcie", release(_PCIE, nvidia_driver_version="515.65.01"), "older than 525, the first that knows"),
        ("b200-sxm", release(_HGX, nvidia_driver_version="570.124.06"), "older than 570.133.20"),
        (
            "v100-sxm",
            release(_PCIE, nvidia_driver_version="590.44.01", nvidia_driver_modules="proprietary"),
            "its last branch is 580",
        ),
        ("v100-sxm", release(_PCIE, nvidia_driver_version="580.95.05"), "set nvidia_driver_modules to proprietary"),
        (
            "b200-sxm",
            release(_HGX, nvidia_driver_version="580.95.05", nvidia_driver_modules="proprietary"),
            "set nvidia_driver_modules to open",
        ),
        (
            "h100-pcie",
            release(_PCIE, nvidia_driver_version="580.95.05", nvidia_driver_modules="nouveau"),
            "one of open, proprietary",
        ),
        (
            "h100-pcie",
            release(_PCIE, "arch", nvidia_driver_version="580.95.05"),
            "distribution 'arch' is not supported",
        ),
        ("h100-pcie", release(_PCIE, "", nvidia_driver_version="580.95.05"), "no distribution: the roles"),
        ("h100-pcie", release(_PCIE, nvidia_driver_version=580.95), "nvidia_driver_version is 580.95: give a whole"),
        ("h100-pcie", release(_PCIE, nvidia_driver_version="580"), "nvidia_driver_version is '580': give a whole"),
        ("h100-pcie", release(_PCIE), "nvidia_driver_version is None: give a whole"),
    ],
)
def test_what_can_not_work_is_one_sentence_that_says_what_to_change(
    model: str | None, named: Release, said: str
) -> None:
    (problem,) = software_problems(sku(model), named)
    assert said in problem
    assert problem.startswith(("sku s1: ", "release r1: "))


def test_fabric_manager_is_of_the_drivers_version_unless_the_release_says_another() -> None:
    assert software_of(release(_HGX, nvidia_driver_version="580.95.05")).fabric_manager == "580.95.05"
    assert software_of(release(("base",))) == Software()
