"""Which thread a message belongs to (RFC 8621 §3), from its own header alone: the same answer whenever it is asked.

A thread is named after the message that it began with: the first of References (RFC 5322 §3.6.4), else what In-Reply-To
names first, else the message itself. Nothing else is looked at, no other message and no subject, so mail in any order,
at once, again or made anew from the bucket gives the same threads. What that cannot do: a reply that names only its
parent, or whose References was cut at the front, begins a thread of its own, unless what it names is the beginning.
"""

import hashlib

type _Ids = tuple[str, ...] | None


def thread_id(message_id: _Ids, in_reply_to: _Ids, references: _Ids, own: str) -> str:
    """A name of 32 characters, `t` and hexadecimal digits; `own` is our id of a message that has no Message-ID.

    >>> thread_id(("2@x",), ("1@x",), ("1@x",), "") == thread_id(("1@x",), None, None, "")
    True
    """
    for ids in (references, in_reply_to, message_id):
        if ids:
            return _name(ids[0])
    return _name(f"\0{own}")


def _name(beginning: str) -> str:
    """No Message-ID holds a NUL, so none is taken for an id of ours."""
    return f"t{hashlib.sha256(beginning.encode('utf-8', 'replace')).hexdigest()[:31]}"
