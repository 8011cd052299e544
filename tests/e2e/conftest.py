"""Running stacks for the end-to-end tests: one per backend, shared by the tests of a worker process."""

from collections.abc import Iterator

import pytest

from support.stack import Stack, running_stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is end to end, and may take longer than a unit."""
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session", params=["embedded", "moto"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running system of each backend."""
    with running_stack(tmp_path_factory.mktemp(request.param) / "data", "--backend", request.param) as running:
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running embedded system."""
    with running_stack(tmp_path_factory.mktemp("only") / "data") as running:
        yield running
