"""What a site calls things in its NetBox: statuses, roles, custom fields, and which profile fits which hardware. Data."""

from workflows.model.desired import Intent
from workflows.model.record import Record


class FieldNames(Record):
    """Names of the custom fields. Those of ``READ`` are people's, those of ``WRITTEN`` are bringup's alone.

    What bringup writes is never projected, so that its own writes start nothing.
    """

    sku: str = "bringup_sku"
    release: str = "bringup_release"
    uuid: str = "bringup_uuid"
    credential: str = "bringup_bmc_credential"
    gateway: str = "gateway"

    state: str = "bringup_state"
    message: str = "bringup_message"
    run: str = "bringup_run"
    accepted_run: str = "bringup_accepted_run"
    accepted_at: str = "bringup_accepted_at"
    report: str = "bringup_report"

    @property
    def read_of_device(self) -> tuple[str, ...]:
        """The fields of a device that people fill."""
        return (self.sku, self.release, self.uuid, self.credential)

    @property
    def written(self) -> tuple[str, ...]:
        """The fields of a device that bringup fills."""
        return (self.state, self.message, self.run, self.accepted_run, self.accepted_at, self.report)


class ProfileRef(Record):
    """A sku, a release, or both, by name."""

    sku: str | None = None
    release: str | None = None


class SyncSettings(Record):
    """How one site's NetBox is read. The defaults fit a NetBox that ``bringup netbox init`` has set up.

    ``sites`` are the slugs of the NetBox sites served here; ``roles`` the slugs of the device roles that bringup manages.
    ``by_platform_role`` is keyed ``<platform slug>/<role slug>``, ``by_device_type`` by the device type's slug.
    ``fill_blanks`` lets bringup enter what a machine's BMC tells and the record doesn't: UUID, MACs, GUIDs.
    ``service_user`` is the account of our token: what it changed, no person changed. ``sender`` is the
    name of our own login at NATS, under which commands that people give by a status are sent. Times are in seconds,
    ``overlap`` is in ids of the change log.
    """

    sites: tuple[str, ...]
    roles: tuple[str, ...] = ("gpu-node",)
    statuses: dict[str, Intent] = {
        "planned": Intent.NOT_OURS,
        "inventory": Intent.NOT_OURS,
        "offline": Intent.NOT_OURS,
        "staged": Intent.SERVE,
        "active": Intent.SERVE,
        "failed": Intent.SERVE,
        "decommissioning": Intent.RETIRED,
    }
    start_status: str = "staged"
    accepted_status: str = "active"
    failed_status: str = "failed"
    protected_tag: str = "bringup-protected"
    fields: FieldNames = FieldNames()
    context_key: str = "bringup"
    credential: str = "bmc/default"
    fill_blanks: bool = False
    by_platform_role: dict[str, ProfileRef] = {}
    by_device_type: dict[str, ProfileRef] = {}

    service_user: str = "bringup"
    sender: str = "sync"
    resync_every: float = 3600.0
    changes_every: float = 15.0
    overlap: int = 1000
    retry_after: float = 5.0
