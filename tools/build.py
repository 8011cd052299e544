"""What `make build` does: `sam build` for arm64 and for x86-64, then the checks of tools/build_check.py.

sam-cli pins an older boto3, so it lives in an environment of its own, `.tools/sam`. It builds without a container:
for the other processor it fetches wheels, and whatever has none fails the build. What was built for this
processor is run; of what was built for the other, every shared object is looked at.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import bootstrap
import build_check

ROOT: Final = Path(__file__).resolve().parent.parent
SAM_REQUIREMENT: Final = "aws-sam-cli==1.170.0"
SAM_HOME: Final = ROOT / ".tools" / "sam"
SAM: Final = SAM_HOME / "bin" / "sam"
OUTPUT: Final = ROOT / ".aws-sam"
ARCHITECTURES: Final = ("arm64", "x86_64")
REGION: Final = "us-east-1"  # sam wants one, and asks nothing there


def main() -> int:
    """Validate, build and check; 1 when something failed."""
    parser = argparse.ArgumentParser(description="Build the functions and their layer, and check what was built.")
    parser.add_argument("--arch", action="append", choices=ARCHITECTURES, help="only this one (default: both)")
    parser.add_argument("--validate", action="store_true", help="only validate template.yaml")
    arguments = parser.parse_args()
    try:
        install_sam()
        sam("validate", "--lint")
        for architecture in () if arguments.validate else arguments.arch or ARCHITECTURES:
            build(architecture)
    except (bootstrap.SetupError, build_check.BuildError, subprocess.CalledProcessError) as error:
        print(f"build failed: {error}", file=sys.stderr)
        return 1
    return 0


def install_sam() -> None:
    """sam-cli in `.tools/sam`, once for each version."""
    stamp = SAM_HOME / "requirement"
    if stamp.is_file() and stamp.read_text() == SAM_REQUIREMENT and SAM.exists():
        return
    print(f"build: installing {SAM_REQUIREMENT} into {SAM_HOME.relative_to(ROOT)}", flush=True)
    uv = bootstrap.find_uv() or bootstrap.install_uv()
    python = Path(sys.executable).resolve()
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", python, SAM_HOME], check=True)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", SAM_HOME / "bin" / "python", SAM_REQUIREMENT], check=True
    )
    stamp.write_text(SAM_REQUIREMENT)


def build(architecture: str) -> None:
    """Build for one processor into `.aws-sam/<architecture>` and check it."""
    started = time.monotonic()
    folder = OUTPUT / architecture
    sam(
        "build",
        "--build-dir",
        str(folder),
        "--cache-dir",
        str(OUTPUT / "cache"),
        "--parameter-overrides",
        f"Architecture={architecture}",
    )
    build_check.check(folder, architecture, run=architecture == platform.machine().replace("aarch64", "arm64"))
    print(f"build: {architecture} is good, {time.monotonic() - started:.0f} s", flush=True)


def sam(*arguments: str) -> None:
    """Run sam with a python3.13 on PATH, which it builds with; silent unless it fails."""
    path = os.pathsep.join([str(Path(sys.executable).resolve().parent), os.environ.get("PATH", "")])
    environ = os.environ | {"PATH": path, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
    environ.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        [SAM, *arguments], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise build_check.BuildError(f"sam {arguments[0]} ended with {done.returncode}")
    print(f"build: sam {arguments[0]} is done", flush=True)


if __name__ == "__main__":
    sys.exit(main())
