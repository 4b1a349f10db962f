"""What LiteRT's reference kernels take, modelctl takes: every builtin operator on every type of tensor, to the last bit where integers
come out."""
import faulthandler
import multiprocessing
import os

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import modelctl
import op_sweep
import tflite_custom_cases
import tflite_types

#: Models that one process of LiteRT judges. A kernel that aborts takes its process along: what is left is judged by the next.
GROUP = 400


def interpreter(case):
    """By the reference kernels, or by the others where there is none; of the newest version that there is."""
    reference, others = OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    for kernels in (others, reference) if case.byOthers else (reference, others):
        for case.version in range(case.version, 0, -1):
            try:
                return Interpreter(model_content=tflite_types.model([case])[0], experimental_op_resolver_type=kernels)
            except ValueError as error:
                if "Didn't find op" not in str(error):
                    raise
    raise ValueError("no kernel")


def answer(case):
    """What LiteRT computes, or why it refuses."""
    try:
        runner = interpreter(case)
        runner.allocate_tensors()
        for detail, value in zip(runner.get_input_details(), case.feeds().values()):
            runner.set_tensor(detail["index"], value)
        runner.invoke()
        return [np.array(runner.get_tensor(detail["index"])) for detail in runner.get_output_details()]
    except (ValueError, RuntimeError) as error:
        return str(error)


def work(cases, queue):
    # What an abort prints is no finding.
    faulthandler.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for place, case in enumerate(cases):
        result = answer(case)
        queue.put((place, case.version, result))
    queue.put((len(cases), 0, None))


def answers(cases):
    """Per case: arrays, or a text."""
    context, results, start = multiprocessing.get_context("fork"), [], 0
    while start < len(cases):
        queue, part, found = context.SimpleQueue(), cases[start:start + GROUP], []
        process = context.Process(target=work, args=(part, queue))
        process.start()
        queue._writer.close()
        try:
            while True:
                place, version, result = queue.get()
                if place == len(part):
                    break
                part[place].version = version
                found.append(result)
        except EOFError:
            found.append("aborted")
        process.join()
        results += found
        start += len(found)
    return results


def differences(pairs, folder, size=48):
    """By name, how modelctl differs: many operators in one file, and those that fail taken apart."""
    found = {}
    for start in range(0, len(pairs), size):
        part = pairs[start:start + size]
        problems = compared(part, folder)
        if size > 1 and any(problems.values()):
            # What alone is well fails for what stands beside it.
            problems = differences(part, folder, max(1, size // 8))
        found.update({name: problem for name, problem in problems.items() if problem})
    return found


def compared(pairs, folder):
    path, inputs, outputs = folder / "model.tflite", folder / "in.npz", folder / "out.npz"
    content, feeds = tflite_types.model([case for case, _ in pairs])
    path.write_bytes(content)
    np.savez(inputs, **{name: op_sweep.stored(value) for name, value in feeds.items()})
    try:
        modelctl.run("run", path, "--inputs", inputs, "--outputs", outputs)
    except modelctl.Failed as error:
        return {case.name: op_sweep.first_line(error) for case, _ in pairs}
    with np.load(outputs, allow_pickle=False) as arrays:
        actual = [arrays[name] for name in arrays.files]
    numbered, result = lambda arrays: {f"y{index}": array for index, array in enumerate(arrays)}, {}
    for case, expected in pairs:
        own, actual = actual[:len(expected)], actual[len(expected):]
        # Half precision rounds each step to 11 bits.
        tolerance = (1e-3, 2e-3) if expected[0].dtype == np.float16 else (1e-5, 1e-4)
        result[case.name] = op_sweep.difference(numbered(own), numbered(expected), tolerance)
    return result


def test_every_type(tmp_path):
    cases = list(tflite_types.all_cases())
    assert len({case.name for case in cases}) == len(cases)
    pairs = [(case, result) for case, result in zip(cases, answers(cases)) if not isinstance(result, str)]
    assert len(pairs) > 1400, len(pairs)
    problems = differences(pairs, tmp_path)
    assert not problems, "\n".join(f"{name}: {problem}" for name, problem in problems.items())


@pytest.mark.parametrize("name", tflite_custom_cases.CASES)
def test_custom(name, tmp_path):
    assert tflite_custom_cases.problem(name, tmp_path) == ""
