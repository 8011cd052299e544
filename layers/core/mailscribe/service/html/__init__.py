"""A message as a page that is safe to open: HTML sanitised, text escaped, nothing loaded that was not asked for."""

from mailscribe.service.html.page import CUT, HTML_LIMIT, Page, message_page, policy_of

__all__ = ["CUT", "HTML_LIMIT", "Page", "message_page", "policy_of"]
