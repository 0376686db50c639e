"""The baseline: which BIOS attributes and firmware versions a machine should have, and where one differs. Pure."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from workflows.model.hardware import Firmware, HardwareReport
from workflows.model.profile import FirmwareRule, Setting, Sku


def wrong_settings(have: Mapping[str, Setting], want: Mapping[str, Setting]) -> dict[str, Setting]:
    """The attributes to set. One that the BIOS doesn't show is among them: nothing passes by silence."""
    return {name: value for name, value in want.items() if name not in have or not _same(have[name], value)}


def outdated(have: Iterable[Firmware], rule: FirmwareRule) -> list[Firmware]:
    """The firmware that the rule is about and that has another version."""
    return [f for f in have if fnmatchcase(f.name, rule.component) and f.version != rule.version]


def knows(have: Iterable[Firmware], rule: FirmwareRule) -> bool:
    """Whether the machine shows anything that the rule is about."""
    return any(fnmatchcase(f.name, rule.component) for f in have)


def strange(sku: Sku, seen: HardwareReport) -> tuple[str, ...]:
    """What the baseline names and the machine doesn't show at all: most likely a name that is wrong in the sku."""
    attributes = [f"BIOS attribute {name}" for name in sku.bios if name not in seen.settings]
    return (*attributes, *(f"firmware {r.component}" for r in sku.firmware if not knows(seen.firmware, r)))


def drift(sku: Sku, seen: HardwareReport) -> tuple[str, ...]:
    """Where a machine, as it was seen, differs from its sku's baseline, a sentence each."""
    found = [
        f"BIOS {name} is {seen.settings.get(name, 'not shown')}, the baseline says {value}"
        for name, value in wrong_settings(seen.settings, sku.bios).items()
    ]
    for rule in sku.firmware:
        if not knows(seen.firmware, rule):
            found.append(f"no firmware {rule.component} is shown, the baseline says {rule.version}")
        found += [
            f"firmware {f.name} is {f.version}, the baseline says {rule.version}" for f in outdated(seen.firmware, rule)
        ]
    return tuple(found)


def _same(have: Setting, want: Setting) -> bool:
    """Equal as the BIOS writes it: some show numbers and truth values as texts."""
    return have == want or str(have).lower() == str(want).lower()
