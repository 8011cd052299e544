"""Shared test code: fakes, message builders, process runners."""
