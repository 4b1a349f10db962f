"""The binary under test."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODELCTL", str(ROOT / ".build/release/modelctl"))


class Failed(AssertionError):
    """A call that did not end with the expected code; `code` and `errors` tell."""

    def __init__(self, arguments, result):
        super().__init__(f"modelctl {' '.join(map(str, arguments))} ended with {result.returncode}:\n{result.stderr[-4000:]}")
        self.code, self.errors = result.returncode, result.stderr


def run(*arguments, expect=0, timeout=300):
    result = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
    if result.returncode != expect:
        raise Failed(arguments, result)
    return result.stdout


def convert(source, destination, *options):
    """Converts, verified by modelctl itself, and returns its JSON."""
    return json.loads(run("convert", source, destination, "--json", "--force", *options))


def inspect(path):
    return json.loads(run("inspect", path, "--json"))


def verify(reference, candidate, *options, expect=0):
    return json.loads(run("verify", reference, candidate, "--json", *options, expect=expect))
