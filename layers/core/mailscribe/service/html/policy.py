"""What may be in the HTML of a message that a browser gets: tags, attributes, schemes, CSS properties. Nothing else is.

No script, event handler, form, frame, plug-in, SVG, MathML, style sheet, meta or base; no id, class or name; nothing
that leaves its place in the flow. Tables, fonts and colours are in, because mail is made of them.
"""

from typing import Final

_EVERYWHERE: Final = "align bgcolor dir height lang style title valign width"

_WITH_NOTHING_ELSE: Final = (
    "abbr acronym address article aside b bdi bdo big blockquote caption center cite code dd del dfn div dl dt em"
    " figcaption figure footer h1 h2 h3 h4 h5 h6 header i ins kbd main mark nav p pre q s samp section small span"
    " strike strong sub summary sup tt u var wbr"
)
_WITH_MORE: Final = {
    "a": "href",
    "br": "clear",
    "col": "span",
    "colgroup": "span",
    "details": "open",
    "font": "color face size",
    "hr": "color noshade size",
    "img": "alt border hspace src vspace",
    "li": "type value",
    "ol": "reversed start type",
    "table": "background border bordercolor cellpadding cellspacing frame rules summary",
    "tbody": "",
    "td": "abbr background colspan headers nowrap rowspan scope",
    "tfoot": "",
    "th": "abbr background colspan headers nowrap rowspan scope",
    "thead": "",
    "tr": "background",
    "ul": "type",
}

ATTRIBUTES: Final = {
    name: frozenset(f"{_EVERYWHERE} {more}".split())
    for name, more in {**dict.fromkeys(_WITH_NOTHING_ELSE.split(), ""), **_WITH_MORE}.items()
}
"""Each tag that stays, with the attributes that may stay on it."""

_HIDDEN_NAMES: Final = "iframe math noembed noframes plaintext script select style svg template textarea title xml xmp"
HIDDEN: Final = frozenset(_HIDDEN_NAMES.split())
"""Elements that go with what is in them; of others that are not in the table the content stays."""

LINK_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "ftp"})
"""Where a link may lead."""
LINK_REL: Final = "noopener noreferrer nofollow"
LINK_TARGET: Final = "_blank"

_PROPERTY_NAMES: Final = (
    "background background-color background-image background-position background-repeat background-size"
    " border border-bottom border-bottom-color border-bottom-left-radius border-bottom-right-radius"
    " border-bottom-style border-bottom-width border-collapse border-color border-left border-left-color"
    " border-left-style border-left-width border-radius border-right border-right-color border-right-style"
    " border-right-width border-spacing border-style border-top border-top-color border-top-left-radius"
    " border-top-right-radius border-top-style border-top-width border-width box-sizing caption-side clear color"
    " direction display empty-cells float font font-family font-size font-stretch font-style font-variant"
    " font-weight height letter-spacing line-height list-style list-style-position list-style-type margin"
    " margin-bottom margin-left margin-right margin-top max-height max-width min-height min-width opacity overflow"
    " overflow-wrap padding padding-bottom padding-left padding-right padding-top table-layout text-align"
    " text-decoration text-decoration-color text-decoration-line text-decoration-style text-indent text-overflow"
    " text-transform vertical-align visibility white-space width word-break word-spacing word-wrap"
)
PROPERTIES: Final = frozenset(_PROPERTY_NAMES.split())
"""CSS properties that may stay in a style attribute; none positions, animates, or loads but those of `PICTURED`."""
PICTURED: Final = frozenset({"background", "background-image"})
"""CSS properties whose value may name a picture."""
