"""Judges: pure functions of records, wish and thresholds to checks. A value that is missing is never a pass."""
