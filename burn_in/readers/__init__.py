"""Readers: pure parsers of what tools print, to typed records. They raise ``Unreadable`` and nothing else."""
