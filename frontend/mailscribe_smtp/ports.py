"""What the front end needs of a store: write a message while it arrives, append a transcript, take back.

Adapters: S3 (`s3_spool`) and, in the local stack, files. Both pass tests/contract/test_spool.py.
"""

from typing import Protocol


class ObjectWriter(Protocol):
    """One object on its way. Nothing of it is visible under its key before `commit` returns."""

    @property
    def held(self) -> int:
        """Bytes of it that are in memory now."""
        ...

    def write(self, data: bytes) -> bool:
        """Take the next bytes; False asks the caller to await `drain` before it reads more from the client.

        Never blocks for long; a failure shows at `commit`.
        """
        ...

    async def drain(self) -> None:
        """Return when there is room for more, or when the object has failed; never raises."""
        ...

    async def commit(self) -> None:
        """Return when the object is durable, visible and its ingest is assured. Raises `StoreError`."""
        ...

    async def commit_refused(self) -> None:
        """As `commit`, under `refused/`, where nothing ingests it. Raises `StoreError`."""
        ...

    async def abort(self) -> None:
        """Drop what was written; never raises. Also right after a failed or cancelled `commit`."""
        ...


class TranscriptWriter(Protocol):
    """One session's transcript, a line at a time."""

    def append(self, lines: bytes) -> None:
        """Take whole JSON lines, each ending in LF."""
        ...

    async def discard(self) -> None:
        """Forget the transcript: nothing of it stays. Never raises."""
        ...

    async def close(self) -> None:
        """Return when the whole transcript is durable, visible and its ingest is assured. Raises `StoreError`."""
        ...


class Spool(Protocol):
    """The front end's store."""

    def message(self, ulid: str) -> ObjectWriter:
        """Begin the object of a message."""
        ...

    def transcript(self, ulid: str) -> TranscriptWriter:
        """Begin the transcript of a session."""
        ...

    async def delete(self, ulid: str) -> None:
        """Best effort: take back what a `commit` or `commit_refused` that failed or timed out may have left.

        Never raises.
        """
        ...

    async def healthy(self) -> bool:
        """Whether the store answers."""
        ...

    async def close(self) -> None:
        """Let go of threads and connections; what was committed stays."""
        ...
