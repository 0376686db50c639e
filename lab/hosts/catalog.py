"""The mirror's packages, as one table: names, versions and dependencies as the vendors' repositories have them.

Sources: names and version shapes of NVIDIA's ``debian12`` and ``ubuntu2404`` repositories from branch 570 on, Fabric
Manager's change of name at 580 (gpu-driver-container). The contents are the lab's. The dependencies are what matters: some
of a driver's parts ask for exactly its version and some for at least it, so that apt alone doesn't bring all of them back.
"""

import platform

from lab.hosts.package import Package, unit

DRIVERS = ("570.172.08", "580.95.05", "580.105.08")
_KERNEL = platform.release()
_RENAMED_AT = 580
_DKMS = r"""#!/bin/sh
# Builds by writing down what it was asked for. Without headers a module is only added, and that is no error: as in DKMS.
set -e
tree=/var/lib/dkms kernel=$(uname -r)
case "$1" in
install)
    module=$2 version=$3 licence=$4
    mkdir -p "$tree/$module/$version"
    printf '%s' "$licence" > "$tree/$module/$version/licence"
    if [ -d "/lib/modules/$kernel/build" ]; then
        mkdir -p "/lib/modules/$kernel/updates/dkms"
        printf 'version: %s\nlicense: %s\n' "$version" "$licence" > "/lib/modules/$kernel/updates/dkms/$module.ko"
    else
        echo "Module build for kernel $kernel was skipped: the kernel headers for this kernel do not seem to be installed."
    fi ;;
autoinstall)
    for at in "$tree"/*/*/; do
        [ -e "$at/licence" ] || continue
        version=$(basename "$at") module=$(basename "$(dirname "$at")")
        "$0" install "$module" "$version" "$(cat "$at/licence")"
    done ;;
remove)
    rm -rf "$tree/$2/$3" "/lib/modules/$kernel/updates/dkms/$2.ko"
    rmdir "$tree/$2" 2> /dev/null || true ;;
status)
    for at in "$tree"/*/*/; do
        [ -e "$at/licence" ] || continue
        version=$(basename "$at") module=$(basename "$(dirname "$at")")
        state=added where=
        grep -qs "^version: $version$" "/lib/modules/$kernel/updates/dkms/$module.ko" && state=installed
        [ "$state" = added ] || where=", $kernel, x86_64"
        echo "$module/$version$where: $state"
    done ;;
esac
"""
_NVIDIA_SMI = """\
#!/bin/sh
# The library's version is this package's; the driver's is that of the module in the kernel.
loaded=$(sed -n 's/.*Module *\\(for x86_64\\)\\? *\\([0-9.]*\\)  .*/\\2/p' /proc/driver/nvidia/version 2> /dev/null)
[ -n "$loaded" ] || {{ echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." ; exit 9; }}
[ "$loaded" = {version} ] || {{ echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18; }}
echo "$loaded"
"""


def distribution() -> list[Package]:
    """What a distribution's own mirror gives."""
    headers = {f"usr/src/linux-headers-{_KERNEL}/Makefile": "# stand-in\n"}
    link = f"mkdir -p /lib/modules/{_KERNEL}; ln -sfn /usr/src/linux-headers-{_KERNEL} /lib/modules/{_KERNEL}/build"
    return [
        Package("dkms", "3.0.10-8", files={"usr/sbin/dkms": _DKMS}),
        Package(
            f"linux-headers-{_KERNEL}",
            "6.1.0-1",
            files=headers,
            scripts={
                "postinst": f"{link}; [ ! -x /usr/sbin/dkms ] || dkms autoinstall",
                "postrm": f"rm -f /lib/modules/{_KERNEL}/build",
            },
        ),
    ]


def cuda_repository() -> list[Package]:
    """NVIDIA's repository of drivers."""
    return [package for version in DRIVERS for package in (*_driver(version), _fabric_manager(version))]


def _driver(version: str) -> list[Package]:
    full = f"{version}-1"
    return [
        Package("nvidia-open", full, depends=f"nvidia-driver-cuda (>= {full}), nvidia-kernel-open-dkms (= {full})"),
        Package("cuda-drivers", full, depends=f"nvidia-driver-cuda (>= {full}), nvidia-kernel-dkms (= {full})"),
        _module("nvidia-kernel-open-dkms", version, "Dual MIT/GPL", conflicts="nvidia-kernel-dkms"),
        _module("nvidia-kernel-dkms", version, "NVIDIA", conflicts="nvidia-kernel-open-dkms"),
        Package(
            "nvidia-driver-cuda",
            full,
            depends=f"nvidia-persistenced (>= {full})",
            files={"usr/bin/nvidia-smi": _NVIDIA_SMI.format(version=version)},
        ),
        Package("nvidia-persistenced", full, files=unit("nvidia-persistenced.service", "NVIDIA Persistence Daemon")),
    ]


def _module(name: str, version: str, licence: str, conflicts: str) -> Package:
    return Package(
        name,
        f"{version}-1",
        depends="dkms",
        conflicts=conflicts,
        scripts={
            "postinst": f'dkms install nvidia {version} "{licence}"; update-initramfs -u',
            "prerm": f"dkms remove nvidia {version}",
        },
    )


def _fabric_manager(version: str) -> Package:
    branch = int(version.partition(".")[0])
    name = "nvidia-fabricmanager" if branch >= _RENAMED_AT else f"nvidia-fabricmanager-{branch}"
    return Package(
        name,
        f"{version}-1",
        conflicts="" if branch >= _RENAMED_AT else "nvidia-fabricmanager",
        files=unit("nvidia-fabricmanager.service", "NVIDIA fabric manager service")
        | {"usr/bin/nv-fabricmanager": f"#!/bin/sh\necho 'Fabric Manager version is : {version}'\n"},
    )
