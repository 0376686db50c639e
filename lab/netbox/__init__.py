"""A throwaway NetBox for tests and the demo: installs it, serves it on loopback, seeds it, resets it. Never a real one."""
