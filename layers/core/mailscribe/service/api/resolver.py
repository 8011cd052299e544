"""The powertools resolver, safe for a host that calls it from several threads.

The library keeps the call in hand in a class attribute and an instance attribute, and builds a route's chain of
middlewares at its first call: right for a function that has one call at a time. Here the call is kept per thread,
and `create_api` lets every route's chain be built before the first call comes.
"""

import threading
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent


class Resolver(APIGatewayHttpResolver):
    """Matches payload-2.0 events with routes; one call per thread at a time."""

    def __init__(self) -> None:
        self._call = threading.local()
        super().__init__(debug=False, enable_validation=False)

    @property
    def current_event(self) -> APIGatewayProxyEventV2:
        """The event that this thread answers."""
        event: APIGatewayProxyEventV2 = self._call.event
        return event

    @current_event.setter
    def current_event(self, event: BaseProxyEvent) -> None:
        self._call.event = event

    @property
    def context(self) -> dict[str, Any]:
        """What goes with the event that this thread answers."""
        if not hasattr(self._call, "context"):
            self._call.context = {}
        context: dict[str, Any] = self._call.context
        return context

    @context.setter
    def context(self, context: dict[str, Any]) -> None:
        self._call.context = context

    def _to_proxy_event(self, event: dict[str, Any]) -> BaseProxyEvent:
        self.current_event = APIGatewayProxyEventV2(event)
        return self.current_event
