"""Messages: octets to a record's values (RFC 5322, RFC 2045 and on, RFC 8621 §4.1).

`parse` never raises and never loses an octet: headers and parts are ranges over the octets given to it, and what
is wrong becomes a defect. Only the standard library, and none of its mail parser: that one is quadratic on some
headers and raises on others.
"""

from mailscribe.message.defects import EXPLANATIONS, Defect, DefectCode
from mailscribe.message.limits import LIMITS, Limits
from mailscribe.message.model import PARSER_VERSION, Address, Field, Group, ParsedMessage, Part, Received, Text
from mailscribe.message.parser import parse, parse_attached
from mailscribe.message.text import decode_part, part_text, plain_text

__all__ = [
    "EXPLANATIONS",
    "LIMITS",
    "PARSER_VERSION",
    "Address",
    "Defect",
    "DefectCode",
    "Field",
    "Group",
    "Limits",
    "ParsedMessage",
    "Part",
    "Received",
    "Text",
    "decode_part",
    "parse",
    "parse_attached",
    "part_text",
    "plain_text",
]
