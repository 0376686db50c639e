"""``bringup site init``: everything that a site needs before its first start, from a handful of answers."""
