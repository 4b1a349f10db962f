"""Benchmarks of the command line as ratios to the peers, all measured in this one run: `make bench`.

Whole processes, with the operating system's own account of time and memory. Prints a table; nothing here passes or fails.

    bench.py [--gigabytes 1.0] [--only inspect,convert,converters,inference,quantized,quantize,training]
"""
import argparse
import json
import os
import pathlib
import shutil
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
    peers = {
        "wide.keras": "import keras; keras.saving.load_model(r'{}')",
        "wide.h5": "import keras; keras.saving.load_model(r'{}')",
        "wide.onnx": "import onnx; onnx.load(r'{}')",
        "wide_savedmodel": "import tensorflow as tf; tf.saved_model.load(r'{}')",
        "wide.tflite": "from ai_edge_litert.interpreter import Interpreter; Interpreter(r'{}').allocate_tensors()",
        "wide_tfjs": None,
    }
    kinds = {"wide_savedmodel": "savedmodel", "wide_tfjs": "tfjs-layers"}
    for name, load in peers.items():
        path = folder / name
        if not path.exists():
            modelctl.run("convert", folder / "wide.keras", path, "--no-verify", "--force", *(["--to", kinds[name]] if name in kinds else []))
        seconds, megabytes = process([modelctl.BINARY, "inspect", path, "--json"], runs=15)
        others = [("loading it in Python", peer([PYTHON, "-c", load.format(path)], runs=1, warmup=0))] if load else []
        row(f"inspect {name}, {gigabytes} GB", seconds, megabytes, others)


def bench_convert(folder, gigabytes):
    tf2onnx = "import keras, numpy as np; m = keras.saving.load_model(r'{}'); m(np.zeros((1, 4096), 'f')); m.export(r'{}', format='onnx', verbose=False)"
    pairs = [("wide.keras", "wide.onnx", None), ("wide.h5", "wide.onnx", None), ("wide.keras", "wide_savedmodel", "savedmodel"),
             ("wide.onnx", "wide_tfjs", "tfjs-graph"), ("wide_savedmodel", "wide.tflite", None)]
    for name, result, kind in pairs:
        source, target = folder / name, folder / result
        seconds, megabytes = process(
            [modelctl.BINARY, "convert", source, target, "--no-verify", "--force", *(["--to", kind] if kind else [])], runs=3)
        peers = [("cp", process(["cp", "-r", source, folder / "copy"], runs=3))]
        if (name, result) == ("wide.keras", "wide.onnx"):
            peers.append(("tf2onnx", peer([PYTHON, "-c", tf2onnx.format(source, folder / "peer.onnx")], runs=1, warmup=0)))
        row(f"convert {name} → {kind or target.suffix[1:]}, {gigabytes} GB", seconds, megabytes, peers)
        shutil.rmtree(folder / "copy", ignore_errors=True)
        (folder / "copy").unlink(missing_ok=True)
    shutil.rmtree(folder / "wide_tfjs", ignore_errors=True)


TFLITE_CONVERTER = """
import os, sys
os.environ['CUDA_VISIBLE_DEVICES'] = ''
import keras, tensorflow as tf
open(sys.argv[2], 'wb').write(tf.lite.TFLiteConverter.from_keras_model(keras.saving.load_model(sys.argv[1])).convert())
"""
TF2ONNX = """
import sys, keras, numpy as np
model = keras.saving.load_model(sys.argv[1]); model(np.zeros((1, 224, 224, 3), 'f')); model.export(sys.argv[2], format='onnx', verbose=False)
"""


def bench_converters(folder):
    """Whole processes, ours and the frameworks' own converters, on MobileNetV2."""
    source, h5, saved = folder / "MobileNetV2.keras", folder / "MobileNetV2.h5", folder / "MobileNetV2_savedmodel"
    network(source, "MobileNetV2")
    modelctl.run("convert", source, saved, "--to", "savedmodel", "--no-verify", "--force")
    modelctl.run("convert", source, h5, "--no-verify", "--force")
    tfjs = os.environ.get("MODELCTL_TFJS_PYTHON", modelctl.ROOT / ".venv-tfjs/bin/python")
    converter = pathlib.Path(tfjs).parent / "tensorflowjs_converter"
    cases = [
        ("keras → onnx", source, folder / "c.onnx", [], "tf2onnx", [PYTHON, "-c", TF2ONNX, source, folder / "p.onnx"]),
        ("h5 → tfjs-layers", h5, folder / "c_tfjs", ["--to", "tfjs-layers"], "tensorflowjs_converter",
         [converter, "--input_format", "keras", h5, folder / "p_tfjs"]),
        ("savedmodel → tfjs-graph", saved, folder / "c_graph", ["--to", "tfjs-graph"], "tensorflowjs_converter",
         [converter, "--input_format", "tf_saved_model", saved, folder / "p_graph"]),
        ("keras → tflite", source, folder / "c.tflite", [], "TFLiteConverter", [PYTHON, "-c", TFLITE_CONVERTER, source, folder / "p.tflite"]),
    ]
    for what, given, target, options, name, command in cases:
        seconds, megabytes = process([modelctl.BINARY, "convert", given, target, "--no-verify", "--force", *options], runs=5)
        row(f"MobileNetV2, {what}", seconds, megabytes, [(name, peer(command, runs=1, warmup=0))])
        seconds, megabytes = process([modelctl.BINARY, "convert", given, target, "--force", *options], runs=3)
        row("the same, verified", seconds, megabytes, [])


