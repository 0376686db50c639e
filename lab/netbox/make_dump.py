"""Makes the empty migrated dump of a NetBox version anew: ``python -m lab.netbox.make_dump [VERSION]``.

Migrating an empty database takes six minutes on a quiet machine, restoring its dump one second.
"""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.netbox.install import VERSION, install
from lab.netbox.serve import POSTGRES
from lab.netbox.supervisor import Rack

_HERE = Path(__file__).parent


def make_dump(version: str, cache: Path, target: Path) -> None:
    """Install the version under ``cache``, migrate an empty database, and dump it to ``target`` (blocks, minutes)."""
    installation = install(cache, version=version)
    with tempfile.TemporaryDirectory(prefix="netbox-") as name:
        rack = Rack(Path(name), installation.python, target, POSTGRES[-1])
        try:
            rack.start_stores()
            migrate = [str(installation.root / "bin" / "netbox"), "migrate", "--no-input"]
            subprocess.run(migrate, check=True, env=rack.environment)
            tool = [str(POSTGRES[-1] / "pg_dump"), "-h", str(rack.run), "-U", "netbox", "netbox"]
            dump = subprocess.run(tool, check=True, capture_output=True).stdout
        finally:
            rack.stop()
    new = target.with_suffix(".new")
    new.write_bytes(gzip.compress(dump, mtime=0))
    new.replace(target)


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else VERSION
    make_dump(wanted, Path(".cache"), _HERE / f"empty-{wanted}.sql.gz")
