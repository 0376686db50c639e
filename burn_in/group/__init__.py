"""Finds the bad node, cable or rail among many by tests between nodes. Pure: it says what to run and reads results."""