def network(path, name):
    if not path.exists():
        subprocess.run([PYTHON, "-c", f"import keras; keras.applications.{name}(weights=None).save(r'{path}')"], check=True, capture_output=True)


ORT = """
import json, sys, time, numpy as np, onnxruntime as ort
options = ort.SessionOptions(); options.intra_op_num_threads = int(sys.argv[2])
session = ort.InferenceSession(sys.argv[1], options)
feed = {i.name: np.random.default_rng(0).normal(size=[d if isinstance(d, int) else 1 for d in i.shape]).astype('f') for i in session.get_inputs()}
times = []
for _ in range(5): session.run(None, feed)
for _ in range(30):
    start = time.perf_counter(); session.run(None, feed); times.append(time.perf_counter() - start)
print(json.dumps({'median_ms': 1000 * sorted(times)[len(times) // 2]}))
"""
LITERT = """
import json, sys, time, numpy as np
from ai_edge_litert.interpreter import Interpreter
model = Interpreter(sys.argv[1], num_threads=int(sys.argv[2])); model.allocate_tensors()
for i in model.get_input_details(): model.set_tensor(i['index'], np.random.default_rng(0).normal(size=i['shape']).astype(i['dtype']))
times = []
for _ in range(5): model.invoke()
for _ in range(30):
    start = time.perf_counter(); model.invoke(); times.append(time.perf_counter() - start)
print(json.dumps({'median_ms': 1000 * sorted(times)[len(times) // 2]}))
"""
# The network of a name, and samples for it.
SAMPLED = """
import sys
import keras, numpy as np
from keras import layers as L
name, folder = sys.argv[1:]
keras.utils.set_random_seed(1)
if name == 'Transformer':
    x = i = L.Input((64, 128), batch_size=1)
    for _ in range(4):
        y = L.LayerNormalization()(x); x = L.Add()([x, L.MultiHeadAttention(4, 32)(y, y)])
        y = L.LayerNormalization()(x); x = L.Add()([x, L.Dense(128)(L.Dense(512, activation='gelu')(y))])
    model = keras.Model(i, L.Dense(10, activation='softmax')(L.GlobalAveragePooling1D()(x)))
elif name == 'LSTM':
    i = L.Input((50, 32), batch_size=1)
    model = keras.Model(i, L.Dense(5)(L.LSTM(128)(L.LSTM(128, return_sequences=True)(i))))
else:
    model = getattr(keras.applications, name)(weights=None, input_shape=(224, 224, 3))
model.save(f'{folder}/{name}.keras')
np.savez(f'{folder}/{name}.npz', x=np.random.default_rng(1).normal(size=(8, *model.inputs[0].shape[1:])).astype('f'))
"""


def latency(command):
    return json.loads(subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout)["median_ms"]


def in_turn(commands, rounds=3):
    """The median latency of each; in turn, so that a change of the machine's speed meets all."""
    found = [[] for _ in commands]
    for _ in range(rounds):
        for times, command in zip(found, commands): times.append(latency(command))
    return [statistics.median(times) for times in found]


def bench_inference(folder):
    for name in ["MobileNetV2", "EfficientNetB0", "ResNet50"]:
        path = folder / f"{name}.keras"
        network(path, name)
        onnx, tflite = path.with_suffix(".onnx"), path.with_suffix(".tflite")
        for target in [onnx, tflite]: modelctl.run("convert", path, target, "--no-verify", "--force")
        for threads in [1, 2]:
            ours, ort, again, litert = in_turn([
                [modelctl.BINARY, "bench", onnx, "--threads", threads, "--json"], [PYTHON, "-c", ORT, onnx, threads],
                [modelctl.BINARY, "bench", tflite, "--threads", threads, "--json"], [PYTHON, "-c", LITERT, tflite, threads]])
            print(f"| {name} float32, batch 1, {threads} threads | {ours:.1f} ms | | ONNX Runtime {ort:.1f} ms: {ours / ort:.2f}× its latency |", flush=True)
            print(f"| the same as TFLite | {again:.1f} ms | | LiteRT with XNNPACK {litert:.1f} ms: {again / litert:.2f}× its latency |", flush=True)


