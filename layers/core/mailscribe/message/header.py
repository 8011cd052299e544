"""Header field values: octets to raw text (RFC 8621 §4.1.2.1), raw text to readable text (§4.1.2.2).

Octets beyond ASCII are UTF-8 (RFC 6532) where valid, else windows-1252. Unfolding removes line ends and keeps
the white space after them (RFC 5322 §2.2.3). Readable text is decoded (RFC 2047) and in Unicode form NFC.
"""

import unicodedata

from mailscribe.message.charset import decode
from mailscribe.message.encoded_word import decode_words


def raw_text(octets: bytes, *, is_whole: bool = True) -> str:
    """The value as sent, without NUL; a character cut at the end is left out unless it `is_whole`.

    >>> raw_text(b" a\\x00\\r\\n b\\xe9")
    ' a\\r\\n bé'
    """
    text = decode(octets, None, is_whole=is_whole).text
    return text.replace("\0", "") if "\0" in text else text


def unfold(raw: str) -> str:
    """The value on one line, without white space around it.

    >>> unfold(" a\\r\\n\\tb ")
    'a\\tb'
    """
    if "\n" in raw or "\r" in raw:
        raw = raw.replace("\r", "").replace("\n", "")
    return raw.strip(" \t")


def unstructured(raw: str) -> str:
    """The value as a person reads it (RFC 8621 §4.1.2.2 Text).

    >>> unstructured(" =?utf-8?q?gr=C3=BCn?=\\r\\n stuff")
    'grün stuff'
    """
    return readable(unfold(raw))


def readable(text: str) -> str:
    """Unfolded text with its encoded words decoded, in NFC."""
    decoded = decode_words(text)
    return decoded if decoded.isascii() else unicodedata.normalize("NFC", decoded)
