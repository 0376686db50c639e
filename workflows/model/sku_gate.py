"""The SKU gate: is every part that the profile demands there, and linked as it should be? Pure; asked before a wipe.

Fewer parts than demanded stop a run, more do not: they are told. A part is named by where it sits, because that is where a
person goes. A place without a part is known from the profile's ``places``, from the empty places that the BMC shows, or
from the inventory that an earlier run of this node kept. What a BMC doesn't show counts as missing: nothing passes by
silence (law 10).
"""

from collections.abc import Iterable, Sequence

from workflows.model.hardware import HardwareReport, Part, PartKind
from workflows.model.profile import PartRule

_NAMED = 8
#: How people call several of a kind.
PLURAL = {
    PartKind.CPU: "CPUs",
    PartKind.DIMM: "DIMMs",
    PartKind.GPU: "GPUs",
    PartKind.NIC: "network adapters",
    PartKind.DISK: "disks",
    PartKind.PSU: "power supplies",
}


def shortcomings(report: HardwareReport, rules: Iterable[PartRule], known: HardwareReport | None) -> tuple[str, ...]:
    """What the profile demands and the machine doesn't have, a sentence each with the place; nothing where it fits.

    ``known`` is what an earlier run saw in this machine.
    """
    found = []
    for rule in rules:
        fitting = [p for p in report.parts(rule.kind) if _fits(p, rule)]
        if len(fitting) < rule.count:
            found.append(_missing(report, rule, fitting, known))
        found += [said for p in fitting if (said := _slow(p, rule))]
    return tuple(found)


def surplus(report: HardwareReport, rules: Sequence[PartRule]) -> tuple[str, ...]:
    """Parts of a demanded kind that no rule asks for, by kind: told, and no reason to stop."""
    found = []
    for kind in dict.fromkeys(rule.kind for rule in rules):
        wanted, there = sum(rule.count for rule in rules if rule.kind is kind), len(report.parts(kind))
        if there > wanted:
            found.append(f"{there} {PLURAL[kind]}, the profile asks for {wanted}")
    return tuple(found)


def changes(now: HardwareReport, known: HardwareReport) -> tuple[str, ...]:
    """Parts with a serial that came, went or were swapped since an earlier run saw the machine, by place."""
    found = []
    for kind in PartKind:
        before, after = ({p.where: p.serial for p in r.parts(kind) if p.serial} for r in (known, now))
        for place in sorted(before.keys() | after.keys()):
            was, is_now = before.get(place), after.get(place)
            if was != is_now:
                found.append(f"{kind} {place}: {was or 'nothing'} before, {is_now or 'nothing'} now")
    return tuple(found)


def _fits(part: Part, rule: PartRule) -> bool:
    size = getattr(part, "size", None)
    return (rule.model is None or rule.model.lower() in (part.model or "").lower()) and (
        rule.min_bytes is None or (size is not None and size >= rule.min_bytes)
    )


def _missing(report: HardwareReport, rule: PartRule, fitting: Sequence[Part], known: HardwareReport | None) -> str:
    there = report.parts(rule.kind)
    count = f"{len(fitting)} of {rule.count} {PLURAL[rule.kind]}{_wanted(rule)}"
    if not there:
        why = f"; what could not be read: {'; '.join(report.gaps[:3])}" if report.gaps else ""
        return f"{count}: the BMC shows none at all (power is {report.power}{why})"
    lacking = _listed(_empty_places(report, rule, known))
    others = _listed(f"{p.where} has {_what(p)}" for p in there if p not in fitting)
    where = "; ".join(filter(None, (lacking, others))) or f"there are {_listed(p.where for p in fitting)}"
    return f"{count}: {where}"


def _empty_places(report: HardwareReport, rule: PartRule, known: HardwareReport | None) -> list[str]:
    """The places that lack their part, from the surest witness that names any."""
    there = {word for p in report.parts(rule.kind) for word in (p.where, p.name)}
    demanded = [f"{place} is missing" for place in rule.places if place not in there]
    shown = [f"{slot.place} is empty" for slot in report.empty if slot.kind is rule.kind]
    before = known.parts(rule.kind) if known is not None else ()
    gone = [f"{p.where} held {_what(p)} before" for p in before if p.where not in there]
    return demanded or shown or gone


def _slow(part: Part, rule: PartRule) -> str:
    if rule.pcie is None:
        return ""
    link, wanted = part.pcie, f"Gen{rule.pcie}" + (f" x{rule.lanes}" if rule.lanes is not None else "")
    if link is None:
        return f"{rule.kind} {part.where} shows no PCIe link, {wanted} is demanded"
    lanes = rule.lanes is None or (link.lanes is not None and link.lanes >= rule.lanes)
    if link.generation >= rule.pcie and lanes:
        return ""
    return f"{rule.kind} {part.where} links at {link}, {wanted} is demanded: look at its riser, cable and seat"


def _wanted(rule: PartRule) -> str:
    size = f"of at least {rule.min_bytes / 2**30:.0f} GiB" if rule.min_bytes is not None else ""
    words = " ".join(filter(None, (rule.model, size)))
    return f" ({words})" if words else ""


def _what(part: Part) -> str:
    size = getattr(part, "size", None)
    words = (
        part.model,
        f"{size / 2**30:.0f} GiB" if size else None,
        f"serial {part.serial}" if part.serial else None,
    )
    return ", ".join(filter(None, words)) or "no model that the BMC tells"


def _listed(words: Iterable[str]) -> str:
    every = list(words)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return f"{', '.join(every[:_NAMED])}{more}" if every else ""
