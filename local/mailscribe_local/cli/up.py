"""`mailscribe up`: the whole system on this machine, in the foreground.

Standard output gets the ready line and nothing else: it is for scripts. Lines to copy and try are for the person.
"""

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from mailscribe_local.cli.output import say
from mailscribe_local.stack import supervisor
from mailscribe_local.stack.options import FIXED_TOKEN, Address, Options, choose_token, parse_address

SMTP: Final = "127.0.0.1:1025"
HTTP: Final = "127.0.0.1:8025"
_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound
_EPILOG: Final = """\
Ctrl-C or SIGTERM ends it, with what is in flight finished first.
Every other setting is a variable MAILSCRIBE_...; docs/settings.md lists them."""
_MAIL: Final = r"'Subject: hello\r\n\r\nHello, world.\r\n'"


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--smtp", default=SMTP, metavar="HOST:PORT", help="SMTP address (%(default)s); port 0: any")
    parser.add_argument("--http", default=HTTP, metavar="HOST:PORT", help="API address (%(default)s); port 0: any")
    parser.add_argument("--data", default=".mailscribe", metavar="DIR", help="data folder (%(default)s)")
    parser.add_argument(
        "--backend",
        choices=("embedded", "moto"),
        default="embedded",
        help="embedded: files and SQLite under DIR, which outlive a kill; moto: the resources of template.yaml "
        "on a fake of AWS in memory (%(default)s)",
    )
    parser.add_argument(
        "--directory",
        metavar="FILE",
        default="",
        help="who is here: domains, mailboxes, aliases, lists (docs/policy.md)",
    )
    parser.add_argument(
        "--rules", metavar="FILE", default="", help="what is refused, delayed, dropped (docs/policy.md)"
    )
    parser.add_argument(
        "--auth",
        metavar="any|off|FILE",
        default="",
        help="who may authenticate: any takes every user and password, the default where "
        "only this machine can connect; FILE is made by `mailscribe credentials`; off elsewhere",
    )
    parser.add_argument(
        "--tls",
        metavar="self-signed|CERT,KEY",
        default="",
        help="offer STARTTLS, with a certificate made for this machine or one of yours",
    )
    parser.add_argument("--smtps", metavar="HOST:PORT", help="a second SMTP address where TLS comes first; needs --tls")
    parser.add_argument("--token", help=f"API token; left out: `{FIXED_TOKEN}` on loopback, elsewhere one is made")
    parser.epilog = _EPILOG
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM."""
    http = parse_address("--http", arguments.http)
    options = Options(
        smtp=parse_address("--smtp", arguments.smtp),
        http=http,
        data=Path(arguments.data),
        backend=arguments.backend,
        token=choose_token(arguments.token, http),
        auth=arguments.auth,
        tls=arguments.tls,
        smtps=parse_address("--smtps", arguments.smtps) if arguments.smtps else None,
        directory=arguments.directory,
        rules=arguments.rules,
    )

    def ready(smtp: Address, http: Address) -> None:
        print(ready_line(smtp, http, options.token), flush=True)
        for line in hints(smtp, http, options):
            say(line)

    return supervisor.run(options, dict(os.environ), say, ready)


def ready_line(smtp: Address, http: Address, token: str) -> str:
    """The line that says where everything answers.

    >>> ready_line(Address("127.0.0.1", 1025), Address("127.0.0.1", 8025), "local")
    'mailscribe ready smtp=127.0.0.1:1025 http=http://127.0.0.1:8025 token=local'
    """
    return f"mailscribe ready smtp={smtp} http=http://{http} token={token}"


def hints(smtp: Address, http: Address, options: Options) -> list[str]:
    """Lines to copy into a shell and try, and what remains after Ctrl-C."""
    server, url = shlex.quote(str(_reachable(smtp))), f"http://{_reachable(http)}"
    authorization = shlex.quote(f"Authorization: Bearer {options.token}")
    addresses = "--mail-from you@example.com --mail-rcpt someone@example.org"
    kept = f"the data stays in {options.data}" if options.backend == "embedded" else "nothing stays of this backend"
    return [
        "try:",
        f"  {_program()} send -v --server {server} --to someone@example.org",
        f"  swaks --server {server} --from you@example.com --to someone@example.org",
        f"  printf {_MAIL} | curl -sS {shlex.quote(f'smtp://{_reachable(smtp)}')} {addresses} -T -",
        f"  {_environment(url, options.token)}{_program()} list",
        f"  curl -sSH {authorization} {shlex.quote(f'{url}/v1/messages')}",
        f"  curl -sSH {authorization} {shlex.quote(f'{url}/v1/sessions')}",
        f"Ctrl-C ends it; {kept}.",
    ]


def _reachable(address: Address) -> Address:
    """Where this machine finds what listens at `address`."""
    return Address(_WILDCARDS.get(address.host, address.host), address.port)


def _environment(url: str, token: str) -> str:
    """What has to stand before a command to find this system; nothing at the default address."""
    url_part = "" if url == f"http://{HTTP}" else f"MAILSCRIBE_URL={shlex.quote(url)} "
    return url_part + ("" if token == FIXED_TOKEN else f"MAILSCRIBE_TOKEN={shlex.quote(token)} ")


def _program() -> str:
    """How this program is called from here."""
    program = Path(sys.argv[0])
    if program.name != "mailscribe":
        return f"{shlex.quote(sys.executable)} -m mailscribe_local.cli"
    if (found := shutil.which("mailscribe")) and Path(found).samefile(program):
        return "mailscribe"
    absolute, here = program.absolute(), Path.cwd()
    return shlex.quote(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))
