"""Undo format=flowed (RFC 3676): paragraphs on one line, quote marks kept."""

SIGNATURE = "-- "


def unflow(text: str, *, delsp: bool) -> str:
    """Join flowed lines of one quote depth; with `delsp` the space at their end goes (RFC 3676 §4.1).

    An empty line and the signature's dashes always stand alone.

    >>> unflow("> a \\n> b\\nc \\nd", delsp=False)
    '> a b\\nc d'
    """
    paragraphs: list[str] = []
    pieces: list[str] = []
    flowing_depth = -1
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        is_signature = content == SIGNATURE
        if depth != flowing_depth or is_signature or not content:
            _end(paragraphs, pieces)
            pieces = [">" * depth + " " if depth else ""]
        is_flowed = content.endswith(" ") and not is_signature
        pieces.append(content[:-1] if is_flowed and delsp else content)
        flowing_depth = depth if is_flowed else -1
    _end(paragraphs, pieces)
    return "\n".join(paragraphs)


def _end(paragraphs: list[str], pieces: list[str]) -> None:
    if pieces:
        paragraphs.append("".join(pieces))
