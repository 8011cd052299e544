"""Secrets never reach a transcript: what of a command line may be stored.

Masked are the arguments of AUTH in any case and spacing (RFC 4954), also behind a bare CR or LF and in a line
that is too long, every continuation line, and, once AUTH has been tried, each line that is no known verb: blind
clients go on after a refusal and send user name and password. The mask keeps the length.
"""

import re
from typing import Final

_AUTH_FIRST: Final = re.compile(rb"(?i)(?:^|[\x00-\x1f\x7f-\xff])[\x00-\x20]*AUTH")
_AUTH_ANYWHERE: Final = re.compile(rb"(?i)AUTH")
_MECHANISM: Final = re.compile(
    rb"(?i)[ \t]+(PLAIN|LOGIN|CRAM-MD5|DIGEST-MD5|SCRAM-SHA-(?:1|256|512)(?:-PLUS)?|NTLM|GSSAPI|EXTERNAL|ANONYMOUS"
    rb"|XOAUTH2?|OAUTHBEARER|OAUTH10A|SECURID|OTP|KERBEROS_V4)(?=[ \t]|$)"
)


class Mask:
    """Masks the lines of one session."""

    __slots__ = ("_blind",)

    def __init__(self) -> None:
        self._blind = False

    def apply(self, line: bytes, *, is_known: bool, missing: int = 0) -> bytes:
        """The line as it may be stored. `is_known`: it begins with a known verb; `missing`: octets cut off its end.

        >>> Mask().apply(b"auth  plain  AG1hYmxlAHNlY3JldA==", is_known=True)
        b'auth plain [masked 20]'
        """
        found = None
        if line.upper().find(b"AUTH") >= 0:
            found = _AUTH_FIRST.search(line) or (None if is_known else _AUTH_ANYWHERE.search(line))
        if found is not None:
            self._blind = True
            return self._auth(line[: found.end()], line[found.end() :], missing)
        if self._blind and not is_known:
            return _mask(len(line) + missing)
        return line

    @staticmethod
    def continuation(length: int) -> bytes:
        """A line of an AUTH exchange: nothing of it but its length."""
        return _mask(length)

    @staticmethod
    def _auth(head: bytes, rest: bytes, missing: int) -> bytes:
        mechanism = _MECHANISM.match(rest)
        if mechanism is not None:
            head, rest = head + b" " + mechanism[1], rest[mechanism.end() :]
        secret = len(rest.strip(b" \t")) + missing
        return head + b" " + _mask(secret) if secret else head


def _mask(length: int) -> bytes:
    return b"[masked %d]" % length
