"""The table of TensorFlow Lite's operators in docs/op-support.md: run as `make op-support` does.

Every case of the tests of TFLite files is run by modelctl and by LiteRT's reference kernels. An operator counts for the dtypes that
it has in files whose outputs agree. What modelctl writes of those cases, run by LiteRT, tells what is written; so do the networks that
the tests of quantisation make, in each mode. A rewrite of each file shows what is kept.
"""
import argparse
import collections
import pathlib
import re
import tempfile

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import litert
import modelctl
import op_sweep
import quantizing
import test_quantize_layers as layers
import test_tflite_rare as rare
import test_tflite_read as reading
import test_tflite_state as states
import test_tflite_types as types
import tflite_cases
import tflite_custom_cases as custom
import tflite_quantized_cases as quantized
import tflite_state_models
import tflite_sweep
import tflite_types

MARK = "# TensorFlow Lite operators"
NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
TYPES = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
#: Which input has the weights of an operator, and the dtype that matters.
WEIGHTED = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "CONV_3D": 1, "BATCH_MATMUL": 1, "SVDF": 1,
            "UNIDIRECTIONAL_SEQUENCE_LSTM": 2, "UNIDIRECTIONAL_SEQUENCE_RNN": 1, "RNN": 1, "LSTM": 2, "BIDIRECTIONAL_SEQUENCE_LSTM": 2,
            "BIDIRECTIONAL_SEQUENCE_RNN": 1}
#: Cases in one file, of one dtype where the order of the sweep allows it.
GROUP = 16
#: Where the tensor stands whose dtype an operator is known by, if not first.
FIRST = {"TRANSPOSE_CONV": 2, "CONV_3D_TRANSPOSE": 2, "SPLIT": 1, "SCATTER_ND": 1, "SPARSE_TO_DENSE": 2, "EMBEDDING_LOOKUP": 1, "FILL": 1,
         "HASHTABLE_LOOKUP": 2, "ASSIGN_VARIABLE": 1, "EMBEDDING_LOOKUP_SPARSE": 4, "SELECT": 1, "SELECT_V2": 1, "IF": 1}


def uses(path):
    """The operators of a file, each with the dtype it is known by: `CONV_2D`, `float32 · int8`."""
    content, found = litert.model(path), set()
    for graph in content.subgraphs:
        for op in graph.operators or []:
            code = content.operatorCodes[op.opcodeIndex]
            name = NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]

            def dtype(place):
                numbers = op.inputs if op.inputs is not None and len(op.inputs) > place else []
                if len(numbers) == 0 or numbers[place] < 0:
                    numbers, place = (op.outputs if op.outputs is not None else []), 0
                if len(numbers) == 0:
                    return "yes"
                tensor = graph.tensors[numbers[place]]
                isQuantized = tensor.quantization is not None and tensor.quantization.scale is not None and len(tensor.quantization.scale) > 0
                text = TYPES[tensor.type]
                return text + "q" if isQuantized and text.startswith(("int", "uint")) else text

            label = dtype(FIRST.get(name, 0))
            if name in WEIGHTED:
                weights = dtype(WEIGHTED[name])
                if weights != label and not (label.endswith("q") and weights == "int8q"):
                    label += " · " + weights
            if name == "CUSTOM":
                name = code.customCode.decode()
            found.add((name, label))
    return found


#: Operators whose numbers are drawn: their shapes and ranges are tested, not their values.
DRAWN = {"RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL", "MULTINOMIAL"}


def hasKernel(name):
    """Whether LiteRT has one, whatever it takes."""
    case = tflite_types.Case(name, name, [tflite_types.Tensor("float32", (2,))], [tflite_types.Tensor("float32", (2,))])
    try:
        types.interpreter(case)
    except ValueError as error:
        return "no kernel" not in str(error)
    return True


