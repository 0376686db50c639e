"""The only code that imports ``nats``: every stream, subject, consumer and permission in one table."""
