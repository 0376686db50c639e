"""Runs inside NetBox's own environment: imports it once, forks its webhook worker, serves its web on a given socket.

``netbox_process.py DESCRIPTOR RUN``: makes the superuser, says so with the file ``RUN/prepared``, lets go of the
database until ``RUN/go`` exists (the template is copied then), and serves. The default worker forks for each job
(120 ms a webhook); ours in ``rq_worker`` doesn't (6-20 ms).
"""
# mypy: disable-error-code="import-not-found,import-untyped"

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """See above."""
    descriptor, run = int(sys.argv[1]), Path(sys.argv[2])
    token = os.environ.pop("NETBOX_LAB_TOKEN")
    from django.db import connections
    from django.urls import get_resolver
    from netbox.wsgi import application

    assert get_resolver().url_patterns
    _superuser(token)
    connections.close_all()
    (run / "prepared").touch()
    while not (run / "go").exists():
        time.sleep(0.02)
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        from django.core.management import call_command

        call_command("rqworker", "high", "default", "low", worker_class="rq_worker.LabWorker")
        os._exit(0)
    _web(application, descriptor)


def _superuser(token: str) -> None:
    from users.models import Token, User

    admin = User.objects.create_superuser(username="admin", email="admin@example.com", password=token)
    Token.objects.create(version=1, user=admin, token=token)


def _web(application: Any, descriptor: int) -> None:
    from gunicorn.app.base import BaseApplication

    class Web(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            wanted = {
                "bind": f"fd://{descriptor}",
                "workers": 1,
                "threads": 8,
                "timeout": 120,
                "preload_app": True,
                "graceful_timeout": 1,
                "control_socket_disable": True,
            }
            for name, value in wanted.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Any:
            return application

    Web().run()


if __name__ == "__main__":
    main()
