"""``python -m app`` is the command ``bringup``."""

from app.main import main

main()
