"""The operator sweep: small functions of TensorFlow, one or more per operator and dtype, saved as SavedModels, run by TensorFlow
and by modelctl, written back by modelctl and run by TensorFlow again.

Run as a script it writes the table of docs/op-support.md:

    python op_sweep.py --report docs/op-support.md
"""
import argparse
import collections
import dataclasses
import importlib
import os
import pathlib
import tempfile
import typing

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # See conftest.py.
import numpy as np
import tensorflow as tf

import modelctl
import op_lists

# Each module has a list `CASES`.
MODULES = ["op_sweep_a", "op_sweep_b", "op_sweep_c", "op_sweep_d", "op_sweep_e"]
# Cases in one SavedModel: a process and a file each would take many times as long.
GROUP = 30


@dataclasses.dataclass
class Case:
    """A function of tensors, and what it is called with.

    `op` is the operator that the case stands for in the table. `refusal` is why modelctl refuses to run it; `unwritten` why it
    does not write it. `tolerance` other than the default needs its reason beside it. `dynamic` leaves the first extent open, of all inputs or of those it lists.
    `kept` is what the SavedModel must track: tables. `session` makes a graph of TensorFlow 1 of it, which a session runs.
    """
    name: str
    op: str
    function: typing.Callable
    inputs: list
    tolerance: tuple = (1e-5, 1e-4)
    dtype: str = ""
    dynamic: typing.Any = False
    refusal: str = ""
    unwritten: str = ""
    kept: list = dataclasses.field(default_factory=list)
    session: bool = False

    def __post_init__(self):
        self.inputs = [np.asarray(x) for x in self.inputs]
        self.dtype = self.dtype or (str(self.inputs[0].dtype) if self.inputs and self.inputs[0].dtype.kind not in "SUO" else "string")

    def feeds(self, prefix=""):
        return {f"{prefix}x{index}": value for index, value in enumerate(self.inputs)}

    def specs(self, prefix=""):
        for index, (name, value) in enumerate(self.feeds(prefix).items()):
            dtype = tf.string if value.dtype.kind in "SUO" else tf.as_dtype(value.dtype)
            shape = [None, *value.shape[1:]] if value.ndim and (self.dynamic is True or self.dynamic and index in self.dynamic) else value.shape
            yield tf.TensorSpec(shape, dtype, name=name)

    def call(self, tensors, prefix=""):
        results = self.function(*[tensors[name] for name in self.feeds(prefix)])
        results = results if isinstance(results, (list, tuple)) else [results]
        return {f"{prefix}y{index}": tf.identity(result) for index, result in enumerate(results)}


def concrete(group, prefixes):
    """One function of all the cases: inputs `x0`, `x1`, … and outputs `y0`, `y1`, … of each behind its prefix."""
    specs = [spec for case, prefix in zip(group, prefixes) for spec in case.specs(prefix)]

    def call(tensors):
        outputs = {}
        for case, prefix in zip(group, prefixes):
            outputs.update(case.call(tensors, prefix))
        return outputs

    names = [spec.name for spec in specs]
    scope = {"call": call}
    exec(f"def entry({', '.join(names)}):\n  return call({{{', '.join(f'{name!r}: {name}' for name in names)}}})", scope)
    return tf.function(scope["entry"], autograph=False).get_concrete_function(*specs)


@dataclasses.dataclass
class Result:
    """What became of a case: empty strings where all is well."""
    case: Case
    run: str = ""
    write: str = ""


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
    return np.char.encode(value.astype("U"), "utf-8") if value.dtype.kind in "UO" else value


def evaluate(selected, directory, told=lambda results: None):
    """Runs the cases and gives a result each. A group that fails together is taken apart."""
    directory = pathlib.Path(directory)
    results = []
    fine = [case for case in selected if not case.refusal and not case.unwritten]
    groups = []
    for kind in (False, True):
        alike = [case for case in fine if case.session == kind]
        groups += [alike[start:start + GROUP] for start in range(0, len(alike), GROUP)]
    groups += [[case] for case in selected if case.refusal or case.unwritten]
    for index, group in enumerate(groups):
        found = attempt(group, directory / f"group{index}")
        if len(group) > 1 and any(result.run or result.write for result in found):
            found = [result if not result.run and not result.write else attempt([result.case], directory / f"case{index}-{number}")[0]
                     for number, result in enumerate(found)]
        told(found)
        results += found
    return results


