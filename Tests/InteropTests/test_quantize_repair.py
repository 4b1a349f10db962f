"""`--max-error`, schemes of single layers, and everything that can be wrong with what quantising is given."""
import json

import keras
import numpy as np
import pytest
from keras import layers as L

import litert
import modelctl
import quantizing


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Three convolutions; the depthwise one in the middle has a channel a thousand times as large as the others, which the last undoes."""
    folder = tmp_path_factory.mktemp("uneven")
    x = keras.Input((12, 10, 3), name="x")
    y = L.Conv2D(8, 3, padding="same", activation="relu", name="before")(x)
    y = L.DepthwiseConv2D(3, padding="same", name="uneven")(y)
    y = L.Conv2D(6, 1, activation="relu", name="after")(y)
    y = L.Dense(4, name="y")(L.GlobalAveragePooling2D(name="pool")(y))
    model = quantizing.seeded(keras.Model(x, y))
    depthwise, after = model.get_layer("uneven"), model.get_layer("after")
    weights, bias = depthwise.get_weights()
    weights[..., 5, :] *= 1000
    depthwise.set_weights([weights, bias * 0])
    weights, bias = after.get_weights()
    weights[:, :, 5] /= 1000
    after.set_weights([weights, bias])
    data = quantizing.samples(model)
    model.save(folder / "uneven.keras")
    np.savez(folder / "samples.npz", **data)
    return folder, model, data


def convert(folder, name, *options, samples="samples.npz"):
    return modelctl.convert(
        folder / "uneven.keras", folder / name, "--quantize", "int8", "--representative", folder / samples, *options)


def layer(report, part):
    (found,) = [entry for entry in report["layers"] if part in entry["name"]]
    return found


def test_repair_moves_the_smallest_set(uneven):
    """The layer with the huge channel and the one that takes it apart are moved, the trail says so, neither alone would do, and LiteRT's
    result is as near as was asked for."""
    folder, model, data = uneven
    plain = convert(folder, "plain.tflite")["quantization"]
    assert plain["error"] > 0.1
    report = convert(folder, "repaired.tflite", "--max-error", "0.05")["quantization"]
    assert report["error"] <= 0.05 and report["max_error"] == 0.05
    kept = [step for step in report["trail"] if not step["undone"]]
    assert len(kept) == 2 and {step["layer"].split("/")[0] for step in kept} == {"uneven", "after"}, report["trail"]
    assert all(layer(report, part)["scheme"] in ("int16x8", "float") for part in ("uneven", "after"))
    assert layer(report, "before")["scheme"] == "int8"
    for part in ("uneven", "after"):
        alone = convert(folder, "alone.tflite", "--layer", f"{part}*=float")["quantization"]
        assert alone["error"] > 0.05
    exact = model(data["x"], training=False).numpy()
    found = quantizing.invoke(folder / "repaired.tflite", data["x"])
    assert np.sqrt(np.mean((found - exact) ** 2) / np.mean(exact**2)) <= 0.06


def test_a_target_that_is_met_moves_nothing(uneven):
    folder, _, _ = uneven
    report = convert(folder, "met.tflite", "--max-error", "10")["quantization"]
    assert report["trail"] == []


def test_schemes_by_name_and_operator(uneven):
    folder, _, data = uneven
    report = convert(folder, "chosen.tflite", "--layer", "uneven*=int16x8", "--layer", "op:FullyConnected=float")["quantization"]
    assert layer(report, "uneven")["scheme"] == "int16x8"
    assert [entry["scheme"] for entry in report["layers"] if entry["operator"] == "FullyConnected"] == ["float"]
    expected = quantizing.invoke(folder / "chosen.tflite", data["x"][:2])
    (found,) = quantizing.ours(folder / "chosen.tflite", {"x": data["x"][:2]}, folder).values()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", [["percentile", "--percentile", "99"], ["mse"], ["moving-average"]])
def test_calibrators(method, uneven):
    """Other ways to find ranges give other ranges, and a result that runs."""
    folder, _, data = uneven
    convert(folder, "plain.tflite")
    convert(folder, f"{method[0]}.tflite", "--calibration", *method)
    scales = [[s[4][0][0] for s in quantizing.steps(folder / name) if s[4] and s[4][0]] for name in ("plain.tflite", f"{method[0]}.tflite")]
    assert not np.allclose(*[np.concatenate(s) for s in scales])
    assert np.isfinite(quantizing.invoke(folder / f"{method[0]}.tflite", data["x"][:1])).all()


def test_saved_ranges(uneven):
    """Ranges that were kept make the same file without samples."""
    folder, _, _ = uneven
    convert(folder, "found.tflite", "--save-ranges", folder / "ranges.json")
    saved = json.loads((folder / "ranges.json").read_text())
    assert saved["samples"] == quantizing.SAMPLES and saved["ranges"]["x"][0] < 0 < saved["ranges"]["x"][1]
    modelctl.convert(folder / "uneven.keras", folder / "kept.tflite", "--quantize", "int8", "--ranges", folder / "ranges.json")
    assert (folder / "found.tflite").read_bytes() == (folder / "kept.tflite").read_bytes()


def test_full_integer_lists_what_stays_float(tmp_path):
    """Everything at once, with counts and reasons."""
    x = keras.Input((6,), name="x")
    y = keras.ops.sin(L.Dense(5, name="a")(x))
    model = keras.Model(x, L.Dense(3, name="y")(keras.ops.floor(keras.ops.sin(y))))
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", x=np.random.default_rng(1).normal(size=(4, 6)).astype("f4"))
    arguments = ["convert", tmp_path / "model.keras", tmp_path / "y.tflite", "--quantize", "int8", "--representative", tmp_path / "samples.npz"]
    with pytest.raises(modelctl.Failed) as failed:
        modelctl.run(*arguments, "--full-integer")
    assert failed.value.code == 69
    assert "Sin × 2" in failed.value.errors and "Floor × 1" in failed.value.errors
    assert not (tmp_path / "y.tflite").exists()
    report = json.loads(modelctl.run(*arguments, "--json"))["quantization"]
    assert sorted(entry["operator"] for entry in report["float"]) == ["Floor", "Sin", "Sin"]


BAD = {
    "nan": (lambda a: np.where(a > 1, np.nan, a).astype("f4"), 65, "NaN"),
    "empty": (lambda a: a[:0], 65, "samples"),
    "shape": (lambda a: a[:, :5], 65, "shape"),
    "dtype": (lambda a: np.array(["text"] * len(a)), 65, ""),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_samples(kind, uneven):
    folder, _, data = uneven
    change, code, word = BAD[kind]
    np.savez(folder / f"{kind}.npz", x=change(data["x"]))
    with pytest.raises(modelctl.Failed) as failed:
        convert(folder, f"{kind}.tflite", samples=f"{kind}.npz")
    assert failed.value.code == code, failed.value.errors
    assert word in failed.value.errors and f"{kind}.npz" in failed.value.errors, failed.value.errors
    assert not (folder / f"{kind}.tflite").exists()


@pytest.mark.parametrize(
    "options, code, word",
    [
        (["--representative", "absent.npz"], 66, "absent.npz"),
        (["--representative", "samples.npz", "--layer", "nothing*=float"], 64, "nothing*"),
        (["--representative", "samples.npz", "--layer", "before=int4"], 64, "int4"),
        (["--representative", "samples.npz", "--output-type", "int16"], 64, "uint8"),
        ([], 64, "representative"),
        (["--ranges", "samples.npz"], 65, "samples.npz"),
    ])
def test_bad_requests(options, code, word, uneven):
    folder, _, _ = uneven
    options = [folder / o if str(o).endswith(".npz") else o for o in options]
    with pytest.raises(modelctl.Failed) as failed:
        modelctl.run("convert", folder / "uneven.keras", folder / "bad.tflite", "--quantize", "int8", *options)
    assert failed.value.code == code, failed.value.errors
    assert word in failed.value.errors
    assert not (folder / "bad.tflite").exists()


def test_degenerate_ranges(tmp_path):
    """Samples of zeros, and one sample alone: sound scales, and a result that runs."""
    x = keras.Input((8,), name="x")
    model = quantizing.seeded(keras.Model(x, L.Dense(4, name="y")(L.Dense(6, activation="relu")(x))))
    model.save(tmp_path / "model.keras")
    for name, array in {"zeros": np.zeros((3, 8), "f4"), "one": np.full((1, 8), 0.5, "f4")}.items():
        np.savez(tmp_path / f"{name}.npz", x=array)
        path = tmp_path / f"{name}.tflite"
        modelctl.convert(tmp_path / "model.keras", path, "--quantize", "int8", "--representative", tmp_path / f"{name}.npz")
        for _, _, _, inputs, outputs in quantizing.steps(path):
            assert all(np.isfinite(q[0]).all() and (q[0] > 0).all() for q in inputs + outputs if q)
        assert np.isfinite(quantizing.invoke(path, array[:1])).all()
        assert "DEQUANTIZE" in litert.operators(path)
