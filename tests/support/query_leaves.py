"""Random query trees over the world of query_world.py: every operator of each kind, words, and what joins them."""

from hypothesis import strategies as st

from mailscribe.ids import make_ulid
from mailscribe.query import And, Moment, Node, Not, Operator, Or, Phrase, Prefix, Word
from support.query_world import (
    DOMAINS,
    DURATIONS,
    FINDINGS,
    HEADERS,
    IPS,
    LOCALS,
    NAMES,
    SIZES,
    SPAN_MS,
    START_MS,
    TYPES,
    WORDS,
    world,
)

type Strategy = st.SearchStrategy[Node]
type Leaf = Word | Phrase | Prefix

plain_words = st.sampled_from([word for word in (*WORDS, *LOCALS, *DOMAINS, "nowhere", "pdf") if ":" not in word])
texts: st.SearchStrategy[Leaf] = st.one_of(
    plain_words.map(Word),
    plain_words.flatmap(lambda word: st.integers(1, len(word)).map(lambda size: Prefix(word[:size]))).filter(
        lambda prefix: any(map(str.isalnum, prefix.text))
    ),
    st.lists(plain_words, min_size=1, max_size=3).map(lambda some: Phrase(" ".join(some))),
)
addresses = st.builds("{}@{}".format, st.sampled_from(LOCALS), st.sampled_from(DOMAINS))
domains = st.sampled_from([f"@{domain}" for domain in DOMAINS])
paths: st.SearchStrategy[Leaf] = st.one_of(
    addresses.map(Word),
    domains.map(Word),
    domains.map(lambda domain: Prefix(domain[:-1])).filter(lambda prefix: len(prefix.text) > 1),
    addresses.map(lambda email: Prefix(email[:-2])),
    plain_words.map(Word),
    plain_words.map(lambda word: Prefix(word[:2])),
    st.sampled_from([Phrase(name) for name in NAMES if name]),
)
times = st.integers(START_MS - 1000, START_MS + SPAN_MS + 1000).map(Moment)
header_names = st.sampled_from([*HEADERS, "Nothing"])


def among(name: str, *choices: str) -> Strategy:
    """An operator with one of these values."""
    return st.sampled_from(choices).map(lambda value: Operator(name, Word(value)))


def near(numbers: tuple[int, ...]) -> st.SearchStrategy[int]:
    """Those, and their neighbours."""
    return st.builds(lambda number, step: max(0, number + step), st.sampled_from(numbers), st.integers(-1, 1))


def comparisons(name: str, numbers: tuple[int, ...], unit: str = "") -> Strategy:
    """An operator with a sign and a number near one of these."""
    signs = st.sampled_from(["", ">", ">=", "<", "<="])
    return st.builds(lambda sign, number: Operator(name, Word(f"{sign}{number}{unit}")), signs, near(numbers))


header_leaves: Strategy = st.one_of(
    header_names.map(lambda name: Operator("header", Word(name))),
    header_names.map(lambda name: Operator("header", Prefix(name[:3]))),
    st.builds(lambda name, leaf: Operator("header", type(leaf)(f"{name}={leaf.text}")), header_names, texts),
    st.builds(lambda name, a, b: Operator("header", Phrase(f"{name}={a} {b}")), header_names, plain_words, plain_words),
)
shared: Strategy = st.one_of(
    texts,
    st.builds(Operator, st.sampled_from(["after", "before"]), times),
    st.builds(Operator, st.just("helo"), st.sampled_from([Word("x.org"), Word("tuc.x.org"), Prefix("mai")])),
    among("ip", *IPS, "192.0.2.0/23", "192.0.2.64/27", "192.0.2.76/30", "2001:db8::/30", "0.0.0.0/0", "::/0"),
    among("tls", "none", "TLSv1.3", "tlsv1.2", "TLSv1"),
    among("auth", "alice", "bob", "eve"),
)
ids = st.integers(0, 3).map(lambda seed: world("message", seed)[1][seed].id).map(Word)
session_ids = st.integers(0, 3).map(lambda seed: world("session", seed)[1][seed].id).map(Word)
message_leaves: Strategy = st.one_of(
    shared,
    st.builds(
        Operator,
        st.sampled_from(["from", "to", "cc", "bcc", "reply-to", "addressed", "rcpt", "mailfrom", "recipient"]),
        paths,
    ),
    st.builds(Operator, st.sampled_from(["subject", "body", "filename"]), texts),
    header_leaves,
    st.builds(
        lambda name, number: Operator(name, Word(str(number))), st.sampled_from(["larger", "smaller"]), near(SIZES)
    ),
    among("type", *TYPES, "multipart/mixed", "audio/ogg"),
    st.sampled_from(["image/", "text/", "application/p", "audio/"]).map(lambda text: Operator("type", Prefix(text))),
    among("delivery", "mailbox", "terminal", "terminal-or-mailbox", "both"),
    st.builds(
        Operator,
        st.sampled_from(["message-id", "in-reply-to"]),
        st.integers(0, 9).map(lambda number: Word(f"{number}@X.org")),
    ),
    among("sha256", "0" * 64, "3" * 64, "f" * 64),
    among("thread", *(f"t{number * 31}" for number in "012"), f"T{'A' * 31}"),
    st.just(Operator("mailfrom", Word("<>"))),
    among("has", "attachment", "inline", "html"),
    among("is", "bounce", "report", "defective"),
    among("status", "5.1.1", "4.2.2", "5.7.1"),
    st.builds(Operator, st.just("id"), ids),
    st.builds(Operator, st.just("session"), st.integers(0, 4).map(lambda number: Word(make_ulid(START_MS, number)))),
)
session_leaves: Strategy = st.one_of(
    shared,
    st.builds(Operator, st.sampled_from(["mailfrom", "rcpt", "accepted", "refused"]), paths),
    st.builds(Operator, st.just("reply"), texts),
    comparisons("messages", (0, 1, 2, 5)),
    comparisons("duration", DURATIONS, "ms"),
    among("verb", "MAIL", "RCPT", "VRFY", "QUIT"),
    among("code", "550", "5xx", "25x", "2xx", "4xx"),
    among("turn", "RCPT/5xx", "mail/250", "VRFY/45x", "NOOP/2XX", "QUIT/221"),
    among("status", "5.1.1", "2.1.5", "5.7.1"),
    among("finding", *FINDINGS, "nul"),
    among("is", "open"),
    among("outcome", "delivered", "rejected"),
    among("end", "quit", "timeout", "lost"),
    st.builds(Operator, st.just("session"), session_ids),
)


def trees(leaves: Strategy) -> Strategy:
    """Boolean trees of at most eight leaves."""

    def grow(smaller: Strategy) -> Strategy:
        several = st.lists(smaller, min_size=2, max_size=3).map(tuple)
        return st.one_of(smaller.map(Not), several.map(And), several.map(Or))

    return st.recursive(leaves, grow, max_leaves=8)
