"""The one error of all readers."""


class Unreadable(ValueError):
    """The text is not what the tool prints; the message says what was missing. Its judge says ERROR, never a pass."""
