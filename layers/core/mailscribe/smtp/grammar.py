"""The grammar of SMTP commands: one named pattern per production, RFC 5321 §4.1.2 and §4.1.3 quoted.

Patterns are strings to be joined, or compiled where they are used whole. They decide syntax only: lengths,
meaning and replies are for the modules that use them. All of them run in linear time.
Departure, on purpose: a label may hold `_`, because names of containers and Windows hosts do.
"""

import re
from typing import Final

# atext (RFC 5322 §3.2.3); Atom = 1*atext; Dot-string = Atom *("." Atom)
ATEXT: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
DOT_STRING: Final = rf"{ATEXT}+(?:\.{ATEXT}+)*"

# Quoted-string = DQUOTE *QcontentSMTP DQUOTE
# qtextSMTP = %d32-33 / %d35-91 / %d93-126 ; quoted-pairSMTP = %d92 %d32-126
QUOTED_STRING: Final = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'

# Local-part = Dot-string / Quoted-string
LOCAL_PART: Final = rf"(?:{DOT_STRING}|{QUOTED_STRING})"

# sub-domain = Let-dig [Ldh-str] ; Domain = sub-domain *("." sub-domain)
SUB_DOMAIN: Final = r"[A-Za-z0-9_]+(?:-+[A-Za-z0-9_]+)*"
DOMAIN_NAME: Final = rf"{SUB_DOMAIN}(?:\.{SUB_DOMAIN})*"

# address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
# (no tag but IPv6 was ever registered, so General-address-literal is left out)
SNUM: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4: Final = rf"{SNUM}(?:\.{SNUM}){{3}}"
ADDRESS_LITERAL: Final = rf"\[(?:{IPV4}|(?i:IPv6):[0-9A-Fa-f:.]{{2,45}})\]"

# A-d-l = At-domain *( "," At-domain ) ; At-domain = "@" Domain
SOURCE_ROUTE: Final = re.compile(rf"(?:@{DOMAIN_NAME})(?:,@{DOMAIN_NAME})*:")

# Mailbox = Local-part "@" ( Domain / address-literal )
MAILBOX: Final = re.compile(rf"(?P<local>{LOCAL_PART})@(?P<domain>{DOMAIN_NAME}|{ADDRESS_LITERAL})")

# Path = "<" [ A-d-l ":" ] Mailbox ">": where it ends; a quoted string may hold any delimiter.
BRACKETED: Final = re.compile(r'<((?:[^"<>\s]++|"(?:[^"\\]|\\.)*+")*+)>')
UNBRACKETED: Final = re.compile(r'((?:[^"<>\s]++|"(?:[^"\\]|\\.)*+")++)')

# ehlo = "EHLO" SP ( Domain / address-literal )
# A fully-qualified name: more than one label, and the last is no number (RFC 3696 §2).
QUALIFIED_NAME: Final = re.compile(rf"(?:{SUB_DOMAIN}\.)+(?![0-9]+\.?$){SUB_DOMAIN}\.?|{ADDRESS_LITERAL}")

# esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
# esmtp-value = 1*(%d33-60 / %d62-126)
ESMTP_PARAMETER: Final = re.compile(r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[!-<>-~]+))?")

# size-value = 1*20DIGIT (RFC 1870 §3)
SIZE_VALUE: Final = re.compile(r"[0-9]{1,20}")
# body-value = "7BIT" / "8BITMIME" (RFC 6152 §3)
BODY_VALUE: Final = re.compile(r"(?i:7BIT|8BITMIME)")

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

# What a browser or scanner says first, and the first line of a header that lost its session.
HTTP_METHODS: Final = frozenset(("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PRI"))
HEADER_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*:")
