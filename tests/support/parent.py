"""A supervisor of one `support.child`, to be killed: `python -m support.parent DATA`; says where its child listens."""

import asyncio
import sys
from pathlib import Path

from mailscribe_local.stack.children import Child
from mailscribe_local.stack.control import ChildConfig
from mailscribe_local.stack.lock import DataLock
from mailscribe_local.stack.options import Address


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def main(data: Path) -> None:
    with DataLock(data) as lock:
        config = ChildConfig(
            listen=Address("127.0.0.1", 0), data=str(data), backend="ready", control_fd=-1, wake_fd=-1, settings={}
        )
        child = Child("test", "support.child", config, _say, lock_fd=lock.fd)
        sys.stdout.write(f"{await child.start()}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