class Table:
    def __init__(self):
        self.remarks = {}
        self.ran, self.written, self.failed = collections.defaultdict(set), collections.defaultdict(set), collections.defaultdict(set)
        self.exact = collections.defaultdict(lambda: True)
        #: Operators with their dtypes in files that were written again as they are, and in those that came out otherwise.
        self.kept, self.notKept = set(), set()

    def file(self, path, name, problem, feeds=None, exact=False):
        """What a file that was run shows; then it is written anew, by way of the passes, and run by LiteRT. Whether that went well."""
        for op, label in uses(path):
            if problem:
                self.failed[op].add(f"{name}: {problem}"[:120])
                continue
            self.ran[op].add(label)
            if not exact:
                self.exact[op, label] = False
        if problem or feeds is None:
            return False
        self.rewrite(path)
        try:
            written = path.with_suffix(".written.tflite")
            modelctl.run("convert", path, written, "--dequantize", "--force")
            expected = reading.run_litert(path, feeds)
            actual = litert.run(written, list(feeds.values()))
            numbered = lambda arrays: {f"y{index}": array for index, array in enumerate(arrays)}
            if all(array.dtype == other.dtype for array, other in zip(actual, expected)) and not op_sweep.difference(
                    numbered(actual), numbered(expected), (1e-5, 1e-4)):
                for op, label in uses(written):
                    self.written[op].add(label)
                return True
        except (modelctl.Failed, AssertionError, ValueError, RuntimeError, TypeError):
            pass  # Not written: the table says so by leaving it out.
        return False

    def rewrite(self, path):
        """TFLite to TFLite: the same operators, in a file that modelctl has compared with the first."""
        again = path.with_suffix(".again.tflite")
        modelctl.run("convert", path, again, "--force")
        (self.kept if uses(again) == uses(path) else self.notKept).update(uses(path))

    def text(self):
        def cell(labels):
            return ", ".join(sorted(labels)) or "–"

        lines = [
            MARK, "",
            "Made by `make op-support` from the cases of the tests: files of TensorFlow's converter and files made by hand, run by modelctl and",
            "by LiteRT's reference kernels. *Read and run*: read and executed, the outputs of integers equal to the last bit, floats within 1e-5 + 1e-4",
            "relative. *Written*: by modelctl, in a file that LiteRT computes the same with: the cases as plain floats and integers, and what",
            "`--quantize` makes of networks of layers (`float16`, `dynamic`, `int8`, `int16x8`), which LiteRT and modelctl compute alike.",
            "`q` marks quantised tensors, `float32 · int8q` floats with quantised weights. *Exact* lists the dtypes for which only integers",
            "come out, so that equality was to the last bit.",
            "", f"A rewrite from TFLite to TFLite keeps operators and dtypes as they are: of {len(self.kept | self.notKept)} pairs of those below that were",
            f"tried, {len(self.notKept - self.kept)} came out otherwise.",
            "", f"{len(set(self.ran) | set(self.written))} operators.", "", "| operator | read and run | exact | written | remarks |",
            "| --- | --- | --- | --- | --- |",
        ]
        for op in sorted(set(self.ran) | set(self.written) | set(self.failed)):
            exact = {label for label in self.ran[op] if self.exact[op, label]}
            remark = self.remarks.get(op, "")
            if op == "SUM":
                remark = "int8q and int16q as LiteRT's other kernels have it: its reference kernel takes the bytes for uint8"
            if self.failed[op]:
                remark = "fails: " + sorted(self.failed[op])[0].replace("|", "/")
            lines.append(f"| `{op}` | {cell(self.ran[op])} | {cell(exact)} | {cell(self.written[op])} | {remark} |")
        missing = sorted(name for name in NAMES.values() if name not in self.ran and name not in self.written and name not in self.failed
                         and not name.startswith("PLACEHOLDER") and name not in ("CUSTOM", "DELEGATE"))
        named = lambda names: ", ".join(f"`{name}`" for name in names) or "none"
        lines += ["", "Not compared, as their numbers are drawn: " + named(sorted(DRAWN & set(missing))) + ".", "",
                  "Without a case: " + named(name for name in missing if name not in DRAWN and hasKernel(name)) + ".", "",
                  "Without a kernel in LiteRT: " + named(name for name in missing if not hasKernel(name)) + "."]
        return "\n".join(lines) + "\n"


def integers(arrays):
    return all(np.asarray(array).dtype.kind in "iubSO" for array in arrays)


