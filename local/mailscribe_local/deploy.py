"""Where the deployable parts lie: template.yaml and the functions' folders.

In the source tree they lie at its root; in an installed wheel beside this package, under `_deploy`. The source
tree wins, because an editable install leaves a copy of them behind that may be old.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from mailscribe.errors import ConfigError

TEMPLATE: Final = "template.yaml"
_PACKAGE: Final = Path(__file__).resolve().parent
_ROOTS: Final = (_PACKAGE.parent.parent, _PACKAGE / "_deploy")

type Handler = Callable[[dict[str, Any], object], dict[str, Any]]


def deploy_root() -> Path:
    """The folder that holds template.yaml and functions/. Raises `ConfigError` when neither place has them."""
    for root in _ROOTS:
        if (root / TEMPLATE).is_file() and (root / "functions").is_dir():
            return root
    raise ConfigError(f"no {TEMPLATE} in {' or '.join(map(str, _ROOTS))}: the installation is incomplete")


def template_path() -> Path:
    """template.yaml."""
    return deploy_root() / TEMPLATE


def load_handler(function: str) -> Handler:
    """The `handler` of functions/<function>/app.py, from a fresh copy of that module."""
    handler: Handler = load_function(function).handler
    return handler


def load_function(function: str) -> ModuleType:
    """A fresh copy of the module functions/<function>/app.py."""
    path = deploy_root() / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"mailscribe_function_{function}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f"no function {function!r} in {path.parent.parent}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
