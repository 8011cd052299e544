"""Where our reading of a message differs from another parser's, by name, and why ours stands.

A name is folder/number of a corpus message; an aspect is what `test_judges.py` compares. A difference that is not
listed fails a test, and so does an entry that no longer differs.
"""

RFC_8621 = "inline media are body parts by RFC 8621 §4.1.4; the golden lists them under attachments only"
COMMENT = "a comment inside a display name is left out; it is a name only where there is none (RFC 8621 §4.1.2.3)"
NO_ADDRESS = "a word without an @ is kept as the address (a local name), several as the name; the golden has no address"
GARBAGE = "text declared as base64 that is none: we decode what can be decoded, the golden shows the raw text"
OUTER_WINS = "an outer delimiter ends an inner multipart (RFC 2046 §5.1.2), also where both boundaries are the same"
LINE_START = "a delimiter begins a line (RFC 2046 §5.1.1); the golden takes one from the middle of a line"
EXACT = "a line that goes on after the boundary is no delimiter while others match exactly"
FIRST_TYPE = "of two Content-Type fields the first counts"
LAST_PART = "what no closing delimiter ends is text like any other, no attachment"
RAW = "a multipart whose parts cannot be told apart is shown as the text that it is"
NO_LINE = "text follows the fields without an empty line: it is the body, as for Python's parser"

# message of another parser's corpus: aspect: why we differ from its golden file
GOLDEN: dict[str, dict[str, str]] = {
    "rfc/000": {
        "text": GARBAGE,
        "problem": GARBAGE,
        "textBody": RFC_8621,
        "htmlBody": RFC_8621,
        "attachments": RFC_8621,
        "addresses": NO_ADDRESS,
    },
    "rfc/001": {"addresses": NO_ADDRESS},
    "rfc/002": {"attachments": RFC_8621, "addresses": COMMENT},
    "rfc/004": {"addresses": NO_ADDRESS},
    "rfc/009": {"addresses": NO_ADDRESS},
    "thirdparty/002": {"text": GARBAGE, "textBody": GARBAGE, "htmlBody": GARBAGE, "attachments": GARBAGE},
    "thirdparty/004": {"problem": "an unknown transfer encoding is an encoding problem (RFC 8621 §4.1.4)"},
    "thirdparty/005": {
        "offsets": LINE_START,
        "text": LINE_START,
        "problem": "an odd octet at the end of UTF-16 breaks its charset",
    },
    "thirdparty/013": {"attachments": RFC_8621},
    "thirdparty/014": {"addresses": "fields of lists (RFC 2369) hold URIs, not addresses; mailto: is left out"},
    "thirdparty/015": {"parts": "an attached message whose header ends at a delimiter swallows no parts"},
    "malformed/000": {"parts": "a part whose header ends at a delimiter is a part"},
    "malformed/001": {"parts": OUTER_WINS},
    "malformed/002": {"textBody": RAW, "htmlBody": RAW, "attachments": RAW},
    "malformed/003": {
        "offsets": OUTER_WINS,
        "problem": LAST_PART,
        "textBody": LAST_PART,
        "htmlBody": LAST_PART,
        "attachments": LAST_PART,
    },
    "malformed/004": {
        "offsets": EXACT,
        "problem": LAST_PART,
        "textBody": LAST_PART,
        "htmlBody": LAST_PART,
        "attachments": LAST_PART,
    },
    "malformed/005": {"parts": "--a-- with two dashes more closes the outer multipart"},
    "malformed/006": {"problem": LAST_PART, "textBody": LAST_PART, "htmlBody": LAST_PART, "attachments": LAST_PART},
    "malformed/007": {
        "offsets": NO_LINE,
        "text": NO_LINE,
        "problem": NO_LINE,
        "textBody": NO_LINE,
        "htmlBody": NO_LINE,
        "attachments": NO_LINE,
    },
    "malformed/008": {
        "offsets": EXACT,
        "problem": LAST_PART,
        "textBody": LAST_PART,
        "htmlBody": LAST_PART,
        "attachments": LAST_PART,
    },
    "malformed/009": {"parts": OUTER_WINS},
    "malformed/011": {"parts": OUTER_WINS},
    "malformed/012": {"parts": OUTER_WINS},
    "malformed/013": {"offsets": OUTER_WINS},
    "malformed/016": {"parts": OUTER_WINS},
    "malformed/017": {"attachments": RFC_8621},
    "malformed/019": {"offsets": NO_LINE, "text": NO_LINE, "textBody": NO_LINE, "htmlBody": NO_LINE},
    "malformed/020": {"parts": FIRST_TYPE},
    "malformed/021": {"parts": FIRST_TYPE},
    "malformed/022": {
        "offsets": "the delimiter ends an attached message, whatever it holds",
        "problem": "an attached message without a header has no encoding problem",
    },
}

