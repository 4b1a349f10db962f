"""TensorFlow.js's Python package, in a process of its own that lives as long as the tests do."""
import atexit
import base64
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

import modelctl

PYTHON = pathlib.Path(os.environ.get("MODELCTL_TFJS_PYTHON", modelctl.ROOT / ".venv-tfjs/bin/python"))

needed = pytest.mark.skipif(not PYTHON.exists(), reason="tensorflowjs is not installed (make .venv-tfjs/.ready)")

_server = None


class PeerError(AssertionError):
    """What the package threw."""


def call(name, **arguments):
    global _server
    if _server is None or _server.poll() is not None:
        script = pathlib.Path(__file__).with_name("tfjs_server.py")
        _server = subprocess.Popen(
            [PYTHON, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        atexit.register(_server.kill)
    arguments = {key: str(value) if isinstance(value, os.PathLike) else value for key, value in arguments.items()}
    _server.stdin.write(json.dumps({"call": name, **arguments}) + "\n")
    _server.stdin.flush()
    answer = json.loads(_server.stdout.readline() or '{"error": "the process ended"}')
    if "error" in answer:
        raise PeerError(answer["error"][-3000:])
    return answer["result"]


def run_layers(model, inputs, folder):
    """The outputs of a layers model, in order."""
    np.savez(folder / "in.npz", **{str(i): x for i, x in enumerate(inputs)})
    call("run_layers", model=model, inputs=folder / "in.npz", outputs=folder / "out.npz")
    with np.load(folder / "out.npz") as data:
        return [data[key] for key in sorted(data.files, key=int)]


#: TensorFlow.js itself, `tf.min.js` of 4.22, where someone has it together with Node.
SCRIPT = os.environ.get("MODELCTL_TFJS_SCRIPT")
_node = None


def run_javascript(kind, model, inputs):
    """The outputs that TensorFlow.js computes (`layers`, or `graph` in the order of its signature)."""
    global _node
    if _node is None or _node.poll() is not None:
        script = pathlib.Path(__file__).with_name("tfjs_node.js")
        _node = subprocess.Popen(["node", script, SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        atexit.register(_node.kill)
    request = {"call": kind, "model": str(model), "inputs": [
        {"dtype": x.dtype.name, "shape": x.shape, "data": base64.b64encode(np.ascontiguousarray(x).tobytes()).decode()} for x in inputs]}
    _node.stdin.write(json.dumps(request) + "\n")
    _node.stdin.flush()
    answer = json.loads(_node.stdout.readline() or '{"error": "the process ended"}')
    if "error" in answer:
        raise PeerError(answer["error"][-3000:])
    return [np.frombuffer(base64.b64decode(r["data"]), r["dtype"]).reshape(r["shape"]) for r in answer["result"]]
