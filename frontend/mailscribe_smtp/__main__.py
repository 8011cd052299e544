"""The container's entry: settings from the environment, listeners, health port, drain on SIGTERM or SIGINT.

Standard output carries one JSON line per session and per event of the process; never a secret, never content.
Exit codes: 0 drained, 1 drained but something was cut off, 2 a setting or port cannot be used,
3 the bucket does not answer or is not there. A reason is one line on standard error, never a traceback.
"""

import os
import sys
from collections.abc import Mapping

import uvloop

from mailscribe.errors import ConfigError, StoreError
from mailscribe_smtp.logs import set_up_logging
from mailscribe_smtp.server import raise_descriptor_limit
from mailscribe_smtp.serving import Exit, serve


def main(environ: Mapping[str, str]) -> Exit:
    """Run; the exit code."""
    set_up_logging()
    raise_descriptor_limit()
    try:
        return uvloop.run(serve(environ))
    except (ConfigError, StoreError) as error:
        sys.stderr.write(f"mailscribe-smtp: {error}\n")
        return Exit.CONFIG if isinstance(error, ConfigError) else Exit.UNREACHABLE


if __name__ == "__main__":
    sys.exit(main(os.environ))
