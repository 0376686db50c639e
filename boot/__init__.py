"""What machines pull from: boot scripts, artifacts, grants, phone-home, DHCP configuration, the agent's build."""
