"""InfiniBand: each port that the inventory names is registered in the subnet, seen from the node *and* from the manager.

An Active port proves nothing: it stays Active with its old LID after its manager died. So five things must agree: the
port is up with a LID, its own ``sminfo`` reaches a master, the manager's side reaches a master, that side finds the port
by its GUID, and the LID belongs to this GUID there.
"""

from collections.abc import Mapping, Sequence

from burn_in.guid import plain_guid
from burn_in.judges.verdicts import Want, judged
from burn_in.readers.ibstat import IbPort
from burn_in.readers.sminfo import SubnetManagerInfo
from burn_in.subnet_manager import SubnetView
from workflows.model.desired import Interface
from workflows.model.profile import Sku
from workflows.model.verdict import Action, Check, Verdict

_LAST_UNICAST_LID = 0xBFFF
_NODE, _SUBNET = "the node's ibstat and sminfo", "the subnet manager's side"


def wanted_guids(interfaces: Sequence[Interface]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """GUIDs of the interfaces that the inventory gives one, and the texts there that are none."""
    texts = [i.guid for i in interfaces if i.guid]
    plain = [plain_guid(t) for t in texts]
    return tuple(p for p in plain if p), tuple(t for t, p in zip(texts, plain, strict=True) if p is None)


def judge_inventory(sku: Sku, interfaces: Sequence[Interface]) -> tuple[Check, ...]:
    """Before anything is measured: the inventory names as many distinct GUIDs as the sku has ports."""
    good, bad = wanted_guids(interfaces)
    right = not bad and len(set(good)) == len(good) == sku.infiniband_ports
    return (
        Check(
            id="infiniband.inventory",
            verdict=Verdict.PASS if right else Verdict.FAIL,
            measured=f"{len(set(good))} distinct GUIDs" + (f", and {', '.join(bad)[:100]}" if bad else ""),
            expected=f"{sku.infiniband_ports} ports",
            source=f"sku {sku.name}",
            message="" if right else "the inventory's port GUIDs do not match the sku",
            action=Action.NONE if right else Action.CORRECT,
            advice="" if right else "correct the interfaces' WWN in the inventory, or the sku",
        ),
    )


def judge_port(
    sku: Sku,
    guid: str,
    ports: Sequence[IbPort],
    managers: Mapping[str, SubnetManagerInfo | None],
    view: SubnetView | None,
) -> tuple[Check, ...]:
    """One port. ``managers``: who answered ``sminfo`` through DEVICE/PORT; ``view`` None: nobody could be asked."""
    entity = f"0x{guid}"
    port = next((p for p in ports if p.guid == guid), None)
    if port is None:
        return (_seen("infiniband.port", entity, "no such port on the node", "present", _NODE, False, Action.RE_CABLE),)
    return (
        *_seen_from_node(sku, entity, port, managers.get(f"{port.device}/{port.port}")),
        *_seen_from_subnet(entity, guid, port, view),
    )


def _seen_from_node(sku: Sku, entity: str, port: IbPort, manager: SubnetManagerInfo | None) -> list[Check]:
    up = port.state == "Active" and port.physical_state == "LinkUp" and port.infiniband
    lid = 0 < port.lid <= _LAST_UNICAST_LID and 0 < port.sm_lid <= _LAST_UNICAST_LID
    answered = f"master at LID {manager.lid}" if manager and manager.master else "no master answered"
    checks = [
        _seen(
            "infiniband.port",
            entity,
            f"{port.state}, {port.physical_state}, {port.link_layer}",
            "Active, LinkUp, InfiniBand",
            _NODE,
            up,
            Action.RE_CABLE,
        ),
        _seen(
            "infiniband.lid",
            entity,
            f"LID {port.lid}, manager's LID {port.sm_lid}",
            "both given",
            _NODE,
            lid,
            Action.SUBNET_MANAGER,
        ),
        _seen(
            "infiniband.manager",
            entity,
            answered,
            f"a master at LID {port.sm_lid}",
            _NODE,
            manager is not None and manager.master and manager.lid == port.sm_lid,
            Action.SUBNET_MANAGER,
        ),
    ]
    if sku.infiniband_rate_gbps is not None:
        wanted = sku.infiniband_rate_gbps
        checks.append(
            _seen(
                "infiniband.rate",
                entity,
                f"{port.rate_gbps:g} Gb/s",
                f"{wanted} Gb/s",
                f"sku {sku.name}",
                port.rate_gbps == wanted,
                Action.RE_CABLE,
            )
        )
    return checks


def _seen_from_subnet(entity: str, guid: str, port: IbPort, view: SubnetView | None) -> list[Check]:
    if view is None:
        return [
            Check(
                id="infiniband.registered",
                entity=entity,
                verdict=Verdict.ERROR,
                expected="asked on the subnet manager's side",
                message="no way to ask the subnet manager is configured, so the registration is not proven",
                action=Action.CORRECT,
                advice="configure subnet_manager for the site",
            )
        ]
    owner = f"LID {port.lid} is 0x{view.record.port_guid}" if view.record else f"nobody has LID {port.lid}"
    same = view.record is not None and view.record.port_guid == guid and view.record.lid == port.lid
    master = view.manager is not None and view.manager.master
    why = f" ({'; '.join(view.trouble)})" if view.trouble else ""
    return [
        _seen(
            "infiniband.subnet_manager",
            entity,
            f"master at LID {view.manager.lid}" if view.manager and master else f"no master{why}",
            "a master",
            _SUBNET,
            master,
            Action.SUBNET_MANAGER,
        ),
        _seen(
            "infiniband.registered",
            entity,
            f"reached by GUID as {view.description!r}" if view.description else f"not reached by GUID{why}",
            "reached by GUID",
            _SUBNET,
            bool(view.description),
            Action.RE_CABLE,
        ),
        _seen(
            "infiniband.registered_lid", entity, owner, f"this GUID at {port.lid}", _SUBNET, same, Action.SUBNET_MANAGER
        ),
    ]


def _seen(check: str, entity: str, measured: str, expected: str, source: str, good: bool, action: Action) -> Check:
    return judged(check, entity, measured, good, Want(expected, source, action))