def bench_quantized(folder):
    """Files in float32, dynamic range and int8: ours with each, and LiteRT with the quantised ones."""
    for name in ["MobileNetV2", "EfficientNetB0", "MobileNetV3Large", "ResNet50", "Transformer", "LSTM"]:
        subprocess.run([PYTHON, "-c", SAMPLED, name, str(folder)], check=True, capture_output=True)
        files = {mode: folder / f"{name}.{mode}.tflite" for mode in ["float32", "dynamic", "int8"]}
        for mode, path in files.items():
            options = [] if mode == "float32" else ["--quantize", mode]
            if mode == "int8": options += ["--representative", folder / f"{name}.npz"]
            modelctl.run("convert", folder / f"{name}.keras", path, "--no-verify", "--force", *options)
        for threads in [1, 2]:
            ours = [[modelctl.BINARY, "bench", path, "--threads", threads, "--json"] for path in files.values()]
            theirs = [[PYTHON, "-c", LITERT, path, threads] for mode, path in files.items() if mode != "float32"]
            floats, dynamic, integers, their_dynamic, their_integers = in_turn(ours + theirs)
            for mode, mine, peer_time in [("dynamic range", dynamic, their_dynamic), ("int8", integers, their_integers)]:
                print(f"| {name} {mode}, batch 1, {threads} threads | {mine:.1f} ms | | our float32 {floats:.1f} ms: {mine / floats:.2f}× its latency; "
                      f"LiteRT with XNNPACK {peer_time:.1f} ms: {mine / peer_time:.2f}× |", flush=True)


TF_QUANTIZE = """
import sys
sys.path.insert(0, sys.argv[1])
import keras, numpy as np, quantizing
model = keras.saving.load_model(sys.argv[2])
data = {model.inputs[0].name: list(np.load(sys.argv[3]).values())[0]} if sys.argv[5] == "int8" else None
open(sys.argv[4], "wb").write(quantizing.tensorflow(model, data, mode=sys.argv[5]))
"""


def bench_quantize(folder):
    """MobileNetV2, 224 × 224: conversion and writing alone, then with calibration; ours over few and many samples."""
    path = folder / "MobileNetV2.keras"
    if not path.exists():
        network(path, "MobileNetV2")
    make = "import numpy as np, sys; np.savez(sys.argv[1], x=np.random.default_rng(1).normal(size=(int(sys.argv[2]), 224, 224, 3)).astype('f4'))"
    for count in [20, 200]:
        subprocess.run([PYTHON, "-c", make, str(folder / f"{count}.npz"), str(count)], check=True)
    tests = pathlib.Path(__file__).resolve().parents[1] / "InteropTests"

    def ours(mode, count):
        # Conversion and writing alone: TensorFlow's converter runs nothing either.
        samples = ["--representative", folder / f"{count}.npz"] if count else ["--no-verify"]
        return process([modelctl.BINARY, "convert", path, folder / "ours.tflite", "--force", "--quantize", mode, *samples], runs=1, warmup=0)

    def theirs(mode, count):
        command = [PYTHON, "-c", TF_QUANTIZE, tests, path, folder / f"{count or 20}.npz", folder / "theirs.tflite", mode]
        return peer(command, runs=1, warmup=0)

    row("MobileNetV2 as dynamic-range TFLite, not verified", *ours("dynamic", 0), [("TensorFlow's converter", theirs("dynamic", 0))])
    few = ours("int8", 20)
    row("MobileNetV2 as int8 TFLite, 200 samples", *ours("int8", 200),
        [("TensorFlow's converter", theirs("int8", 200)), ("modelctl with 20 samples", few)])


def bench_training(_):
    """Samples a second of `fit`, beside Keras on TensorFlow; in turn, so that a change of the machine's speed meets both."""
    here = pathlib.Path(__file__).resolve().parent
    ours = pathlib.Path(os.environ.get("MODELBENCH", pathlib.Path(modelctl.BINARY).parent / "modelbench"))
    commands = {"modelbench": [ours, "training", "--json"], "Keras": [PYTHON, here / "training_peer.py"]}
    for name in ["mlp", "cnn", "lstm", "gru"]:
        found = {who: [] for who in commands}
        for _ in range(3):
            for who, command in commands.items():
                words = [str(c) for c in command[:2]] + [name] + command[2:]
                found[who].append(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout))
        rates = {who: statistics.median(run["samples_per_second"] for run in runs) for who, runs in found.items()}
        ratios = [a["samples_per_second"] / b["samples_per_second"] for a, b in zip(found["modelbench"], found["Keras"])]
        mine, peer_run = found["modelbench"][0], found["Keras"][0]
        print(f"| training {name} | {rates['modelbench']:.0f} samples/s | {mine['peak_mb']:.0f} MB | Keras on TensorFlow {rates['Keras']:.0f} samples/s, "
              f"{peer_run['peak_mb']:.0f} MB: {statistics.median(ratios):.2f}× its speed ({min(ratios):.2f}–{max(ratios):.2f}); "
              f"{mine['allocations_per_step']:.0f} allocations a step, {mine['large_allocations_per_step']:.2f} of 4 KB or more |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--only", default="convert,inspect,converters,inference,quantized,quantize,training")
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
        if "converters" in wanted:
            bench_converters(folder)
        if "inference" in wanted:
            bench_inference(folder)
        if "quantized" in wanted:
            bench_quantized(folder)
        if "quantize" in wanted:
            bench_quantize(folder)
        if "training" in wanted:
            bench_training(folder)


main()
