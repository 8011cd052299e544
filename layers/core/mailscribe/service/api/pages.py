"""The two HTML pages: documents made from the route table, and a plain list of messages. Both load nothing else.

What a page may do is bounded by a Content-Security-Policy that names its style and script by their hashes. The list
page holds no data: its script asks the API with the token that is typed in, and writes answers as text only.
"""

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, Final

from mailscribe.service.api.answer import HTML, Answer
from mailscribe.service.api.openapi import ANYWHERE, WITH_TOKEN, operation_id, problem_statuses
from mailscribe.service.api.problems import PROBLEMS, Problem
from mailscribe.service.api.request import Parameter
from mailscribe.service.api.routes import Route

_FOLDER: Final = files(__package__) / "static"
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def home() -> Answer:
    """The list page."""
    style, script = _resource("page.css"), _resource("home.js")
    text = _resource("home.html").replace("{{style}}", style).replace("{{script}}", script)
    policy = f"{_NOTHING}; connect-src 'self'; img-src data:; script-src {_hash(script)}; style-src {_hash(style)}"
    return _page(text, policy)


def docs(routes: Sequence[Route], version: str) -> Answer:
    """The documents of the routes that are documented, and of the problems."""
    style = _resource("page.css")
    shown = [route for route in routes if route.documented]
    body = [
        f"<h1>mailscribe {html.escape(version)}: the HTTP API</h1>",
        "<p>Send <code>Authorization: Bearer TOKEN</code> where a token is needed. "
        'The same as <a href="openapi.json">OpenAPI 3.1</a>.</p>',
        "<h2>Calls</h2>",
        _table(("Call", "Answer"), ((_link(route), html.escape(route.summary)) for route in shown)),
        *(_section(route) for route in shown),
        '<h2 id="problems">Problems</h2>',
        "<p>Errors are <code>application/problem+json</code> (RFC 9457); <code>type</code> leads here.</p>",
        _table(("Status", "Problem", "What it says"), map(_problem_row, PROBLEMS)),
    ]
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>mailscribe: the HTTP API</title><link rel="icon" href="data:,"><style>{style}</style></head>'
    )
    text = f"{head}<body><main>{''.join(body)}</main></body></html>\n"
    return _page(text, f"{_NOTHING}; img-src data:; style-src {_hash(style)}")


def _section(route: Route) -> str:
    token = "needs no token" if route.scope is None else f"needs a token with the scope <code>{route.scope}</code>"
    parts = [
        f'<h3 id="{operation_id(route)}"><code>{route.method} {html.escape(route.path)}</code></h3>',
        f"<p>{html.escape(route.summary)}; {token}.</p>",
    ]
    if route.parameters:
        parts.append(_table(("Parameter", "Default", "Meaning"), map(_parameter_row, route.parameters)))
    parts.append(_table(("Status", "Type", "Answer"), _answer_rows(route)))
    return "".join(parts)


def _answer_rows(route: Route) -> Iterable[tuple[str, ...]]:
    for form in route.forms:
        yield str(form.status), f"<code>{html.escape(form.content_type)}</code>", html.escape(form.doc)
    statuses = [status for status in problem_statuses(route) if status not in {*ANYWHERE, *WITH_TOKEN}]
    for problem in PROBLEMS:
        if problem.status in statuses:
            yield str(problem.status), "problem", f'<a href="#problem-{problem.name}">{html.escape(problem.title)}</a>'


def _parameter_row(parameter: Parameter[Any]) -> tuple[str, ...]:
    default = parameter.schema.get("default", "")
    return f"<code>{parameter.name}</code>", html.escape(str(default)), html.escape(parameter.doc)


def _problem_row(problem: Problem) -> tuple[str, ...]:
    anchor = f'<span id="problem-{problem.name}">{html.escape(problem.title)}</span>'
    return str(problem.status), anchor, html.escape(problem.detail)


def _link(route: Route) -> str:
    return f'<a href="#{operation_id(route)}"><code>{route.method} {html.escape(route.path)}</code></a>'


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _page(text: str, policy: str) -> Answer:
    return Answer(200, text.encode(), HTML, {"Content-Security-Policy": policy, "X-Frame-Options": "DENY"})


def _resource(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
