"""Octets to text by a charset label that may be wrong, with the fallbacks of the web and of mail.

No label, us-ascii and labels that say nothing: UTF-8 where valid, else windows-1252 as WHATWG defines it (total:
every octet has a character). Labels are looked up in one table, never handed to the codec registry, and read
as what their senders meant (iso-8859-1 is windows-1252, gb2312 is gb18030, ks_c_5601 is cp949).
A text that breaks its charset keeps its readable part with U+FFFD for the rest, unless hardly anything is
readable: then the fallback is used; both count as a problem. No lone surrogates come out.
"""

import re
from codecs import charmap_decode, getincrementaldecoder
from functools import lru_cache
from typing import NamedTuple

GUESS = ""
"""the codec name of labels that say nothing: UTF-8 where valid, else windows-1252"""

# codec: the labels it is known by, without punctuation and in lower case. Python names may be labels too.
_LABELS = {
    GUESS: "usascii ascii ansix341968 ansix341986 iso646us 646 us isoir6 cp367 ibm367 csascii 7bit 8bit binary"
    " unknown8bit unknown xunknown default none null usacsii",
    "utf-8": "utf8 unicode11utf8 utf8mb4 xutf8 utf8n csutf8",
    "utf-7": "utf7 unicode11utf7 csunicode11utf7 csutf7 unicode20utf7",
    "utf-16": "utf16 ucs2 iso10646ucs2 unicode csunicode",
    "utf-16-le": "utf16le unicodefffe",
    "utf-16-be": "utf16be",
    "utf-32": "utf32 ucs4 iso10646ucs4",
    "utf-32-le": "utf32le",
    "utf-32-be": "utf32be",
    "cp1252": "windows1252 cp1252 xcp1252 iso88591 iso885911987 88591 latin1 l1 isoir100 cp819 ibm819 csisolatin1"
    " ansi xansi westerneuropean",
    "iso8859_2": "iso88592 iso885921987 88592 latin2 l2 isoir101 csisolatin2",
    "iso8859_3": "iso88593 iso885931988 latin3 l3 isoir109 csisolatin3",
    "iso8859_4": "iso88594 iso885941988 latin4 l4 isoir110 csisolatin4",
    "iso8859_5": "iso88595 iso885951988 cyrillic isoir144 csisolatincyrillic",
    "iso8859_6": "iso88596 iso885961987 iso88596e iso88596i arabic isoir127 asmo708 ecma114 csisolatinarabic",
    "iso8859_7": "iso88597 iso885971987 greek greek8 isoir126 elot928 ecma118 csisolatingreek suneugreek",
    "iso8859_8": "iso88598 iso885981988 iso88598e iso88598i hebrew visual logical isoir138 csisolatinhebrew",
    "cp1254": "iso88599 iso885991989 latin5 l5 isoir148 csisolatin5 windows1254 cp1254 xcp1254 turkish",
    "iso8859_10": "iso885910 iso8859101992 latin6 l6 isoir157 csisolatin6",
    "cp874": "iso885911 iso8859112001 tis620 windows874 cp874 dos874 thai",
    "iso8859_13": "iso885913 latin7 l7",
    "iso8859_14": "iso885914 latin8 l8 isoceltic",
    "iso8859_15": "iso885915 latin9 l9 latin0 csisolatin9",
    "iso8859_16": "iso885916 latin10 l10",
    "cp1250": "windows1250 cp1250 xcp1250",
    "cp1251": "windows1251 cp1251 xcp1251 win1251",
    "cp1253": "windows1253 cp1253 xcp1253",
    "cp1255": "windows1255 cp1255 xcp1255",
    "cp1256": "windows1256 cp1256 xcp1256",
    "cp1257": "windows1257 cp1257 xcp1257",
    "cp1258": "windows1258 cp1258 xcp1258",
    "koi8_r": "koi8r koi8 koi cskoi8r",
    "koi8_u": "koi8u koi8ru",
    "mac_roman": "macintosh macroman xmacroman mac csmacintosh",
    "mac_cyrillic": "maccyrillic xmaccyrillic xmacukrainian",
    "mac_latin2": "maclatin2 maccentraleurope xmacce",
    "mac_greek": "macgreek xmacgreek",
    "mac_turkish": "macturkish xmacturkish",
    "cp437": "cp437 ibm437 437",
    "cp737": "cp737 ibm737",
    "cp775": "cp775 ibm775",
    "cp850": "cp850 ibm850 850",
    "cp852": "cp852 ibm852 852",
    "cp855": "cp855 ibm855 855",
    "cp857": "cp857 ibm857",
    "cp858": "cp858 ibm858 ibm00858 cp00858",
    "cp860": "cp860 ibm860",
    "cp861": "cp861 ibm861",
    "cp862": "cp862 ibm862 dos862",
    "cp863": "cp863 ibm863",
    "cp864": "cp864 ibm864",
    "cp865": "cp865 ibm865",
    "cp866": "cp866 ibm866 866 csibm866",
    "cp869": "cp869 ibm869",
    "gb18030": "gb18030 gb2312 gbk xgbk cp936 ms936 windows936 gb231280 chinese csgb2312 csiso58gb231280 isoir58 euccn"
    " xeuccn",
    "hz": "hz hzgb2312",
    "big5hkscs": "big5 big5hkscs cnbig5 xxbig5 csbig5 xbig5 big5eten",
    "cp950": "cp950 ms950 windows950",
    "cp949": "cp949 ksc56011987 ksc56011989 ksc5601 euckr uhc ms949 windows949 korean cseuckr csksc56011987 isoir149"
    " xwindows949",
    "johab": "johab cp1361",
    "iso2022_kr": "iso2022kr csiso2022kr",
    "cp932": "cp932 shiftjis sjis xsjis windows31j ms932 mskanji csshiftjis cswindows31j windows932 xmscp932",
    "euc_jp": "eucjp xeucjp xeuc cseucpkdfmtjapanese ujis",
    "iso2022_jp": "iso2022jp csiso2022jp cp50220 cp50221 cp50222 iso2022jp1 iso2022jp2 csiso2022jp2 iso2022jpms jis",
    "ptcp154": "ptcp154 csptcp154 cp154 cyrillicasian",
    "kz1048": "kz1048 strk10482002 rk1048",
}
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
_PUNCTUATION = str.maketrans("", "", " -_:.,/+()\"'\t")
_LONGEST_LABEL = 64
_TRANSPARENT = frozenset({GUESS, "utf-8", "cp1252"})
"""codecs of most mail, in which ASCII octets are ASCII"""
_READABLE = 4
"""unreadable characters that one readable one beyond ASCII outweighs: windows-1252 is hardly ever valid UTF-8"""

