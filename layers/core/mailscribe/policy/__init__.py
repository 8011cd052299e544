"""Who is here and what is allowed: the directory and the rules. No I/O."""

from mailscribe.policy.directory import (
    Ambiguous,
    Directory,
    Disclosure,
    Mailbox,
    Standing,
    Unknown,
    Unverifiable,
    Verification,
    Verified,
)
from mailscribe.policy.policy import Policy
from mailscribe.policy.rules import NOTHING, Action, Facts, Rules, Stage, Verdict

__all__ = [
    "NOTHING",
    "Action",
    "Ambiguous",
    "Directory",
    "Disclosure",
    "Facts",
    "Mailbox",
    "Policy",
    "Rules",
    "Stage",
    "Standing",
    "Unknown",
    "Unverifiable",
    "Verdict",
    "Verification",
    "Verified",
]
