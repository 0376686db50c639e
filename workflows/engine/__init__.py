"""The engine: decide, lease, runner, worker, reconciler, the step contract and the ports. Knows ports, never drivers."""
