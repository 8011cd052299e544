"""What `up` makes of its options and the environment: the command line wins, then a variable, then what is local."""

from pathlib import Path
from typing import Any

import pytest

from mailscribe.errors import ConfigError
from mailscribe_local.stack.backend import local_settings
from mailscribe_local.stack.options import Address, Options

HERE, ELSEWHERE = Address("127.0.0.1", 1025), Address("0.0.0.0", 1025)  # noqa: S104 - compared with, not bound


def options(data: Path, smtp: Address = HERE, **more: Any) -> Options:
    return Options(smtp=smtp, http=HERE, data=data, backend="embedded", token="t", **more)


def test_what_is_local(tmp_path: Path) -> None:
    found = local_settings(options(tmp_path), {})
    assert (found["auth"], found["disclosure"], found["classic"], found["keep_refused"]) == ("any", "all", True, True)
    assert (found["domains"], found["line_ends"], found["listen"]) == (("*",), "store", ())
    assert found["health_listen"] == ""
    assert "tls_cert" not in found
    assert local_settings(options(tmp_path, ELSEWHERE), {})["auth"] == "off"
    assert local_settings(options(tmp_path, smtps=HERE, tls="a,b"), {})["auth"] == "any"
    assert local_settings(options(tmp_path, smtps=ELSEWHERE, tls="a,b"), {})["auth"] == "off"


def test_a_variable_wins_over_what_is_local_and_an_option_over_both(tmp_path: Path) -> None:
    environ = {"MAILSCRIBE_AUTH": "users", "MAILSCRIBE_CLASSIC": "off", "MAILSCRIBE_DIRECTORY": "x"}
    found = local_settings(options(tmp_path), environ)
    assert not {"auth", "classic", "directory"} & found.keys()
    asked = local_settings(options(tmp_path, auth="off", directory="d", rules="r"), environ)
    assert (asked["auth"], asked["directory"], asked["rules"]) == ("off", "d", "r")


def test_tls(tmp_path: Path) -> None:
    made = local_settings(options(tmp_path, tls="self-signed", smtps=Address("127.0.0.1", 0)), {})
    assert Path(made["tls_cert"]).is_file()
    assert made["listen"] == ("127.0.0.1:0/open-tls",)
    own = local_settings(options(tmp_path, tls="a.pem,b.pem"), {})
    assert (own["tls_cert"], own["tls_key"]) == ("a.pem", "b.pem")


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"smtps": HERE}, "--smtps needs a certificate"),
        ({"auth": "any", "smtp": ELSEWHERE}, "--auth any"),
        ({"auth": "any", "smtps": ELSEWHERE, "tls": "a,b"}, "--auth any: 0.0.0.0:1025"),
        ({"tls": "a.pem"}, "--tls a.pem"),
        ({"tls": "a,b,c"}, "--tls a,b,c"),
    ],
)
def test_what_does_not_fit_together(tmp_path: Path, more: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        options(tmp_path, **more)
