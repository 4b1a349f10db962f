"""The operator sweep: small functions of TensorFlow, one or more per operator and dtype, saved as SavedModels, run by TensorFlow
and by modelctl, written back by modelctl and run by TensorFlow again.

Run as a script it writes the table of docs/op-support.md:

    python op_sweep.py --report docs/op-support.md
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import importlib
import os
import pathlib
import tempfile
import typing

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import tensorflow as tf

import modelctl

# Each module has a list `CASES`.
MODULES = ["op_sweep_a", "op_sweep_b"]
# Signatures in one SavedModel: saving many at once is quicker than one each.
GROUP = 40


@dataclasses.dataclass
class Case:
    """A function of tensors, and what it is called with.

    `op` is the operator that the case stands for in the table. `refusal` is why modelctl refuses to run it; `unwritten` why it
    does not write it. `tolerance` other than the default needs its reason beside it. `dynamic` leaves the first extent open.
    """
    name: str
    op: str
    function: typing.Callable
    inputs: list
    tolerance: tuple = (1e-5, 1e-4)
    dtype: str = ""
    dynamic: bool = False
    refusal: str = ""
    unwritten: str = ""

    def __post_init__(self):
        self.inputs = [np.asarray(x) for x in self.inputs]
        self.dtype = self.dtype or (str(self.inputs[0].dtype) if self.inputs and self.inputs[0].dtype.kind not in "SUO" else "string")

    def feeds(self):
        return {f"x{index}": value for index, value in enumerate(self.inputs)}

    def signature(self):
        """The concrete function: inputs `x0`, `x1`, …, outputs `y0`, `y1`, …"""
        specs = []
        for name, value in self.feeds().items():
            dtype = tf.string if value.dtype.kind in "SUO" else tf.as_dtype(value.dtype)
            shape = [None, *value.shape[1:]] if self.dynamic and value.ndim else value.shape
            specs.append(tf.TensorSpec(shape, dtype, name=name))

        def call(**tensors):
            results = self.function(*[tensors[spec.name] for spec in specs])
            results = results if isinstance(results, (list, tuple)) else [results]
            return {f"y{index}": tf.identity(result) for index, result in enumerate(results)}

        names = ", ".join(spec.name for spec in specs)
        scope = {"call": call}
        exec(f"def entry({names}):\n  return call({', '.join(f'{s.name}={s.name}' for s in specs)})", scope)
        return tf.function(scope["entry"], autograph=False).get_concrete_function(*specs)


@dataclasses.dataclass
class Result:
    """What became of a case: empty strings where all is well."""
    case: Case
    run: str = ""
    write: str = ""


class Module(tf.Module):
    pass


def cases(names=None):
    found = []
    for name in names or MODULES:
        if (pathlib.Path(__file__).parent / f"{name}.py").exists():
            found += importlib.import_module(name).CASES
    duplicates = [name for name, count in collections.Counter(case.name for case in found).items() if count > 1]
    assert not duplicates, f"cases of the same name: {duplicates}"
    return found


def difference(actual, expected, tolerance):
    """Why two dictionaries of arrays differ; empty when they do not."""
    if sorted(actual) != sorted(expected):
        return f"outputs {sorted(actual)} instead of {sorted(expected)}"
    for name in sorted(expected):
        a, e = np.asarray(actual[name]), np.asarray(expected[name])
        if a.shape != e.shape:
            return f"{name}: shape {a.shape} instead of {e.shape}"
        if e.dtype.kind in "SUO":
            same = [to_bytes(x) for x in a.ravel()] == [to_bytes(x) for x in e.ravel()]
            if not same:
                return f"{name}: {a.ravel()[:4]} instead of {e.ravel()[:4]}"
            continue
        if a.dtype != e.dtype:
            return f"{name}: dtype {a.dtype} instead of {e.dtype}"
        if e.dtype.kind in "biu":
            if not np.array_equal(a, e):
                return f"{name}: {a.ravel()[:6]} instead of {e.ravel()[:6]}"
            continue
        wide = "complex128" if e.dtype.kind == "c" else "float64"
        a, e = a.astype(wide), e.astype(wide)
        finite = np.isfinite(e)
        if not np.array_equal(np.isnan(a), np.isnan(e)) or not np.array_equal(a[~finite & ~np.isnan(e)], e[~finite & ~np.isnan(e)]):
            return f"{name}: not finite in other places"
        if finite.any():
            excess = np.abs(a - e)[finite] - (tolerance[0] + tolerance[1] * np.abs(e[finite]))
            if excess.max() > 0:
                return f"{name}: off by {np.abs(a - e)[finite].max():.3g}"
    return ""


def to_bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def first_line(error):
    lines = [line.strip() for line in error.errors.splitlines() if line.strip()]
    return f"exit {error.code}: " + " ".join(lines)[:400]


def stored(value):
    """As NumPy files hold it: strings have a fixed width there."""
    return value.astype("S") if value.dtype.kind in "UO" else value


def evaluate(selected, directory):
    """Runs the cases and gives a result each."""
    directory = pathlib.Path(directory)
    results = []
    for start in range(0, len(selected), GROUP):
        group = selected[start:start + GROUP]
        source = directory / f"group{start}"
        signatures, expected = {}, {}
        for index, case in enumerate(group):
            concrete = case.signature()
            signatures[f"case{index}"] = concrete
            given = {name: tf.constant(value) for name, value in case.feeds().items()}
            expected[index] = {name: value.numpy() for name, value in concrete(**given).items()}
        module = Module()
        module.kept = list(signatures.values())
        tf.saved_model.save(module, str(source), signatures=signatures)

        def attempt(index):
            return one(group[index], source, f"case{index}", expected[index], directory / f"case{start + index}")

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            attempts = list(pool.map(attempt, range(len(group))))
        for (result, written), index in zip(attempts, range(len(group))):
            if written and not result.write:
                result.write = rerun(result.case, written, expected[index])
            results.append(result)
    return results


def one(case, source, signature, expected, place):
    """Run by modelctl and written by it. Where the result stands is given back, for TensorFlow to run."""
    result = Result(case)
    inputs, outputs = f"{place}.in.npz", f"{place}.out.npz"
    np.savez(inputs, **{name: stored(value) for name, value in case.feeds().items()})
    code = 69 if case.refusal else 0
    try:
        modelctl.run("run", source, "--signature", signature, "--inputs", inputs, "--outputs", outputs, expect=code)
    except modelctl.Failed as error:
        result.run = first_line(error)
    if case.refusal:
        return result, None
    if not result.run:
        with np.load(outputs, allow_pickle=False) as found:
            result.run = difference({name: found[name] for name in found.files}, expected, case.tolerance)
    if case.unwritten:
        return result, None
    try:
        modelctl.run("convert", source, f"{place}.written", "--to", "savedmodel", "--signature", signature, "--force", "--no-verify")
    except modelctl.Failed as error:
        result.write = first_line(error)
        return result, None
    return result, f"{place}.written"


def rerun(case, written, expected):
    """What TensorFlow makes of a SavedModel that modelctl wrote; empty when it is what was expected."""
    try:
        loaded = tf.saved_model.load(written)
        signature = next(iter(loaded.signatures.values()))
        given = {name: tf.constant(value) for name, value in case.feeds().items()}
        return difference({name: value.numpy() for name, value in signature(**given).items()}, expected, case.tolerance)
    except Exception as error:  # Whatever TensorFlow raises is the finding.
        return f"{type(error).__name__}: {str(error)[:300]}"


def report(results):
    """The table: a row an operator, the dtypes that run and that are written."""
    rows = collections.defaultdict(list)
    for result in results:
        rows[result.case.op].append(result)
    lines = [
        "# TensorFlow operators", "",
        "Made by `make op-support`: each operator in small functions of `Tests/InteropTests/op_sweep_*.py`, saved as a SavedModel and",
        "held against TensorFlow, the outputs to 1e-5 + 1e-4 relative unless the case says why not. *Run*: read and executed by",
        "modelctl. *Written*: written back as a SavedModel and run by TensorFlow. An operator may be written as others that amount to it.",
        "", f"{len(rows)} operators, {len(results)} cases.", "", "| operator | cases | run | written | remarks |", "| --- | --- | --- | --- | --- |",
    ]
    for op in sorted(rows, key=str.lower):
        own = rows[op]

        def dtypes(fits):
            return ", ".join(sorted({result.case.dtype for result in own if fits(result)})) or "–"

        remarks = sorted({text for result in own for text in (result.case.refusal, result.case.unwritten) if text})
        for kind in ("run", "write"):
            failing = [result for result in own if getattr(result, kind)]
            if failing:
                remarks.append(f"{kind} fails: " + ", ".join(sorted(result.case.name for result in failing)))
        ran = dtypes(lambda result: not result.run and not result.case.refusal)
        written = dtypes(lambda result: not result.write and not result.case.refusal and not result.case.unwritten)
        lines.append(f"| `{op}` | {len(own)} | {ran} | {written} | {'; '.join(remarks)} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", help="where to write the table")
    parser.add_argument("--only", default="", help="cases whose name or operator contains this")
    parser.add_argument("--module", action="append", help="modules of cases (default: all)")
    options = parser.parse_args()
    selected = [case for case in cases(options.module) if options.only in case.name or options.only in case.op]
    with tempfile.TemporaryDirectory() as directory:
        results = evaluate(selected, directory)
    for result in results:
        if result.run or result.write:
            print(f"{result.case.name}: run: {result.run or 'ok'}; write: {result.write or 'ok'}")
    print(f"{len(results)} cases, {sum(bool(r.run) for r in results)} fail to run, {sum(bool(r.write) for r in results)} fail to be written")
    if options.report:
        pathlib.Path(options.report).write_text(report(results), encoding="utf-8")


if __name__ == "__main__":
    main()
