"""Every setting of mailscribe in one table: name, type, default, source.

A setting `max_message_size` is read from `MAILSCRIBE_MAX_MESSAGE_SIZE`. The environment is a parameter,
never read at import. A value that cannot be used is a `ConfigError` that names it. docs/settings.md is made
from this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

from mailscribe.errors import ConfigError

PREFIX: Final = "MAILSCRIBE_"
_CHOICES: Final = {"line_ends": ("reject", "store"), "disclosure": ("none", "authenticated", "all")}
_BOOLEANS: Final = dict.fromkeys(("true", "on", "yes", "1"), True) | dict.fromkeys(("false", "off", "no", "0"), False)


def _setting(default: Any, doc: str, source: str = "ours", least: int | None = None) -> Any:  # noqa: ANN401 - dataclass field
    return field(default=default, metadata={"doc": doc, "source": source, "least": least})


def _secret(doc: str, source: str) -> Any:  # noqa: ANN401 - dataclass field
    """A setting that no repr shows."""
    return field(default="", repr=False, metadata={"doc": doc, "source": source, "least": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force. Sizes in bytes, times in seconds."""

    # stores
    bucket: str = _setting("", "Bucket of messages, sessions and derived objects.")
    table: str = _setting("", "DynamoDB table of the records.")
    event_bus: str = _setting("", "EventBridge bus for events; empty: none are published.")
    seal_queue: str = _setting("", "URL of the queue by which ingest nudges the seal function; empty: it does not.")
    shards: int = _setting(1, "Partitions per day of records and tail; fixed when the table is made.", least=1)
    retention_days: int = _setting(
        0, "Days after which the records of a message or session are gone; 0: never.", least=0
    )
    record_overflow: int = _setting(65_536, "A packed record larger than this goes to `derived/`.", least=1024)
    # the front end
    hostname: str = _setting("localhost", "Name in the greeting and in Received.", "RFC 5321 §4.3.1")
    listen: tuple[str, ...] = _setting(
        ("0.0.0.0:2525",),
        "HOST:PORT[/PROFILE][+proxy] of each SMTP listener; profiles: mx, submission, submissions, open.",
    )
    workers: int = _setting(1, "Processes that share the listeners' ports (SO_REUSEPORT); caps are for each.", least=1)
    proxy_trusted: tuple[str, ...] = _setting(
        (), "Addresses and networks whose PROXY header is believed, on listeners with `+proxy`.", "PROXY protocol 1, 2"
    )
    tls_cert: str = _setting("", "File of the certificate chain in PEM; read anew when it changes.", "RFC 3207, 8314")
    tls_key: str = _setting("", "File of the certificate's key in PEM.", "RFC 3207, 8314")
    tls_cert_pem: str = _setting("", "The certificate chain itself, where there is no file.", "RFC 3207, 8314")
    tls_key_pem: str = _secret("The key itself, where there is no file; a secret.", "RFC 3207, 8314")
    auth: str = _setting("off", "Who may authenticate: `off`, `any`, or a file of USER:HASH lines.", "RFC 4954")
    auth_users: str = _secret("The USER:HASH lines themselves, where there is no file.", "RFC 4954")
    directory: str = _setting("", "Directory file: domains, mailboxes, aliases, lists; replaces `domains`.")
    rules: str = _setting("", "Rules file.")
    disclosure: Literal["none", "authenticated", "all"] = _setting(
        "none", "Who is told by VRFY and EXPN who is here, where the directory does not say.", "RFC 5321 §7.3"
    )
    classic: bool = _setting(False, "SEND, SOML and SAML.", "RFC 821 §3.4")
    keep_refused: bool = _setting(False, "Whether refused content is kept under `refused/`.")
    refused_days: int = _setting(
        7, "Days that `mailscribe up` keeps it; 0: for ever. Deployed, the bucket's rule says.", least=0
    )
    health_listen: str = _setting(
        "0.0.0.0:8080", "HOST:PORT of the front end's HTTP port for /health and /metrics; empty: none."
    )
    metrics_namespace: str = _setting("", "CloudWatch namespace of the metrics in the container's log; empty: none.")
    domains: tuple[str, ...] = _setting((), "Domains accepted at RCPT; `*` accepts every one, none refuses all.")
    max_message_size: int = _setting(52_428_800, "Largest message: 552 5.3.4 above; announced by SIZE.", "RFC 1870", 1)
    max_recipients: int = _setting(1000, "Recipients of one transaction: 452 4.5.3 above.", "RFC 5321 §4.5.3.1.8", 100)
    max_transactions: int = _setting(
        1000, "Mail transactions of one session: 421 4.7.0 above; announced by LIMITS.", "RFC 9422", 1
    )
    max_command_line: int = _setting(
        2048, "Command line with CRLF: 500 5.5.2 above.", "RFC 5321 §4.5.3.1.4 and extensions", 512
    )
    max_header_bytes: int = _setting(262_144, "Header block: 554 5.6.0 above, after the true end.", least=1000)
    max_header_fields: int = _setting(1000, "Header fields: 554 5.6.0 above, after the true end.", least=1)
    max_text_line: int = _setting(
        65_536, "Text line with CRLF: flagged above 1000, 554 5.6.0 above this.", "RFC 5321 §4.5.3.1.6", 1000
    )
    max_received: int = _setting(100, "Received fields: 554 5.4.6 from this many on.", "RFC 5321 §6.3", 1)
    line_ends: Literal["reject", "store"] = _setting(
        "reject",
        "A bare LF or CR in content: `reject` with 550 5.5.2 or `store` and flag.",
        "RFC 5321 §2.3.8",
    )
    refuse_early_talkers: bool = _setting(
        False, "A client that talks before the greeting: 554 5.5.0; off: it is flagged.", "RFC 5321 §3.1"
    )
    max_refused_bytes: int = _setting(
        1_048_576, "Refused content up to this size is kept under `refused/`, where that is on.", least=1
    )
    max_errors: int = _setting(20, "Errors since the last acceptance before 421 4.7.0; 0: no limit.", least=0)
    max_transcript_bytes: int = _setting(
        1_000_000, "Stored transcript of one session, then a `truncated` mark.", least=1000
    )
    max_transcript_events: int = _setting(10_000, "Stored events of one session, then a `truncated` mark.", least=100)
    mailless_per_minute: int = _setting(
        60,
        "Sessions without a message that are stored of one client a minute; the rest is one counted record. 0: all.",
        least=0,
    )
    max_sessions: int = _setting(1000, "Concurrent sessions: 421 4.7.0 above.", least=1)
    max_sessions_per_ip: int = _setting(100, "Concurrent sessions of one client address: 421 4.7.0 above.", least=1)
    command_timeout: int = _setting(300, "Wait for a command: 421 4.4.2.", "RFC 5321 §4.5.3.2.7", 1)
    data_timeout: int = _setting(180, "Wait for the next block of content: 421 4.4.2.", "RFC 5321 §4.5.3.2.5", 1)
    session_timeout: int = _setting(3600, "Length of a session: 421 4.4.2.", least=1)
    lost_after: int = _setting(
        600,
        "After `session_timeout`, time for the transcript to come; then ingest closes the session as `lost`.",
        least=0,
    )
    put_timeout: int = _setting(60, "Wait for the object store at the end of data: 451 4.3.0.", least=1)
    drain_timeout: int = _setting(30, "After SIGTERM: time for messages in flight.", least=0)
    max_inflight_bytes: int = _setting(268_435_456, "Content held by all sessions: 452 4.3.1 at DATA above.", least=1)
    # the API
    hosts: tuple[str, ...] = _setting(
        (), "Host names answered; any other is 421. `*` answers every one.", "DNS rebinding"
    )
    answer_limit: int = _setting(
        4_194_304, "Larger answers are copied to `derived/` and redirected to.", "Lambda's 6 MB", 1024
    )
    wait_limit: int = _setting(25, "Longest `timeout` of a wait.", "HTTP API's 30 s", 0)
    delete_limit: int = _setting(
        1000, "Messages that one call deletes at most: 422 above; 0: any number.", "HTTP API's 30 s", 0
    )
    wait_slots: int = _setting(50, "Waits held at once when deployed: 429 above.", least=1)


