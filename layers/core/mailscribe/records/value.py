"""Base of all records."""

from msgspec import Struct


class Value(Struct, frozen=True, rename="camel", kw_only=True):
    """Base of all records: frozen, compared by value, camelCase in JSON."""
