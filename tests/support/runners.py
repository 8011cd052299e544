"""Running things at the same time."""

import threading
from collections.abc import Callable


def in_threads(task: Callable[[int], object], count: int) -> None:
    """Run `task` of 0 to count - 1 at once, each in its thread; the first exception of any is raised here."""
    start = threading.Barrier(count)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        start.wait(30)
        try:
            task(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
