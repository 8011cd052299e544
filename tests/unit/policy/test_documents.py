"""The examples of docs/policy.md can be used as they stand, and the tables name what there is."""

import re
from pathlib import Path

from mailscribe.policy import Action, Stage
from mailscribe.policy.directory_file import read_directory
from mailscribe.policy.document import read_rules

TEXT = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_examples() -> None:
    [directory] = [block for block in BLOCKS if block.startswith("# directory")]
    [rules] = [block for block in BLOCKS if block.startswith("# rules")]
    assert read_directory(directory, "example").counts == {"domains": 3, "mailboxes": 2, "aliases": 2, "lists": 1}
    assert len(read_rules(rules, "example").rules) == 6


def test_every_action_and_stage_is_told() -> None:
    for word in (*Action, *Stage):
        assert f"`{word}" in TEXT
