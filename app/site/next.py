"""What is left to do after ``site init``, in order: what can't be made from the answers, and isn't there yet."""

from pathlib import Path

from app.config import load_config
from app.site.answers import Answers


def next_steps(directory: Path, answers: Answers) -> list[str]:
    """Sentences for a person; each that is done already is left out."""
    directory = directory.resolve()
    config = load_config(directory / "site.yaml")
    bmc, token = (config.secrets / f"{name}.yaml" for name in ("bmc/default", "netbox/token"))
    left = []
    if not bmc.exists():
        left.append(
            f"Write the BMCs' login to {bmc} (mode 0600): username, password, and ca or fingerprint (docs/configuration.md)."
        )
    if config.netbox is not None and not token.exists():
        left.append(
            f"Hand `bringup -c {directory}/site.yaml netbox init --print` to NetBox's administrators; "
            f"write the token they give you to {token} (mode 0600, field token)."
        )
    if not any((config.profiles / "skus").glob("*.yaml")) or not any((config.profiles / "releases").glob("*.yaml")):
        left.append(
            f"Build or import an image (`bringup -c {directory}/site.yaml image build`), and write a sku and a release "
            f"below {config.profiles} (docs/configuration.md)."
        )
    if not Path("/etc/systemd/system/bringup-worker.service").exists():
        left.append(
            f"As root: cp {directory}/systemd/bringup.sysusers.conf /etc/sysusers.d/bringup.conf && systemd-sysusers && "
            f"install -d -o bringup -g bringup {answers.data} && chown -R bringup: {directory} {answers.data} && "
            f"cp {directory}/systemd/*.service /etc/systemd/system/ && systemctl daemon-reload && systemctl enable --now "
            "bringup-nats bringup-sync bringup-boot bringup-worker."
        )
    left.append(f"Once the NATS server runs: `bringup -c {directory}/site.yaml nats streams` makes the site's streams.")
    left.append(
        f"DHCP: {directory}/dhcp/dnsmasq.conf serves {answers.prefix} on {answers.interface}; "
        "or point your own server's iPXE clients at the boot service (README, step 7)."
    )
    left.append(
        f"Give each person his login: {directory}/secrets/nats/<name>.yaml, and to each host only what it runs "
        "(docs/configuration.md, NATS logins)."
    )
    left.append(
        f"`bringup -c {directory}/site.yaml doctor` proves each link. The mode is observe: nothing is touched yet."
    )
    return left
