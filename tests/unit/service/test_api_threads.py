"""Many threads ask one API at once: none gets another's answer, token, or route."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from mailscribe.service.api.resolver import Resolver
from support.api import ApiWorld, make_event
from support.faults import Faults, FaultyRecords, Gate

THREADS = 8
ROUNDS = 60


def test_every_thread_gets_its_own_answer() -> None:
    world = ApiWorld()
    ids = [world.message(number) for number in range(1, THREADS + 1)]
    barrier = threading.Barrier(THREADS)

    def ask(number: int) -> list[bool]:
        found = []
        barrier.wait()
        for turn in range(ROUNDS):
            if turn % 3 == 0:
                found.append(world.call(f"/v1/messages/{ids[number]}").json()["id"] == ids[number])
            elif turn % 3 == 1:
                found.append(world.call("/v1/messages", using="wrong").status == 401)
            else:
                found.append(
                    world.call("/v1/health", method="POST" if number % 2 else "GET").status
                    == (405 if number % 2 else 200)
                )
        return found

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            assert all(all(found) for found in pool.map(ask, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)


def test_a_call_that_takes_long_keeps_its_own_event_meanwhile() -> None:
    faults = Faults()
    world = ApiWorld(records=lambda records: FaultyRecords(records, faults))
    ulid = world.message()
    faults.gate = gate = Gate()  # the token is looked up first, before the route's own work
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(world.call, f"/v1/messages/{ulid}", {"properties": "subject"})
        gate.entered()
        assert world.call("/v1/health").json() == {"status": "ok"}
        assert world.call("/v1/nothing", using=None).status == 401
        assert world.call("/v1/docs").status == 200
        gate.open()
        assert slow.result().json() == {"id": ulid, "subject": "hello 1"}


def test_two_apis_in_one_process_are_apart() -> None:
    one, other = ApiWorld(), ApiWorld()
    ulid = one.message()
    assert one.call(f"/v1/messages/{ulid}").status == 200
    assert other.call(f"/v1/messages/{ulid}").status == 404


def test_the_resolver_keeps_a_call_per_thread() -> None:
    resolver = Resolver()
    resolver.context = {"mine": 1}
    resolver.current_event = resolver._to_proxy_event(make_event("/mine"))
    seen: list[object] = []

    def other() -> None:
        seen.append(dict(resolver.context))
        resolver.context = {"other": 1}
        resolver.current_event = resolver._to_proxy_event(make_event("/other"))
        seen.append(resolver.current_event.path)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [{}, "/other"]
    assert (resolver.context, resolver.current_event.path) == ({"mine": 1}, "/mine")
