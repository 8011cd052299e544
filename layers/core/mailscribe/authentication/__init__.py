"""Who answers for a message: SPF (RFC 7208), DKIM (RFC 6376), ARC (RFC 8617), DMARC (RFC 9989).

Pure: bytes of a message, its envelope and a resolver go in, records with the evidence come out. Nothing raises on
received mail, every count of look-ups, signatures and octets has a named limit, and what the sender's side claims
about itself (Authentication-Results, RFC 8601) is parsed apart and never believed. Not on the parser's import path.
"""
