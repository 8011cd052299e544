"""The query: grammar → tree → one SQL statement, the documents it looks in, and the cursors between its pages.

No I/O: the statement is run by whoever holds an index of the schema that plan.py names.
"""

from mailscribe.query.cursor import CursorCodec
from mailscribe.query.document import message_document, message_summary, session_document, session_summary
from mailscribe.query.operators import OPERATORS, OperatorSpec
from mailscribe.query.parser import parse_query
from mailscribe.query.plan import Span, Statement, plan, spans
from mailscribe.query.tree import And, Moment, Node, Not, Operator, Or, Phrase, Prefix, Word, to_text

__all__ = [
    "OPERATORS",
    "And",
    "CursorCodec",
    "Moment",
    "Node",
    "Not",
    "Operator",
    "OperatorSpec",
    "Or",
    "Phrase",
    "Prefix",
    "Span",
    "Statement",
    "Word",
    "message_document",
    "message_summary",
    "parse_query",
    "plan",
    "session_document",
    "session_summary",
    "spans",
    "to_text",
]
