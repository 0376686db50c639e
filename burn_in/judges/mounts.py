"""Storage mounts: exactly the wanted source and options are in force, and a file written there comes back the same."""

import json
from collections.abc import Sequence

from burn_in.bundle import CommandRecord
from burn_in.judges.verdicts import Want, error, judged
from burn_in.readers.mountinfo import MountPoint
from workflows.model.desired import Mount
from workflows.model.verdict import Action, Check

_NOT_IN_FORCE = ("defaults", "auto", "noauto", "nofail", "_netdev", "bg", "fg", "user", "nouser", "users")
"""Options for mount(8), fstab and systemd only: the kernel never shows them."""

_SAME_TYPE = {"nfs": ("nfs", "nfs4")}


def judge_mount(mount: Mount, mounts: Sequence[MountPoint], trial: CommandRecord | None) -> tuple[Check, ...]:
    """One wanted mount. ``trial`` is the probe's attempt to write and read back; None where it never ran."""
    found = next(
        (m for m in reversed(mounts) if m.target == mount.target.rstrip("/") or m.target == mount.target), None
    )
    if found is None:
        return (_check("mount.present", mount, False, "not mounted", mount.source, Action.RECONFIGURE),)
    missing = [o for o in mount.options if not _in_force(o, found.options)]
    writable = "ro" in mount.options or ("rw" in found.options and "ro" not in found.options)
    checks = [
        _check("mount.present", mount, found.source == mount.source, found.source, mount.source, Action.RECONFIGURE),
        _check(
            "mount.type",
            mount,
            found.fstype in _SAME_TYPE.get(mount.fstype, (mount.fstype,)),
            found.fstype,
            mount.fstype,
            Action.RECONFIGURE,
        ),
        _check(
            "mount.options",
            mount,
            not missing,
            f"not in force: {', '.join(missing)}" if missing else "all in force",
            ",".join(mount.options) or "none",
            Action.RECONFIGURE,
        ),
        _check(
            "mount.writable",
            mount,
            writable,
            "writable" if "rw" in found.options and "ro" not in found.options else "read only",
            "as the inventory asks",
            Action.SERVICE,
        ),
    ]
    return (*checks, *(() if "ro" in mount.options else (_trial(mount, trial),)))


def _in_force(option: str, options: frozenset[str]) -> bool:
    """Whether the kernel shows the option; ``vers=4`` is met by any 4.x, ``nfsvers`` is another word for ``vers``."""
    if option in _NOT_IN_FORCE or option.startswith("x-"):
        return True
    name, equals, value = option.partition("=")
    if name in ("vers", "nfsvers") and equals:
        return any(o == f"vers={value}" or o.startswith(f"vers={value}.") for o in options)
    return option in options


def _trial(mount: Mount, trial: CommandRecord | None) -> Check:
    expected = "written, synced and read back the same"
    if trial is None:
        return error("mount.trial", mount.target, "the probe did not come to this mount")
    if trial.timed_out:
        late = f"no answer within {trial.seconds:g} s: the server hangs or is gone"
        return _check("mount.trial", mount, False, late, expected, Action.SERVICE)
    if not trial.whole:
        return _check("mount.trial", mount, False, trial.trouble, expected, Action.SERVICE)
    try:
        said = json.loads(trial.stdout)
        if said.get("mounted") is False:
            return _check("mount.trial", mount, False, "not a mount point", expected, Action.RECONFIGURE)
        written, read, size = str(said["written"]), str(said["read"]), int(said["bytes"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return error("mount.trial", mount.target, "the probe's answer for this mount is unreadable")
    same = written == read and size > 0 and written != ""
    return _check(
        "mount.trial", mount, same, f"{size} bytes, {'the same' if same else 'changed'}", expected, Action.SERVICE
    )


def _check(check: str, mount: Mount, good: bool, measured: str, expected: str, action: Action) -> Check:
    return judged(check, mount.target, measured, good, Want(expected, "inventory", action))