def save(group, prefixes, given, path):
    """Saves cases as one function, and gives what it computes."""
    function = concrete(group, prefixes)
    module = tf.Module()
    module.kept = [function, *(item for case in group for item in case.kept)]
    tf.saved_model.save(module, path, signatures={"serving_default": function})
    return {name: value.numpy() for name, value in function(**{name: tf.constant(value) for name, value in given.items()}).items()}


def save_session(group, prefixes, given, path):
    """The same as a graph of TensorFlow 1."""
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        fed = {spec.name: tf1.placeholder(spec.dtype, spec.shape, name=spec.name) for case, prefix in zip(group, prefixes) for spec in case.specs(prefix)}
        results = {name: value for case, prefix in zip(group, prefixes) for name, value in case.call(fed, prefix).items()}
        fill = tf1.tables_initializer()
        session.run(fill)
        tf1.saved_model.simple_save(session, path, fed, results, legacy_init_op=fill)
        return session.run(results, {fed[name]: value for name, value in given.items()})


def attempt(group, place):
    """Cases together in one SavedModel: run by modelctl, and written by it and run by TensorFlow."""
    prefixes = [f"c{index}_" for index in range(len(group))]
    given = {name: value for case, prefix in zip(group, prefixes) for name, value in case.feeds(prefix).items()}
    source, inputs, outputs, written = f"{place}", f"{place}.in.npz", f"{place}.out.npz", f"{place}.written"
    expected = (save_session if group[0].session else save)(group, prefixes, given, source)
    np.savez(inputs, **{name: stored(value) for name, value in given.items()})
    results = [Result(case) for case in group]

    def own(arrays, prefix):
        return {name: value for name, value in arrays.items() if name.startswith(prefix)}

    try:
        modelctl.run("run", source, "--inputs", inputs, "--outputs", outputs, expect=69 if group[0].refusal else 0)
        if not group[0].refusal:
            with np.load(outputs, allow_pickle=False) as arrays:
                actual = {name: arrays[name] for name in arrays.files}
            for result, prefix in zip(results, prefixes):
                result.run = difference(own(actual, prefix), own(expected, prefix), result.case.tolerance)
    except modelctl.Failed as error:
        for result in results:
            result.run = first_line(error)
    if group[0].refusal or group[0].unwritten:
        return results
    try:
        # The file instead of its directory, which would be copied as it is.
        modelctl.run("convert", f"{source}/saved_model.pb", written, "--to", "savedmodel", "--force", "--no-verify")
        signature = tf.saved_model.load(written).signatures["serving_default"]
        actual = {name: value.numpy() for name, value in signature(**{name: tf.constant(value) for name, value in given.items()}).items()}
        for result, prefix in zip(results, prefixes):
            result.write = difference(own(actual, prefix), own(expected, prefix), result.case.tolerance)
    except modelctl.Failed as error:
        for result in results:
            result.write = first_line(error)
    except Exception as error:  # Whatever TensorFlow raises is the finding.
        for result in results:
            result.write = f"{type(error).__name__}: {str(error)[:300]}"
    return results


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
    return "\n".join(lines + op_lists.table()) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", help="where to write the table")
    parser.add_argument("--only", default="", help="cases whose name or operator contains this")
    parser.add_argument("--module", action="append", help="modules of cases (default: all)")
    options = parser.parse_args()
    selected = [case for case in cases(options.module) if options.only in case.name or options.only in case.op]
    with tempfile.TemporaryDirectory() as directory:
        def told(found):
            for result in found:
                if result.run or result.write:
                    print(f"{result.case.name}: run: {result.run or 'ok'}; write: {result.write or 'ok'}", flush=True)

        results = evaluate(selected, directory, told)
    print(f"{len(results)} cases, {sum(bool(r.run) for r in results)} fail to run, {sum(bool(r.write) for r in results)} fail to be written")
    if options.report:
        pathlib.Path(options.report).write_text(report(results), encoding="utf-8")


if __name__ == "__main__":
    main()
