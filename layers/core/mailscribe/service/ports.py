"""What the use cases need beside the two stores: somewhere to publish events.

Adapters: EventBridge (`store.aws.events`) and, in the local stack, none: there the event feed in the
records is all that readers use. Delivery is at least once, always with the same id.
"""

from collections.abc import Sequence
from typing import Protocol

from mailscribe.records import Event


class Events(Protocol):
    """A bus that takes events."""

    def publish(self, events: Sequence[Event]) -> None:
        """Return when the bus has taken every event. Raises `StoreUnavailable`: publish all of them again."""
        ...