# messages of the folders of valid ones that are not: their difference is in the table above
BROKEN = {"thirdparty/015"}

JUNK = "a line among the fields that is none is skipped; Python's parser ends the header there"
WHITE = "white space at the end of a quoted-printable line is deleted (RFC 2045 §6.7 (3))"
SLOPPY = "parameters without a semicolon are parameters"
LAST_LINE = "the last part of a multipart that is not closed keeps its line end"
DANGLING = "a delimiter that nothing follows was meant to close"
EMPTY = "a multipart without content has no part"
BEFORE = "what stands before the first field is skipped; Python's parser takes the fields for the body"
COLON = "white space before the colon is allowed (RFC 5322 §4.5)"
COMMENTS = "comments are no part of a token (RFC 2045 §5.1)"
PREFIX = "lines that begin with the boundary delimit where none matches exactly"
ENCODING = "a transfer encoding by a wrong or private name, or with a comment, is understood"
BASE64 = "of damaged base64 what can be decoded is, and what follows padding too"
OCTETS = "a boundary beyond ASCII is the octets that were sent"

# message: why parts or their content differ from those of Python's `email` with the policy compat32
COMPAT32: dict[str, str] = {
    "corpus/024": JUNK,
    "corpus/033": WHITE,
    "corpus/044": SLOPPY,
    "corpus/054": LAST_LINE,
    "corpus/055": DANGLING,
    "corpus/056": RAW,
    "corpus/057": RAW,
    "corpus/145": JUNK,
    "corpus/148": BEFORE,
    "corpus/150": COLON,
    "corpus/155": BEFORE,
    "corpus/170": COMMENTS,
    "corpus/180": "a boundary has at least one character (RFC 2046 §5.1.1); the raw text is shown",
    "corpus/185": RAW,
    "corpus/187": OCTETS,
    "corpus/190": LAST_LINE,
    "corpus/191": RAW,
    "corpus/194": PREFIX,
    "corpus/235": BASE64,
    "corpus/237": BASE64,
    "corpus/240": WHITE,
    "corpus/247": ENCODING,
    "corpus/248": ENCODING,
    "corpus/250": ENCODING,
    "corpus/293": WHITE,
    "bounces/lhost-gmail-19": WHITE,
    "bounces/lhost-messagingserver-03": RAW,
    "bounces/lhost-office365-08": WHITE,
    "bounces/lhost-office365-10": RAW,
    "bounces/lhost-office365-12": RAW,
    "bounces/rfc3464-04": RAW,
    "malformed/001": LAST_LINE,
    "malformed/002": RAW,
    "malformed/003": LAST_LINE,
    "malformed/004": PREFIX,
    "malformed/006": LAST_LINE,
    "malformed/008": LAST_LINE,
    "malformed/009": LAST_LINE,
    "malformed/011": LAST_LINE,
    "malformed/013": DANGLING,
    "malformed/014": DANGLING,
    "malformed/016": LAST_LINE,
    "malformed/017": SLOPPY,
    "malformed/019": "white space before the colon of the first field (RFC 5322 §4.5) does not end the header",
    "malformed/020": DANGLING,
    "malformed/021": DANGLING,
    "thirdparty/003": "quoted_printable with an underscore is understood",
    "thirdparty/005": LAST_LINE,
    "thirdparty/012": "a header that a delimiter ends is followed by parts",
}

DECODED = "what Python shows encoded is decoded"
DELIMITER = "what Python shows as text is a delimiter line or the header of a part"
SKIPPED = "a line among the fields, or before them, that is none is in the raw message only"

