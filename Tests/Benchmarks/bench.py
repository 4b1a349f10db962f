"""Benchmarks of the command line as ratios to the peers, all measured in this one run: `make bench`.

Whole processes, with the operating system's own account of time and memory. Prints a table; nothing here passes or fails.

    bench.py [--gigabytes 1.0] [--only inspect,convert,inference]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "InteropTests"))
import modelctl

PYTHON = sys.executable


def process(command, runs=3, warmup=1):
    """Median seconds and the largest resident megabytes of a command's whole process."""
    seconds, megabytes = [], 0
    for index in range(warmup + runs):
        start = time.perf_counter()
        child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        elapsed = time.perf_counter() - start
        if status != 0:
            raise RuntimeError(f"{command} failed: {errors.decode()[-2000:]}")
        if index >= warmup:
            seconds.append(elapsed)
            megabytes = max(megabytes, usage.ru_maxrss / 1024)
    return statistics.median(seconds), megabytes


def peer(command, **options):
    """As `process`, or `None` when the peer does not get to the end."""
    try:
        return process(command, **options)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return None


def row(what, seconds, megabytes, peers):
    ratios = "; ".join(f"{name} {other[0]:.3f} s, {other[1]:.0f} MB: {other[0] / seconds:.1f}× the time" if other else f"{name} failed"
                       for name, other in peers)
    print(f"| {what} | {seconds * 1000:.0f} ms | {megabytes:.0f} MB | {ratios} |", flush=True)


def wide_model(folder, gigabytes):
    """A stack of dense layers whose weights take so many gigabytes, as `.keras` and `.h5`."""
    script = f"""
import keras, numpy as np
units, layers = 4096, max(1, round({gigabytes} * 1e9 / (4096 * 4096 * 4)))
model = keras.Sequential([keras.layers.Input((units,))] + [keras.layers.Dense(units, activation='relu') for _ in range(layers)])
model.save(r'{folder}/wide.keras'); model.save(r'{folder}/wide.h5')
"""
    subprocess.run([PYTHON, "-c", script], check=True, capture_output=True)


def bench_inspect(folder, gigabytes):
    for name, load in [("wide.keras", "import keras; keras.saving.load_model(r'{}')"), ("wide.h5", "import keras; keras.saving.load_model(r'{}')"),
                       ("wide.onnx", "import onnx; onnx.load(r'{}')")]:
        path = folder / name
        seconds, megabytes = process([modelctl.BINARY, "inspect", path, "--json"], runs=9)
        row(f"inspect {name}, {gigabytes} GB", seconds, megabytes, [("loading it in Python", peer([PYTHON, "-c", load.format(path)], runs=1, warmup=0))])


def bench_convert(folder, gigabytes):
    tf2onnx = "import keras, numpy as np; m = keras.saving.load_model(r'{}'); m(np.zeros((1, 4096), 'f')); m.export(r'{}', format='onnx', verbose=False)"
    for name in ["wide.keras", "wide.h5"]:
        source, target = folder / name, folder / "wide.onnx"
        seconds, megabytes = process([modelctl.BINARY, "convert", source, target, "--no-verify", "--force"], runs=3)
        peers = [("cp", process(["cp", source, folder / "copy"], runs=3))]
        if name == "wide.keras":
            peers.append(("tf2onnx", peer([PYTHON, "-c", tf2onnx.format(source, folder / "peer.onnx")], runs=1, warmup=0)))
        row(f"convert {name} → onnx, {gigabytes} GB", seconds, megabytes, peers)


ORT = """
import json, sys, time, numpy as np, onnxruntime as ort
options = ort.SessionOptions(); options.intra_op_num_threads = 2
session = ort.InferenceSession(sys.argv[1], options)
feed = {i.name: np.random.default_rng(0).normal(size=[d if isinstance(d, int) else 1 for d in i.shape]).astype('f') for i in session.get_inputs()}
times = []
for _ in range(5): session.run(None, feed)
for _ in range(30):
    start = time.perf_counter(); session.run(None, feed); times.append(time.perf_counter() - start)
print(json.dumps({'median_ms': 1000 * sorted(times)[len(times) // 2]}))
"""


def bench_inference(folder):
    for name in ["ResNet50", "MobileNetV2", "EfficientNetB0"]:
        path = folder / f"{name}.keras"
        subprocess.run([PYTHON, "-c", f"import keras; keras.applications.{name}(weights=None).save(r'{path}')"], check=True, capture_output=True)
        modelctl.run("convert", path, path.with_suffix(".onnx"), "--no-verify", "--force")
        ours, theirs = [], []
        for _ in range(3):  # In turn, so that a change of the machine's speed meets both.
            ours.append(json.loads(modelctl.run("bench", path.with_suffix(".onnx"), "--threads", "2", "--json"))["median_ms"])
            result = subprocess.run([PYTHON, "-c", ORT, str(path.with_suffix(".onnx"))], check=True, capture_output=True, text=True)
            theirs.append(json.loads(result.stdout)["median_ms"])
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"| {name}, batch 1, two threads | {a:.1f} ms | | ONNX Runtime {b:.1f} ms: {a / b:.2f}× its latency |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--only", default="convert,inspect,inference")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    print("| what | time | resident | peers in the same run |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if "inspect" in wanted or "convert" in wanted:
            wide_model(folder, arguments.gigabytes)
            bench_convert(folder, arguments.gigabytes)
        if "inspect" in wanted:
            bench_inspect(folder, arguments.gigabytes)
        if "inference" in wanted:
            bench_inference(folder)


main()
