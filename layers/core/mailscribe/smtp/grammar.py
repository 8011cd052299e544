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

# UTF8-non-ascii extends atext, qtextSMTP, sub-domain and esmtp-value (RFC 6531 §3.3); U+FFFD stands for octets that
# were no UTF-8, C1 controls and surrogates are none of it.
NON_ASCII: Final = "\u00a0-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff"
_UTF8_ATEXT: Final = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{NON_ASCII}-]"
_UTF8_LOCAL: Final = (
    rf"(?:{_UTF8_ATEXT}+(?:\.{_UTF8_ATEXT}+)*" + rf'|"(?:[ !#-\[\]-~{NON_ASCII}]|\\[ -~{NON_ASCII}])*")'
)
_UTF8_SUB_DOMAIN: Final = rf"[A-Za-z0-9_{NON_ASCII}]+(?:-+[A-Za-z0-9_{NON_ASCII}]+)*"
MAILBOX_UTF8: Final = re.compile(
    rf"(?P<local>{_UTF8_LOCAL})@(?P<domain>{_UTF8_SUB_DOMAIN}(?:\.{_UTF8_SUB_DOMAIN})*|{ADDRESS_LITERAL})"
)

# Path = "<" [ A-d-l ":" ] Mailbox ">": where it ends; a quoted string may hold any delimiter.
BRACKETED: Final = re.compile(r'<((?:[^"<>\s]++|"(?:[^"\\]|\\.)*+")*+)>')
UNBRACKETED: Final = re.compile(r'((?:[^"<>\s]++|"(?:[^"\\]|\\.)*+")++)')

# ehlo = "EHLO" SP ( Domain / address-literal )
# A fully-qualified name: more than one label, and the last is no number (RFC 3696 §2).
QUALIFIED_NAME: Final = re.compile(rf"(?:{SUB_DOMAIN}\.)+(?![0-9]+\.?$){SUB_DOMAIN}\.?|{ADDRESS_LITERAL}")

# esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
# esmtp-value = 1*(%d33-60 / %d62-126) ; RFC 6531 adds UTF8-non-ascii
ESMTP_PARAMETER: Final = re.compile(rf"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[!-<>-~{NON_ASCII}]+))?")

# size-value = 1*20DIGIT (RFC 1870 §3)
SIZE_VALUE: Final = re.compile(r"[0-9]{1,20}")
# body-value = "7BIT" / "8BITMIME" (RFC 6152 §3) / "BINARYMIME" (RFC 3030 §3)
BODY_VALUE: Final = re.compile(r"(?i:7BIT|8BITMIME|BINARYMIME)")

# xtext = *( xchar / hexchar ) ; xchar = %d33-42 / %d44-60 / %d62-126 ; hexchar = "+" 2( %x30-39 / %x41-46 )
# (RFC 3461 §4); an encoded control is refused: it would be one in whatever is made of it.
_XCHAR: Final = r"(?:[!-*,-<>-~]|\+(?![01]|7F)[0-9A-F]{2})"
XTEXT: Final = rf"{_XCHAR}{{1,500}}"
# ret-value = "FULL" / "HDRS" (RFC 3461 §4.3)
RET_VALUE: Final = re.compile(r"(?i:FULL|HDRS)")
# envid-parameter = "ENVID=" xtext, at most 100 characters (§4.4)
ENVID_VALUE: Final = re.compile(rf"{_XCHAR}{{1,100}}")
# notify-esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" ) (§4.1)
_NOTIFY: Final = "(?:SUCCESS|FAILURE|DELAY)"
NOTIFY_VALUE: Final = re.compile(rf"(?i:NEVER|{_NOTIFY}(?:,{_NOTIFY}){{0,2}})")
# original-recipient-address = addr-type ";" xtext (§4.2), or utf-8 in one of the forms of RFC 6533 §3
ORCPT_VALUE: Final = re.compile(
    rf"(?i:utf-8);(?:{_XCHAR}|[{NON_ASCII}]|\\x\{{[0-9A-Fa-f]{{2,6}}\}}){{1,500}}|[A-Za-z0-9-]{{1,60}};{XTEXT}"
)
# AUTH= ( xtext / "<>" ) (RFC 4954 §5)
SUBMITTER_VALUE: Final = re.compile(rf"<>|{XTEXT}")

# chunk-size SP / end-marker: BDAT 1*20DIGIT [ SP "LAST" ] (RFC 3030 §2)
CHUNK: Final = re.compile(r"(?P<size>[0-9]{1,20})(?:[ \t]+(?P<last>(?i:LAST)))?")

# sasl-mech = 1*20mech-char ; UPPER-ALPHA / DIGIT / HYPHEN / UNDERSCORE (RFC 4422 §3.1)
MECHANISM: Final = re.compile(r"(?P<mechanism>[A-Za-z0-9_-]{1,20})(?:[ \t]+(?P<initial>\S+))?")

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

# What a browser or scanner says first, and the first line of a header that lost its session.
HTTP_METHODS: Final = frozenset(("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PRI"))
HEADER_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*:")