# message: why a line that Python's parser shows is not among those of ours
LENIENCY: dict[str, str] = {
    "corpus/024": SKIPPED,
    "corpus/033": DECODED,
    "corpus/145": SKIPPED,
    "corpus/148": SKIPPED,
    "corpus/155": SKIPPED,
    "corpus/177": DECODED,
    "corpus/187": DELIMITER,
    "corpus/194": DELIMITER,
    "corpus/235": DECODED,
    "corpus/240": DECODED,
    "corpus/247": DECODED,
    "corpus/248": DECODED,
    "corpus/250": DECODED,
    "bounces/lhost-office365-08": DECODED,
    "rfc/008": DECODED,
    "malformed/004": DELIMITER,
    "malformed/017": DELIMITER,
    "malformed/019": DELIMITER,
    "thirdparty/003": DECODED,
    "thirdparty/009": "a part of a message (message/partial) is kept as it came; Python's parser reads on in it",
    "thirdparty/012": DELIMITER,
}

WORDS = "encoded words are decoded wherever they stand, and characters over two of them joined"

# message: why the subject or the tree of parts differs from that of fast-mail-parser
FAST_MAIL_PARSER: dict[str, str] = {
    "corpus/009": WORDS,
    "corpus/010": WORDS,
    "corpus/013": "octets that are no UTF-8 are windows-1252",
    "corpus/014": "NUL is dropped (RFC 8621 §4.1.2.1)",
    "corpus/020": "the last field of a name counts (RFC 8621 §4.1.3)",
    "corpus/044": SLOPPY,
    "corpus/055": DANGLING,
    "corpus/056": RAW,
    "corpus/057": RAW,
    "corpus/059": EXACT,
    "corpus/063": "a type without a subtype is text/plain (RFC 2045 §5.2)",
    "corpus/122": "octets beyond ASCII within an encoded word are kept",
    "corpus/124": WORDS,
    "corpus/127": "us-ascii octets beyond ASCII are UTF-8 where valid",
    "corpus/128": "a text that breaks its charset is read as windows-1252 where hardly anything else is readable",
    "corpus/129": WORDS,
    "corpus/130": WORDS,
    "corpus/131": WORDS,
    "corpus/132": "an unknown charset is read as UTF-8 where valid",
    "corpus/135": "an encoded word may name a language (RFC 2231 §5)",
    "corpus/136": WORDS,
    "corpus/137": "control characters in encoded words are dropped (RFC 8621 §4.1.2.2)",
    "corpus/143": "text is in Unicode form NFC (RFC 8621 §4.1.2.2)",
    "corpus/144": "octets that are no UTF-8 are windows-1252 as WHATWG defines it",
    "corpus/150": COLON,
    "corpus/170": COMMENTS,
    "corpus/172": "an empty type is text/plain (RFC 2045 §5.2)",
    "corpus/180": "a boundary has at least one character (RFC 2046 §5.1.1); the raw text is shown",
    "corpus/181": "white space at the end of a boundary is none of it (RFC 2046 §5.1.1)",
    "corpus/183": "a quoted pair in a boundary is its character",
    "corpus/185": RAW,
    "corpus/187": OCTETS,
    "corpus/191": RAW,
    "bounces/lhost-exchange2007-04": WORDS,
    "bounces/lhost-mailru-02": WORDS,
    "bounces/lhost-mailru-04": WORDS,
    "bounces/lhost-mailru-06": WORDS,
    "bounces/lhost-mailru-08": WORDS,
    "bounces/lhost-mailru-10": WORDS,
    "bounces/lhost-messagingserver-03": RAW,
    "bounces/lhost-office365-10": RAW,
    "bounces/lhost-office365-12": RAW,
    "bounces/rfc3464-04": RAW,
    "malformed/000": "delimiter lines in a row have no part between them",
    "malformed/002": RAW,
    "malformed/007": EMPTY,
    "malformed/017": SLOPPY,
    "malformed/020": DANGLING,
    "malformed/021": DANGLING,
}