def env_name(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def load(environ: Mapping[str, str], **overrides: Any) -> Settings:  # noqa: ANN401 - values of the table's types
    """Settings from environment variables; `overrides` win. Raises `ConfigError` naming the variable."""
    values: dict[str, Any] = {}
    for entry in fields(Settings):
        text = environ.get(env_name(entry.name))
        if text is not None:
            values[entry.name] = _parse(entry.name, entry.default, entry.metadata["least"], text)
    return Settings(**(values | overrides))


def to_environ(values: Mapping[str, Any]) -> dict[str, str]:
    """The environment by which `load` gets these values: for a process or function that is started with them.

    >>> to_environ({"hosts": ("a", "b"), "shards": 2})
    {'MAILSCRIBE_HOSTS': 'a,b', 'MAILSCRIBE_SHARDS': '2'}
    """
    return {
        env_name(name): ",".join(value) if isinstance(value, tuple) else str(value) for name, value in values.items()
    }


def _parse(name: str, default: object, least: int | None, text: str) -> object:
    match default:
        case bool():
            if text.lower() not in _BOOLEANS:
                raise ConfigError(f"{env_name(name)}={text!r}: neither true nor false")
            return _BOOLEANS[text.lower()]
        case int():
            try:
                number = int(text)
            except ValueError:
                raise ConfigError(f"{env_name(name)}={text!r}: not a whole number") from None
            if least is not None and number < least:
                raise ConfigError(f"{env_name(name)}={text!r}: less than {least}")
            return number
        case tuple():
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case _ if name in _CHOICES and text not in _CHOICES[name]:
            raise ConfigError(f"{env_name(name)}={text!r}: none of {', '.join(_CHOICES[name])}")
        case _:
            return text
