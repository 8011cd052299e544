"""The stack of `mailscribe up`: a supervisor, the SMTP process, the core process (worker and HTTP)."""