def collect(directory, table, only):
    def made(name, model, arrays):
        path = directory / (re.sub(r"\W+", "_", name) + ".tflite")
        model.write(path)
        details = reading.interpreter(path).get_input_details()
        feeds = dict(zip([detail["name"] for detail in details], arrays))
        reference = name not in reading.NOT_BY_REFERENCE
        table.file(path, name, reading.compare(path, feeds, reference=reference), feeds, integers(reading.run_litert(path, feeds, reference)))

    if only in "types":
        everyType(directory, table)
    for name in custom.CASES:
        if only in name:
            problem, path = custom.problem(name, directory), directory / custom.file_name(name)
            table.file(path, name, problem)
            table.remarks[name] = "LiteRT for Python has no kernel: held against TensorFlow or NumPy"
    for name, build in {**tflite_cases.CASES, **rare.CASES}.items():
        if only in name:
            made(name, *build())
    if only in "quantised":
        for family in quantized.FAMILIES:
            for dtype in ("int8", "uint8", "int16"):
                built, path = quantized.build(family, dtype), directory / f"{family}-{dtype}.tflite"
                path.write_bytes(built.bytes())
                feeds = built.feeds(1)
                problem = reading.compare(path, feeds)
                table.file(path, f"{family} {dtype}", problem, feeds, integers(reading.run_litert(path, feeds)))
    if only in "networks":
        quantise(directory, table)
    if only in "state":
        more = {f"both ways {hybrid}": rare.bidirectional_lstm(hybrid, False) for hybrid in (False, True)}
        more["one step"] = rare.single_lstm()
        for name, content in {**states.hand_made(), **states.converted(), **more}.items():
            path = directory / f"{name}.tflite"
            path.write_bytes(content)
            table.file(path, name, states.difference(path, directory), exact="int8" in name)
            written = path.with_suffix(".written.tflite")
            try:
                modelctl.run("convert", path, written, "--dequantize", "--force")
                if not states.difference(written, directory):
                    for op, label in uses(written):
                        table.written[op].add(label)
            except modelctl.Failed:
                pass
        words(directory, table)
        branches(directory, table)
    cases = sorted((case for case in tflite_sweep.operators() if only in case.name), key=lambda case: case.dtype)
    for index, start in enumerate(range(0, len(cases), GROUP)):
        sweep(cases[start:start + GROUP], directory / f"sweep{index}.tflite", table)


def everyType(directory, table):
    """Each operator on each type that LiteRT's kernels take, many in one file."""
    cases = list(tflite_types.all_cases())
    pairs = [(case, expected) for case, expected in zip(cases, types.answers(cases)) if not isinstance(expected, str)]
    problems = types.differences(pairs, directory)
    for exact in (False, True):
        part = [case for case, expected in pairs if integers(expected) == exact and not problems.get(case.name)]
        # Those of the usual types are written, too.
        usual = [case for case in part if not case.byOthers
                 and {tensor.kind for tensor in case.inputs if tensor} <= {"float32", "int32", "int64", "bool"}]
        for start in range(0, len(usual), GROUP):
            together(usual[start:start + GROUP], directory, table, exact)
        together([case for case in part if case not in usual], directory, table, exact, isWritten=False)
    for case, expected in pairs:
        if problems.get(case.name):
            path = directory / "failing.tflite"
            path.write_bytes(tflite_types.model([case])[0])
            table.file(path, case.name, problems[case.name])


