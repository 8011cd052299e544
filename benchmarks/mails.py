"""Mail to measure parsers with: made up from a seed, no two alike, as their senders' programs lay it out.

A header of twenty fields is what a message has after two relays and a signature. The sizes are those of the
smallest usual mail, of mail with an HTML form and a small document, and of the largest that most hosts take.
"""

import base64
import random

_LINE = (
    "a and at be but by can come could day do down each first for from get go have her him his how if in into is it"
    " like long look make many may more my no not now number of on one or other out over part people said see she so"
    " some than that the them then there they this time to up use was way we were what when which will with word would"
)
_WORDS = _LINE.split()

_HEADER = """\
Return-Path: <bounce-{id}@mail.example.com>
Received: from mx.example.net (mx.example.net [192.0.2.25]) by in.test.org (Postfix) with ESMTPS id 4F1A{id}
\tfor <mable@test.org>; Tue, 21 May 2024 11:37:24 +0000 (UTC)
Received: from mail.example.com (mail.example.com [198.51.100.7])
\tby mx.example.net (8.17.1/8.17.1) with ESMTPS id 44LBbNx5{id}
\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NOT);
\tTue, 21 May 2024 11:37:23 GMT
Received: from [10.1.2.3] (unknown [10.1.2.3]) (Authenticated sender: anne)
\tby mail.example.com (Postfix) with ESMTPSA id 0A1B{id};
\tTue, 21 May 2024 13:37:22 +0200 (CEST)
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s2024;
\tt=1716291442; h=from:from:reply-to:subject:subject:date:date:message-id:message-id:
\t to:to:cc:mime-version:mime-version:content-type:content-type;
\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
\tb=kq1Tp3Yh0bXn8sVvW2m7Zc5dJr4uQe6aLg9oFi1wKx3yHt0zNsPlBvMjEaCrDfGh
\t ZxYwVuTsRqPoNmLkJiHgFeDcBa0987654321abcdefghijklmnopqrstuvwxyzABCD
Message-ID: <20240521113722.{id}@mail.example.com>
Date: Tue, 21 May 2024 13:37:22 +0200
From: "Anne O. Body" <anne@example.com>
To: Mable Merliney <mable@test.org>, Bob Example <bob@test.org>
Cc: carol@test.org
Reply-To: support@example.com
Subject: Minutes of meeting {id} and what is to be done next
In-Reply-To: <{id}.2@mail.test.org>
References: <{id}.0@mail.test.org> <{id}.1@example.com>
\t<{id}.2@mail.test.org>
User-Agent: Mutt/2.2.12
X-Spam-Status: No, score=-1.2
List-Unsubscribe: <mailto:leave-{id}@example.com>
MIME-Version: 1.0
"""


def small(seed: int, size: int = 3_000) -> bytes:
    """A header and a few lines of text."""
    source = random.Random(seed)  # noqa: S311 (the same mail every time)
    header = _crlf(_HEADER.format(id=source.randrange(10**9)))
    header += b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    return header + _text(source, size - len(header))


def typical(seed: int, size: int = 63_000) -> bytes:
    """Text of 4 KB and HTML of 16 KB as alternatives, and a document."""
    source = random.Random(seed)  # noqa: S311 (the same mail every time)
    number = source.randrange(10**9)
    text = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    text += _text(source, 4_000).replace(b"th", b"t=C3=BC")
    html = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<html><body>\r\n"
    while len(html) < 16_000:
        html += b'<p class="text" style="margin:0">' + _text(source, 120) + b"</p>\r\n"
    both = _multipart("alternative", f"inner-{number}", [text, html + b"</body></html>"])
    header = _crlf(_HEADER.format(id=number))
    document = _document(source, f"report-{number}.pdf", size - len(header) - len(both) - 500)
    return header + _multipart("mixed", f"outer-{number}", [both, document])


def large(seed: int, size: int = 25_000_000) -> bytes:
    """A few lines of text and one large document."""
    source = random.Random(seed)  # noqa: S311 (the same mail every time)
    number = source.randrange(10**9)
    text = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + _text(source, 2_000)
    header = _crlf(_HEADER.format(id=number))
    document = _document(source, "film.mp4", size - len(header) - len(text) - 500)
    return header + _multipart("mixed", f"outer-{number}", [text, document])


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def _text(source: random.Random, size: int) -> bytes:
    lines: list[str] = []
    left = size
    while left > 0:
        lines.append(" ".join(source.choices(_WORDS, k=14)))
        left -= len(lines[-1]) + 2
    return "\r\n".join(lines)[:size].encode()


def _document(source: random.Random, name: str, size: int) -> bytes:
    header = f'Content-Type: application/octet-stream; name="{name}"\n'
    header += f'Content-Disposition: attachment; filename="{name}"\nContent-Transfer-Encoding: base64\n\n'
    return _crlf(header) + base64.encodebytes(source.randbytes(size * 57 // 78)).replace(b"\n", b"\r\n")


def _multipart(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    header = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode()
    mark = f"\r\n--{boundary}".encode()
    return header + b"".join(mark + b"\r\n" + part for part in parts) + mark + b"--\r\n"