BEYOND = "Python's parser has replacement characters for addresses beyond ASCII (RFC 6532)"
UNQUOTED = "specials in a name that is not quoted do not end an address"
BRACKETS = "a bracket or quote that stands alone is passed over"
SPACED = "addresses that only a space parts are addresses"
CYCLE = "of a two-digit year 50 to 99 count from 1900 (RFC 5322 §4.3), three digits always"
ZONE = "a zone with a colon or a name before its offset is one; one beyond a day is none"
FORM = "a form that is not RFC 5322's, or a leap second, is read all the same"

# message: why the addresses of From, To and Cc differ from those of Python's `email.utils.getaddresses`
ADDRESSES: dict[str, str] = {
    "corpus/005": UNQUOTED,
    "corpus/006": BRACKETS,
    "corpus/007": "a name alone is no address",
    "corpus/010": UNQUOTED,
    "corpus/012": BEYOND,
    "corpus/024": JUNK,
    "corpus/069": "a route is no address (RFC 5322 §4.4)",
    "corpus/076": UNQUOTED,
    "corpus/080": BRACKETS,
    "corpus/082": BRACKETS,
    "corpus/083": BRACKETS,
    "corpus/084": "a name may follow its address",
    "corpus/086": WORDS,
    "corpus/087": BEYOND,
    "corpus/088": "mailto: is no part of an address",
    "corpus/089": SPACED,
    "corpus/150": COLON,
    "malformed/019": COLON,
}

# message: why the time of Date differs from that of Python's `email.utils.parsedate_to_datetime`
DATES: dict[str, str] = {
    "corpus/109": CYCLE,
    "corpus/110": CYCLE,
    "corpus/111": ZONE,
    "corpus/112": ZONE,
    "corpus/113": FORM,
    "corpus/116": FORM,
    "corpus/117": FORM,
    "corpus/121": ZONE,
    "malformed/019": COLON,
}

CHARSET = "fast-mail-parser has replacement characters where the charset is wrong, unknown or not its own"

# message: why the text/plain parts, without their white space, differ from those of fast-mail-parser
TEXTS: dict[str, str] = {
    "bounces/lhost-ezweb-02": CHARSET,
    "bounces/lhost-ezweb-04": CHARSET,
    "bounces/lhost-messagingserver-03": RAW,
    "bounces/lhost-office365-10": RAW,
    "bounces/lhost-office365-12": RAW,
    "bounces/rfc3464-04": RAW,
    "malformed/000": "delimiter lines in a row have no part between them",
    "malformed/002": RAW,
    "malformed/007": EMPTY,
    "malformed/020": DANGLING,
    "malformed/021": DANGLING,
    "thirdparty/003": ENCODING,
    "thirdparty/010": CHARSET,
    "corpus/024": JUNK,
    "corpus/028": CHARSET,
    "corpus/030": CHARSET,
    "corpus/044": SLOPPY,
    "corpus/055": DANGLING,
    "corpus/056": RAW,
    "corpus/057": RAW,
    "corpus/059": EXACT,
    "corpus/061": "a part without an empty line has its text",
    "corpus/063": "a type without a subtype is text/plain (RFC 2045 §5.2)",
    "corpus/170": COMMENTS,
    "corpus/172": "an empty type is text/plain (RFC 2045 §5.2)",
    "corpus/180": "a boundary has at least one character (RFC 2046 §5.1.1); the raw text is shown",
    "corpus/181": "white space at the end of a boundary is none of it (RFC 2046 §5.1.1)",
    "corpus/183": "a quoted pair in a boundary is its character",
    "corpus/185": RAW,
    "corpus/186": "of a parameter that stands twice the first counts",
    "corpus/187": OCTETS,
    "corpus/191": RAW,
    "corpus/196": "a part without a header has its text",
    "corpus/244": "octets beyond ASCII in quoted-printable are kept",
    "corpus/247": ENCODING,
    "corpus/248": ENCODING,
    "corpus/250": ENCODING,
    "corpus/251": ENCODING,
    "corpus/267": CHARSET,
    "corpus/269": CHARSET,
    "corpus/274": CHARSET,
    "corpus/296": "a delimiter that closes right behind another closes nothing, as for Python's parser",
}
