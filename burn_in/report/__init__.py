"""What people get of a burn-in: one page and one JSON a run, whole in themselves, and the bundle for a repair."""