def together(cases, directory, table, exact, isWritten=True):
    """Cases in one file; where that is not written, its halves."""
    if not cases:
        return
    path = directory / f"types{len(list(directory.iterdir()))}.tflite"
    content, feeds = tflite_types.model(cases)
    path.write_bytes(content)
    if not table.file(path, cases[0].name, "", feeds if isWritten else None, exact) and isWritten and len(cases) > 1:
        together(cases[:len(cases) // 2], directory, table, exact)
        together(cases[len(cases) // 2:], directory, table, exact)


def quantise(directory, table):
    """What the quantiser writes: LiteRT and modelctl compute the same with it, to the last bit where nothing stays float."""
    for name, (shape, body, _) in layers.CASES.items():
        model = quantizing.seeded(layers.network(shape, body))
        data, source, samples = quantizing.samples(model, count=6), directory / "quantised.keras", directory / "quantised.npz"
        model.save(source)
        np.savez(samples, **data)
        for mode in ("float16", "dynamic", "int8", "int16x8"):
            path = directory / f"{name}-{mode}.tflite"
            given = ["--representative", samples] if mode.startswith("int") else []
            report = modelctl.convert(source, path, "--quantize", mode, *given)["quantization"]
            try:
                expected = quantizing.invoke(path, data["x"])
            except (RuntimeError, ValueError):
                expected = quantizing.invoke(path, data["x"], litert.PLAIN)
            (found,) = quantizing.ours(path, {"x": data["x"]}, directory).values()
            isInteger = mode.startswith("int") and not report["float"]
            scale = np.abs(expected).max()
            if np.allclose(found, expected, rtol=1e-6 if isInteger else 1e-4, atol=0 if isInteger else 1e-5 * max(1, scale)):
                for op, label in uses(path):
                    table.written[op].add(label)
            else:
                print(f"{name}, {mode}: LiteRT computes otherwise by {np.abs(found - expected).max()} of {scale}")


def words(directory, table):
    """A table of the program, filled by an initialisation subgraph."""
    path = directory / "words.tflite"
    path.write_bytes(tflite_state_models.table(directory / "words"))
    x = np.array(["red", "pink", "blue", "green"])
    np.savez(directory / "words.npz", x=x)
    problem = ""
    try:
        modelctl.run("run", path, "--inputs", directory / "words.npz", "--outputs", directory / "found.npz")
        found = np.load(directory / "found.npz")["y"].tolist()
        expected = litert.open_model(path).get_signature_runner("serving_default")(x=x.astype(np.bytes_).astype(object))["y"].tolist()
        problem = "" if found == expected else f"{found} instead of {expected}"
    except modelctl.Failed as error:
        problem = op_sweep.first_line(error)
    table.file(path, "words", problem, exact=True)


def branches(directory, table):
    """IF, as TensorFlow's converter writes it."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((), tf.bool), tf.TensorSpec((3,), tf.float32)])
    def choose(flag, x):
        return tf.cond(flag, lambda: tf.sin(x), lambda: x * x)

    path = directory / "branches.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([choose.get_concrete_function()]).convert())
    details = litert.open_model(path).get_input_details()
    feeds = {detail["name"]: np.array(True) if detail["dtype"] == np.bool_ else np.array([1, 2, 3], "float32") for detail in details}
    table.file(path, "branches", reading.compare(path, feeds, reference=False), feeds)


def sweep(group, path, table):
    """TensorFlow's operators as its converter writes them, many in one file; a file that fails is taken apart."""
    problem = ""
    try:
        prefixes, _ = tflite_sweep.convert(group, path)
        given = {name: value for case, prefix in zip(group, prefixes) for name, value in case.feeds(prefix).items()}
        names = [detail["name"] for detail in reading.interpreter(path).get_input_details()]
        feeds = {name: given[name.removeprefix("serving_default_").split(":")[0]] for name in names}
        reference = not any(case.op in reading.NOT_BY_REFERENCE for case in group)
        tolerance = max(case.tolerance[0] for case in group), max(case.tolerance[1] for case in group)
        problem = reading.compare(path, feeds, tolerance, reference)
        exact = integers(reading.run_litert(path, feeds, reference))
    except Exception as error:  # Whatever the converter raises: alone, such a case is none of TFLite's.
        problem = f"{type(error).__name__}: {str(error)[:200]}"
    if problem and len(group) > 1:
        half = len(group) // 2
        sweep(group[:half], path.with_suffix(".a.tflite"), table)
        sweep(group[half:], path.with_suffix(".b.tflite"), table)
    elif path.exists():
        table.file(path, group[0].name, problem, None if problem else feeds, not problem and exact)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", help="the page whose part on TensorFlow Lite is replaced")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory() as directory:
        collect(pathlib.Path(directory), table, options.only)
    for op, problems in table.failed.items():
        print(f"{op}: {'; '.join(sorted(problems))}")
    if options.report:
        page = pathlib.Path(options.report)
        before = page.read_text(encoding="utf-8").split("\n" + MARK)[0].rstrip("\n")
        page.write_text(before + "\n\n" + table.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
