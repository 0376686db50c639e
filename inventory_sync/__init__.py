"""NetBox (or a directory of YAML files) to desired state, and outcomes back. Never decides what runs."""
