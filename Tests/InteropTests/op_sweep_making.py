"""What the parts of the operator sweep make their cases with."""
import numpy as np

from op_sweep import Case


def part():
    """The list of a part's cases, and the function that appends one."""
    cases = []

    def case(op, function, *inputs, name="", **options):
        """Appends a case; its name is the operator's, with a mark and the dtype behind."""
        made = Case(name or op, op, function, list(inputs), **options)
        made.name = "-".join(filter(None, [op, name, made.dtype]))
        cases.append(made)

    return cases, case


def floats(*shape, dtype="float32", low=-2.0, high=2.0, seed=1):
    """Numbers without symmetry or repetition."""
    return np.random.default_rng(seed + sum(shape)).uniform(low, high, shape).astype(dtype)


def ints(*shape, dtype="int32", low=-9, high=9, seed=1):
    return np.random.default_rng(seed + sum(shape)).integers(low, high, shape, endpoint=True).astype(dtype)


def bools(*shape, seed=1):
    return np.random.default_rng(seed + sum(shape)).uniform(size=shape) > 0.4
