"""How long a transaction may take, and how far back readers of the event feed look, belong together."""

from mailscribe.service.ingest import MAX_COMMIT_AGE_MS
from mailscribe.service.search import OVERLAP_MS
from mailscribe.store.aws.calls import PATIENCE

_BACKOFF_SECONDS = 2 ** (PATIENCE["dynamodb"].attempts - 1) - 1
"""botocore's standard mode waits at most 1, 2, 4 … seconds between attempts."""


def test_no_transaction_outlasts_the_readers_overlap() -> None:
    patience = PATIENCE["dynamodb"]
    longest = patience.attempts * (patience.connect + patience.read) + _BACKOFF_SECONDS
    assert longest * 1000 + MAX_COMMIT_AGE_MS < OVERLAP_MS
