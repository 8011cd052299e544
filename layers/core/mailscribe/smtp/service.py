"""What a listener offers: which extensions, which demands. Settings are the server's, a service is the listener's.

A verb whose service is off is known and answered 502 (RFC 5321 §4.2.4); what is off is not announced either.
"""

from msgspec import Struct


class Service(Struct, frozen=True, kw_only=True):
    """The profile of one listener. `starttls`: a certificate is at hand and TLS does not begin with the connection."""

    name: str = "smtp"
    starttls: bool = False
    implicit_tls: bool = False
    tls_required: bool = False
    """MAIL before TLS is 530 5.7.0 (RFC 3207 §4)."""
    auth: bool = False
    auth_required: bool = False
    """MAIL before AUTH is 530 5.7.0 (RFC 4954 §6)."""
    auth_in_clear: bool = False
    """AUTH is announced and taken without TLS; off: 538 5.7.11."""
    classic: bool = False
    """SEND, SOML, SAML (RFC 821 §3.4)."""
    keep_refused: bool = False
    """Refused content is given to the driver to keep."""
