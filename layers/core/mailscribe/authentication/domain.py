"""Domain names as checks use them: A-labels in lower case without a final dot (RFC 5890, RFC 8616).

    sub-domain = Let-dig [Ldh-str]          ; RFC 5321 §4.1.2; "_" is allowed too, selectors have it

Names of internationalised mail are brought to A-labels. What is no name of the DNS is None.
"""

import re

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_LABEL_MOST = 63
_NAME_MOST = 253


def dns_name(text: str) -> str | None:
    """A name as it is asked for, or None.

    >>> dns_name("Exämple.ORG"), dns_name("a..b"), dns_name("-a.b")
    ('xn--exmple-cua.org', None, None)
    """
    if len(text) > _NAME_MOST:
        return None
    try:
        labels = [_a_label(label) for label in text.lower().removesuffix(".").split(".")]
    except UnicodeError:
        return None
    name = ".".join(labels)
    is_valid = all(len(label) <= _LABEL_MOST and _LABEL.fullmatch(label) for label in labels)
    return name if is_valid and len(name) <= _NAME_MOST else None


def is_within(name: str, parent: str) -> bool:
    """Whether a name is another one or below it; both as `dns_name` gives them.

    >>> is_within("mail.example.org", "example.org"), is_within("example.org", "ample.org")
    (True, False)
    """
    return name == parent or name.endswith("." + parent)


def _a_label(label: str) -> str:
    return label if label.isascii() else label.encode("idna").decode("ascii").lower()
