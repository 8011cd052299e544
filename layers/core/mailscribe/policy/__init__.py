"""Who is here and what is allowed: the directory and the rules. No I/O."""

from mailscribe.policy.directory import (
    Ambiguous,
    Directory,
    Disclosure,
    Domain,
    Mailbox,
    MailingList,
    Standing,
    Unknown,
    Unverifiable,
    Verification,
    Verified,
)
from mailscribe.policy.policy import Policy
from mailscribe.policy.rules import NOTHING, Action, Facts, Rule, Rules, RuleSet, Stage, Verdict

__all__ = [
    "NOTHING",
    "Action",
    "Ambiguous",
    "Directory",
    "Disclosure",
    "Domain",
    "Facts",
    "Mailbox",
    "MailingList",
    "Policy",
    "Rule",
    "RuleSet",
    "Rules",
    "Stage",
    "Standing",
    "Unknown",
    "Unverifiable",
    "Verdict",
    "Verification",
    "Verified",
]
