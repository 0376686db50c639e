"""NetBox's webhook worker without a fork for each job, and with a fresh database connection for each: ours is reset."""
# mypy: disable-error-code="import-not-found,import-untyped"

from typing import Any

from django.db import connections
from rq import SimpleWorker


class LabWorker(SimpleWorker):  # type: ignore[misc]
    """Loaded by NetBox's ``rqworker`` by its path."""

    def perform_job(self, *arguments: Any, **options: Any) -> bool:
        """One job; a connection to a database that was dropped meanwhile would fail it, and lose the webhook."""
        connections.close_all()
        return bool(super().perform_job(*arguments, **options))
