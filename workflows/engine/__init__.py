"""The engine: decide, lease, runner, worker, reconciler, step contract and ports. Knows ports, never drivers."""
