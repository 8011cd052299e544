"""Search: questions answered from the tail and the sealed segments."""

from mailscribe.service.search.question import KINDS, Budget, Count, Page, Question, after
from mailscribe.service.search.search import Search
from mailscribe.service.search.warm import DAY_MS, HOUR_MS, OVERLAP_MS, QUIET_MS

__all__ = [
    "DAY_MS",
    "HOUR_MS",
    "KINDS",
    "OVERLAP_MS",
    "QUIET_MS",
    "Budget",
    "Count",
    "Page",
    "Question",
    "Search",
    "after",
]
