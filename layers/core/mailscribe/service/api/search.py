"""The route that tells of the query language itself: what a page or a shell completes a query from."""

from functools import cache
from typing import Final, Literal

from mailscribe.query import OPERATORS
from mailscribe.records import Value
from mailscribe.service.api.answer import Answer, json_answer
from mailscribe.service.api.routes import Call, Form, Route, Services


class OperatorHelp(Value, frozen=True, kw_only=True):
    """An operator: `value` says what follows the colon; `choices`, where there are any, are all that can follow it."""

    name: str
    kinds: tuple[Literal["message", "session"], ...]
    value: str
    choices: tuple[str, ...]
    doc: str
    example: str


class OperatorList(Value, frozen=True, kw_only=True):
    """Every operator; one that means another thing for sessions than for messages stands there twice."""

    operators: tuple[OperatorHelp, ...]


@cache
def operator_list() -> OperatorList:
    """The table of operators as callers see it."""
    return OperatorList(
        operators=tuple(
            OperatorHelp(
                name=spec.name,
                kinds=spec.kinds,
                value=spec.value.expected,
                choices=spec.value.choices,
                doc=spec.doc,
                example=spec.example,
            )
            for spec in OPERATORS
        )
    )


def get_operators(_services: Services, _call: Call) -> Answer:
    """Every operator of a query."""
    return json_answer(operator_list())


ROUTES: Final = (
    Route(
        path="/v1/search/operators",
        handler=get_operators,
        summary="The operators of a query, for completion",
        forms=(Form(200, "Name, kinds, value, choices, meaning and an example of each", schema=OperatorList),),
    ),
)
