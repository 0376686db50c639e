"""How long a program of the lab may take before it counts as hung."""

from datetime import timedelta

SOON = timedelta(minutes=2)
BUILDING = timedelta(minutes=15)
