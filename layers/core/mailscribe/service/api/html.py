"""The route of a message as a page: sanitised HTML, fenced so that opening it tells nobody and runs nothing.

The fence is a Content-Security-Policy that sandboxes the page; a copy that is redirected to carries what a document can
carry of it, and is an attachment. Remote pictures are left out unless they are asked for.
"""

from dataclasses import replace
from typing import Final

from mailscribe.service.api.answer import HTML, Answer
from mailscribe.service.api.conditional import content_tag, is_unchanged
from mailscribe.service.api.large import fit
from mailscribe.service.api.parameters import REMOTE
from mailscribe.service.api.routes import Call, Form, Route, Services
from mailscribe.service.html import message_page, policy_of

BLOCKED: Final = "Mailscribe-Blocked"
"""The header field that says how many remote pictures are not shown."""
SANDBOX: Final = "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"


def get_html(services: Services, call: Call) -> Answer:
    """The page."""
    record = services.reading.message(call.id)
    remote = call.arguments[REMOTE]
    page = message_page(*services.reading.content(record), f"/v1/messages/{record.id}", remote=remote)
    body = page.html.encode()
    etag = content_tag(body)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", BLOCKED: str(page.blocked)}
    if is_unchanged(call.request.headers, etag):
        return Answer(304, headers=headers)
    fence = {"Content-Security-Policy": f"{policy_of(remote=remote)}; {SANDBOX}"}
    answer = fit(services, Answer(200, body, HTML, headers | fence), record.id, "page.html")
    return answer if answer.status == 200 else replace(answer, headers={**answer.headers, BLOCKED: str(page.blocked)})


ROUTES: Final = (
    Route(
        path="/v1/messages/{id}/html",
        handler=get_html,
        summary="A message as a page that is safe to open",
        parameters=(REMOTE,),
        forms=(
            Form(200, f"Sanitised HTML; {BLOCKED} says how many remote pictures are not shown", HTML),
            Form(304, "If-None-Match names this page", ""),
            Form(307, "Too large to answer here: an address that is good for 60 seconds", ""),
        ),
        problems=(400, 404),
    ),
)
