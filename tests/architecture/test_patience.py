"""Times that belong together: of a transaction and the feed's readers, of a transcript's tries and its loss."""

from mailscribe.service.ingest import MAX_COMMIT_AGE_MS
from mailscribe.service.search import OVERLAP_MS
from mailscribe.settings import Settings
from mailscribe.store.aws.calls import PATIENCE
from mailscribe_smtp.hub import Timing

_BACKOFF_SECONDS = 2 ** (PATIENCE["dynamodb"].attempts - 1) - 1
"""botocore's standard mode waits at most 1, 2, 4 … seconds between attempts."""


def test_no_transaction_outlasts_the_readers_overlap() -> None:
    patience = PATIENCE["dynamodb"]
    longest = patience.attempts * (patience.connect + patience.read) + _BACKOFF_SECONDS
    assert longest * 1000 + MAX_COMMIT_AGE_MS < OVERLAP_MS


def test_no_session_is_taken_for_lost_while_its_transcript_is_tried() -> None:
    settings, retries = Settings(), Timing().retries
    message, transcript = settings.put_timeout, (1 + len(retries)) * settings.put_timeout + sum(retries)
    assert message + transcript < settings.lost_after
