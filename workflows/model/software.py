"""The GPU software that a release names, and what of it can't work on a sku: known before anything is powered on. Pure.

A release names software by its roles and their variables. What a variable doesn't say the role's own default decides; the
versions have none, for a version that nobody chose is one that nobody tested.
"""

import re
from dataclasses import dataclass

from workflows.model.gpu import GPU_MODELS, Fabric, GpuModel, Modules
from workflows.model.profile import Release, Sku

#: Distributions that the roles of GPU software are written for, as a release's ``distribution`` names them.
DISTRIBUTIONS = ("debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04", "rhel-9", "rocky-9")
DRIVER, FABRIC_MANAGER = "nvidia_driver", "fabric_manager"


@dataclass(frozen=True, slots=True)
class _Version:
    """How a role's version must look, with an example for the sentence that refuses another."""

    pattern: re.Pattern[str]
    example: str

    @classmethod
    def of(cls, pattern: str, example: str) -> "_Version":
        return cls(re.compile(pattern), example)


_VERSIONS = {
    DRIVER: _Version.of(r"\d{3}\.\d{2,3}(\.\d{2})?", "580.105.08"),
    FABRIC_MANAGER: _Version.of(r"\d{3}\.\d{2,3}(\.\d{2})?", "580.105.08"),
}


@dataclass(frozen=True, slots=True)
class Software:
    """What a release names: each role of GPU software with its version, empty where the role isn't named."""

    driver: str = ""
    modules: Modules = Modules.OPEN
    fabric_manager: str = ""

    def text(self) -> str:
        """In words, for people."""
        driver = f"driver {self.driver} ({self.modules} modules)" if self.driver else ""
        manager = f"Fabric Manager {self.fabric_manager}" if self.fabric_manager else ""
        return ", ".join(part for part in (driver, manager) if part)

    def named(self) -> bool:
        """Whether it names any."""
        return self != Software()


def software_of(release: Release) -> Software:
    """The software of a release in which ``software_problems`` finds nothing wrong."""
    driver = _version(release, DRIVER)
    return Software(
        driver=driver,
        modules=Modules(str(release.variables.get("nvidia_driver_modules", Modules.OPEN))),
        fabric_manager=(_version(release, FABRIC_MANAGER) or driver) if FABRIC_MANAGER in release.roles else "",
    )


def software_problems(sku: Sku, release: Release) -> list[str]:
    """Why this release can't work on this sku, in sentences for the owner of the profiles; none where it names no GPU
    software.
    """
    if not any(role in _VERSIONS for role in release.roles):
        return []
    wrong = [*_unsupported(release), *_malformed(release)]
    if wrong:
        return wrong
    software = software_of(release)
    if not software.driver:
        return [f"release {release.name}: it names Fabric Manager and no driver: add the role {DRIVER}"]
    if sku.gpu_model is None:
        return [f"sku {sku.name}: release {release.name} brings a GPU driver, the sku has no gpu_model: say which"]
    model = GPU_MODELS.get(sku.gpu_model)
    if model is None:
        known = ", ".join(sorted(GPU_MODELS))
        return [f"sku {sku.name}: the GPU model {sku.gpu_model!r} is not known, so no driver fits it (known: {known})"]
    return [*_driver_misfits(sku, release, software, model), *_fabric_misfits(sku, release, software, model)]


def _version(release: Release, role: str) -> str:
    return str(release.variables.get(f"{role}_version", "")) if role in release.roles else ""


def _unsupported(release: Release) -> list[str]:
    if release.distribution in DISTRIBUTIONS:
        return []
    said = f"distribution {release.distribution!r} is not supported" if release.distribution else "no distribution"
    return [f"release {release.name}: {said}: the roles of GPU software know {', '.join(DISTRIBUTIONS)}"]


def _malformed(release: Release) -> list[str]:
    found = []
    for role, wanted in _VERSIONS.items():
        value = release.variables.get(f"{role}_version")
        if role not in release.roles or (role == FABRIC_MANAGER and value is None):
            continue
        if not isinstance(value, str) or wanted.pattern.fullmatch(value) is None:
            found.append(
                f"release {release.name}: {role}_version is {value!r}: give a whole version, in quotes, "
                f'like "{wanted.example}"'
            )
    modules = release.variables.get("nvidia_driver_modules", Modules.OPEN)
    if modules not in list(Modules):
        found.append(f"release {release.name}: nvidia_driver_modules is {modules!r}: one of {', '.join(Modules)}")
    return found


def _driver_misfits(sku: Sku, release: Release, software: Software, model: GpuModel) -> list[str]:
    generation, found = model.generation, []
    branch, least = _numbers(software.driver)[0], model.first_driver or str(generation.first_branch)
    if _numbers(software.driver) < _numbers(least):
        found.append(
            f"release {release.name}: driver {software.driver} is older than {least}, the first that knows "
            f"{sku.gpu_model} ({generation.name}): take a newer one"
        )
    if generation.last_branch is not None and branch > generation.last_branch:
        found.append(
            f"release {release.name}: driver {software.driver} knows {sku.gpu_model} ({generation.name}) no "
            f"more; its last branch is {generation.last_branch}"
        )
    if software.modules not in generation.modules:
        found.append(
            f"release {release.name}: the {software.modules} kernel modules don't drive {sku.gpu_model} "
            f"({generation.name}): set nvidia_driver_modules to {generation.modules[0]}"
        )
    return found


def _fabric_misfits(sku: Sku, release: Release, software: Software, model: GpuModel) -> list[str]:
    needed, given = model.fabric in (Fabric.NVSWITCH, Fabric.NVLINK5), software.fabric_manager
    if needed and not given:
        return [
            f"release {release.name}: {sku.gpu_model} needs {model.fabric}, without it CUDA starts on no GPU: add "
            f"the role {FABRIC_MANAGER}"
        ]
    if given and not needed:
        return [
            f"release {release.name}: {sku.gpu_model} has nothing that Fabric Manager runs ({model.fabric}): leave "
            f"the role {FABRIC_MANAGER} out"
        ]
    if given and given != software.driver:
        return [
            f"release {release.name}: Fabric Manager {given} beside driver {software.driver}: it works with exactly "
            "the driver's version; leave fabric_manager_version out"
        ]
    return []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
