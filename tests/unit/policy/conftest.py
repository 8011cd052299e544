"""Whatever reads YAML: libyaml, and Python's own where that is not there; they answer alike."""

from typing import Any

import pytest
import yaml

from mailscribe.policy import document


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Any = getattr(yaml, request.param)
    monkeypatch.setattr(document, "LOADER", found)
