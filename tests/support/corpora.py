"""Other people's mail, outside the project: `MAILSCRIBE_CORPORA`, or `shared/corpora` beside it. May be absent."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("MAILSCRIBE_CORPORA") or ROOT.parent / "shared" / "corpora")
BOUNCES = sorted((CORPORA / "bounces").glob("*.eml"))
GOLDENS = sorted((CORPORA / "mail-parser").glob("*/*.eml"))
OURS = sorted((ROOT / "tests" / "corpus").glob("*.eml"))
"""The project's own, one behaviour each."""