_TABLE = "".join(
    chr(octet) if char == "�" else char for octet, char in enumerate(bytes(range(256)).decode("cp1252", "replace"))
)

# ISO 2022 (RFC 1468) escapes in octets: to the double-byte sets, to JIS X 0201 katakana, and back to ASCII.
_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([DOPQ]|\([A-Z])")
_HIGH = bytes(octet | 0x80 if 0x21 <= octet <= 0x7E else octet for octet in range(256))


class Decoded(NamedTuple):
    """Text, and whether the charset was unknown or the octets broke it (RFC 8621 isEncodingProblem)."""

    text: str
    is_problem: bool = False


def codec_of(label: str | None) -> str | None:
    """The codec of a charset label; `GUESS` for none and for us-ascii; None for a label nobody knows.

    >>> codec_of("ISO-8859-1"), codec_of("ks_c_5601-1987"), codec_of("us-ascii"), codec_of("x-foo")
    ('cp1252', 'cp949', '', None)
    """
    if not label:
        return GUESS
    return _codec(label) if len(label) <= _LONGEST_LABEL else None


@lru_cache(maxsize=256)
def _codec(label: str) -> str | None:
    return _CODECS.get(label.lower().translate(_PUNCTUATION)) if label.strip() else GUESS


def windows_1252(data: bytes) -> str:
    """Decode as WHATWG's windows-1252; never fails.

    >>> windows_1252(bytes([0x80, 0x81]))
    '€\\x81'
    """
    return charmap_decode(data, "strict", _TABLE)[0]


def guess(data: bytes) -> str:
    """Decode octets that nobody labelled: UTF-8 where valid, else windows-1252."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return windows_1252(data)


def decode(data: bytes, label: str | None, *, is_whole: bool = True) -> Decoded:
    """Decode octets of a labelled charset; never fails.

    With `is_whole=False` the octets are the beginning of a text: a character cut at the end is left out.

    >>> decode(b"gr\\xc3\\xbcn", "us-ascii")
    Decoded(text='grün', is_problem=False)
    """
    codec = codec_of(label)
    if codec is None:
        return Decoded(_guess(data, is_whole), is_problem=True)
    if codec in _TRANSPARENT and data.isascii():
        return Decoded(data.decode())
    if codec == GUESS:
        return Decoded(_guess(data, is_whole))
    if codec == "cp1252":
        return Decoded(windows_1252(data))
    try:
        text = _strict(data, codec, is_whole)
        return Decoded(text if codec == "utf-8" else _whole_characters(text))
    except UnicodeError:
        return Decoded(_whole_characters(_repair(data, codec, is_whole)), is_problem=True)


def _guess(data: bytes, is_whole: bool) -> str:
    try:
        return _strict(data, "utf-8", is_whole)
    except UnicodeError:
        return windows_1252(data)


def _strict(data: bytes, codec: str, is_whole: bool) -> str:
    return data.decode(codec) if is_whole else getincrementaldecoder(codec)("strict").decode(data)


def _repair(data: bytes, codec: str, is_whole: bool) -> str:
    if codec == "iso2022_jp":
        return _iso_2022_jp(data)
    if codec != "utf-8":
        try:
            return _strict(data, "utf-8", is_whole) if not data.isascii() else data.decode(codec, "replace")
        except UnicodeError:
            pass
    text = data.decode(codec, "replace")
    lost = text.count("�")
    kept = sum(map(len, re.findall(r"[^\x00-\x7f�]+", text)))
    return text if kept * _READABLE >= lost else windows_1252(data)


def _iso_2022_jp(data: bytes) -> str:
    """RFC 1468 with what is really sent: vendor characters, katakana, escapes that are not closed."""
    pieces = _ESCAPE.split(data)
    text = [guess(pieces[0])]
    for escape, octets in zip(pieces[1::2], pieces[2::2], strict=True):
        if escape == b"(I":
            text.append(octets.translate(_HIGH).decode("cp932", "replace"))
        elif escape[:1] == b"$":
            prefix = b"\x8f" if escape == b"$(D" else b""
            text.append(_double_byte(octets.translate(_HIGH), prefix))
        else:
            text.append(guess(octets))
    return "".join(text)


def _double_byte(octets: bytes, prefix: bytes) -> str:
    if prefix:
        octets = b"".join(prefix + octets[at : at + 2] for at in range(0, len(octets), 2))
    return octets.decode("euc_jis_2004", "replace")


def _whole_characters(text: str) -> str:
    """Without lone surrogates (UTF-7 can spell them): pairs become a character, others U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
