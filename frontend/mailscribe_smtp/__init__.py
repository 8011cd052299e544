"""The SMTP front end: sockets, time and storage around the sans-IO session of `mailscribe.smtp`."""
