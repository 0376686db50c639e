"""The only code that touches BMCs, processes and secrets. Implements the engine's ports."""
