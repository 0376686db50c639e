"""Schedulers: who gives jobs to nodes. They close and open nodes and say what runs there; nothing here ends a job."""
