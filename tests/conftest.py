"""Fixtures shared by all tests are registered here, one line each; their code is in ``tests/fixtures``."""

pytest_plugins: list[str] = [
    "pytester",
    "tests.fixtures.guarded",
    "tests.fixtures.hosts",
    "tests.fixtures.infiniband",
    "tests.fixtures.images",
    "tests.fixtures.kinds",
    "tests.fixtures.long",
    "tests.fixtures.nats",
    "tests.fixtures.netbox",
]
