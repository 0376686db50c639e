"""How people see and ask: read models and commands only."""
