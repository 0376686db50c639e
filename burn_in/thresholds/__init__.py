"""Thresholds are data: one YAML file a GPU model, each value with its source, date and method."""
