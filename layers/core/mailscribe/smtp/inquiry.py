"""VRFY, EXPN and HELP: what is answered to a question (RFC 5321 §3.5, §4.1.1.6 to .8).

The directory knows, its disclosure decides who is told: nobody, who has authenticated, or all. Who is not told hears
252, which is neither yes nor no (§7.3). A name outside ASCII is told only to who asked with SMTPUTF8.
"""

from mailscribe.policy import Ambiguous, Directory, Disclosure, Mailbox, Unknown, Verified
from mailscribe.smtp.command import VERBS, Inquiry, Verb
from mailscribe.smtp.reply import Refused, ReplyName

type Answer = tuple[ReplyName, list[str]]
"""A reply and the text of its lines."""


def verify(directory: Directory, inquiry: Inquiry, *, authenticated: bool) -> Answer:
    """The answer to VRFY. Raises `Refused`."""
    if not discloses(directory, authenticated=authenticated):
        return ReplyName.CANNOT_VERIFY, []
    match directory.verify(inquiry.text):
        case Verified(mailbox):
            return _told(ReplyName.VERIFIED, [mailbox], inquiry)
        case Ambiguous(mailboxes):
            texts = [shown(mailbox) for mailbox in mailboxes]
            raise Refused(ReplyName.AMBIGUOUS_USER, *[text for text in texts if inquiry.utf8 or text.isascii()])
        case Unknown():
            raise Refused(ReplyName.NO_SUCH_USER)
        case _:
            return ReplyName.CANNOT_VERIFY, []


def expand(directory: Directory, inquiry: Inquiry, *, authenticated: bool) -> Answer:
    """The answer to EXPN. Raises `Refused`."""
    if not discloses(directory, authenticated=authenticated):
        return ReplyName.CANNOT_VERIFY, []
    members = directory.members(inquiry.text)
    if members is None:
        raise Refused(ReplyName.NO_SUCH_LIST)
    return _told(ReplyName.MEMBERS, list(members), inquiry)


def discloses(directory: Directory, *, authenticated: bool) -> bool:
    """Whether this client is told who is here."""
    if directory.disclosure is Disclosure.AUTHENTICATED:
        return authenticated
    return directory.disclosure is Disclosure.ALL


def shown(mailbox: Mailbox) -> str:
    """A mailbox as RFC 5321 §3.5.1 shows it.

    >>> shown(Mailbox("mable@test.org", "Mable Merliney"))
    'Mable Merliney <mable@test.org>'
    """
    return f"{mailbox.name} <{mailbox.email}>" if mailbox.name else f"<{mailbox.email}>"


def help_text(topic: str, off: frozenset[Verb]) -> list[str]:
    """The lines of HELP, about one command if `topic` is one that is not `off`."""
    rules = {verb: rule for verb, rule in VERBS.items() if rule.help and verb not in off}
    verb = next((verb for verb in rules if verb == topic.strip().upper()), None)
    if verb is not None:
        return [rules[verb].help]
    commands = "Commands: " + " ".join(rules)
    return [commands, "HELP <command> says more"] if not topic else ["No help on that topic", commands]


def _told(name: ReplyName, mailboxes: list[Mailbox], inquiry: Inquiry) -> Answer:
    texts = [shown(mailbox) for mailbox in mailboxes]
    if not texts or (not inquiry.utf8 and not all(text.isascii() for text in texts)):
        return ReplyName.CANNOT_VERIFY, []
    return name, texts
