"""mailscribe: every SMTP conversation word for word, every message a queryable record."""

__version__ = "0.1.0"
