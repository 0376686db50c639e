"""Ansible and SSH behind one port: every process runs under a supervisor that dies with the worker and leaves nothing."""
