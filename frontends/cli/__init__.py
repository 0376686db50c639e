"""The command line: one file a group of commands, one for how things look. Read models and commands only."""
