"""What `make container-check` does: builds the front end's image, runs it, sends it a mail, stops it.

The bucket is one of template.yaml's on a moto server in this process. The mail must lie in it byte for byte, the
health port must answer, the process must not be root, and SIGTERM must end it with 0. Where no container program
is at hand, it says so and ends well: the image is then proved elsewhere.
"""

import argparse
import contextlib
import http.client
import json
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import boto3

from mailscribe_local import deploy, moto_backend

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGE: Final = "localhost/mailscribe-frontend:check"
NAME: Final = f"mailscribe-check-{os.getpid()}"
START_SECONDS: Final = 60
MAIL: Final = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: container\r\n\r\n.dot\r\n\xc3\xa4\r\n"


class CheckError(Exception):
    """The container is not as it must be."""


def main() -> int:
    """Check; 0 too when there is nothing to build with."""
    parser = argparse.ArgumentParser(description="Build and try the front end's container.")
    parser.add_argument("--base", help="base image instead of the Dockerfile's own")
    parser.add_argument("--engine", choices=("podman", "buildah"), help="default: the first that works")
    arguments = parser.parse_args()
    engines = [name for name in ("podman", "buildah") if shutil.which(name) and arguments.engine in (None, name)]
    if not engines:
        print("container-check skipped: neither podman nor buildah is on PATH")
        return 0
    try:
        build(engines[0], arguments.base)
        engine = choose(engines)
        server = moto_backend.start_moto()
        stack = moto_backend.create_resources(deploy.template_path(), moto_backend.endpoint(server))
        os.environ.update(stack.env)
        with running(engine, stack.env) as (smtp, health):
            try_it(stack.bucket, smtp, health)
        server.stop()
    except CheckError as error:
        print(f"container-check failed: {error}", file=sys.stderr)
        return 1
    print(f"container-check passed with {engine}")
    return 0


def build(engine: str, base: str | None) -> None:
    """Build the image. Raises `CheckError`."""
    argument = ["--build-arg", f"BASE={base}"] if base else []
    verb = ["podman", "build"] if engine == "podman" else ["buildah", "bud"]
    _do([*verb, "--isolation", "chroot", *argument, "-f", "frontend/Dockerfile", "-t", IMAGE, "."], "the build failed")
    inspect = ["inspect", "--type", "image", IMAGE]
    found = json.loads(_do([engine, *inspect], "no image was built"))
    config = found[0]["Config"] if engine == "podman" else found["OCIv1"]["config"]
    if config.get("User", "") in ("", "root", "0"):
        raise CheckError("the image runs as root")
    print(f"container-check: built, runs as {config['User']}", flush=True)


def choose(engines: list[str]) -> str:
    """The first that can run the image. Raises `CheckError`."""
    for engine in engines:
        if runs(engine):
            return engine
    raise CheckError(f"{' and '.join(engines)} cannot run a container on this machine")


def runs(engine: str) -> bool:
    """Whether the engine can run a container here: some sandboxes allow podman to build, but not to run."""
    if engine == "buildah":
        return True
    done = subprocess.run(
        [engine, "run", "--rm", "--read-only", "--network", "host", "--entrypoint", "python", IMAGE, "-c", ""],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@contextlib.contextmanager
def running(engine: str, environ: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The container on this machine's loopback; its SMTP and health ports. Raises `CheckError` for a bad end."""
    smtp, health = _free_port(), _free_port()
    given = environ | {
        "MAILSCRIBE_DOMAINS": "*",
        "MAILSCRIBE_LISTEN": f"127.0.0.1:{smtp}",
        "MAILSCRIBE_HEALTH_LISTEN": f"127.0.0.1:{health}",
    }
    variables = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
    if engine == "podman":
        command = ["podman", "run", "--rm", "--read-only", "--network", "host", "--name", NAME, *variables, IMAGE]
    else:
        _do(["buildah", "from", "--name", NAME, IMAGE], "no container could be made")
        options = ["--isolation", "chroot", "--network", "host", *variables]
        command = ["buildah", "run", *options, NAME, "--", "python", "-m", "mailscribe_smtp"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        wait_healthy(process, health)
        yield smtp, health
        os.kill(program(process.pid), signal.SIGTERM)
        code = process.wait(START_SECONDS)
        if code != 0:
            raise CheckError(f"SIGTERM ended it with {code}")
    finally:
        process.kill()
        process.wait()
        if engine == "buildah":
            subprocess.run(["buildah", "rm", NAME], capture_output=True, check=False)


def program(pid: int) -> int:
    """The process to signal: podman hands signals on; buildah does not, but its container is among its descendants."""
    children = {int(word) for task in Path(f"/proc/{pid}/task").glob("*/children") for word in task.read_text().split()}
    found = [program(child) for child in children]
    is_buildah = b"buildah" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    return max(found, default=pid) if is_buildah else pid


def wait_healthy(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when the health port answers 200. Raises `CheckError`."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise CheckError(f"it ended at once with {process.returncode}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/health")
            status = connection.getresponse().status
            connection.close()
            if status == http.client.OK:
                return
        time.sleep(0.2)
    raise CheckError(f"the health port did not answer in {START_SECONDS} s")


def try_it(bucket: str, smtp: int, health: int) -> None:
    """Send a mail and find it in the bucket. Raises `CheckError`."""
    with smtplib.SMTP("127.0.0.1", smtp, "client.example.com", timeout=30) as client:
        client.sendmail("a@example.com", ["b@example.com"], MAIL)
    with contextlib.closing(boto3.client("s3")) as objects:
        listed = objects.list_objects_v2(Bucket=bucket, Prefix="messages/").get("Contents", [])
        if len(listed) != 1:
            raise CheckError(f"{len(listed)} messages are in the bucket, not one")
        stored = objects.get_object(Bucket=bucket, Key=listed[0]["Key"])["Body"].read()
    if not stored.endswith(MAIL):
        raise CheckError("the message in the bucket is not the one that was sent")
    print(f"container-check: took a mail, health port {health} answers", flush=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _do(command: list[str], failure: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise CheckError(f"{failure}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
