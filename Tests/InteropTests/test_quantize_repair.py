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


def test_report_says_what_litert_does(uneven):
    """Samples of one array alone; sizes, errors and agreement are those of the files, layers stand in order."""
    folder, model, data = uneven
    np.save(folder / "samples.npy", data["x"])
    report = convert(folder, "said.tflite", samples="samples.npy")["quantization"]
    modelctl.convert(folder / "uneven.keras", folder / "float.tflite")
    assert report["bytes_before"] == (folder / "float.tflite").stat().st_size
    assert report["bytes_after"] == (folder / "said.tflite").stat().st_size
    assert (report["calibration_samples"], report["samples"]) == (quantizing.SAMPLES, 8)
    exact, found = model(data["x"][:8], training=False).numpy(), quantizing.invoke(folder / "said.tflite", data["x"][:8])
    difference = np.abs(found - exact)
    (output,) = report["outputs"]
    assert report["error"] == output["relative"]
    for key, value in {"relative": quantizing.relative(exact, found), "max_abs": difference.max(), "mean_abs": difference.mean()}.items():
        assert output[key] == pytest.approx(value, rel=1e-4), key
    assert output["snr_db"] == pytest.approx(-20 * np.log10(output["relative"]), rel=1e-4)
    assert report["agreement"] == pytest.approx(np.mean(exact.argmax(1) == found.argmax(1)), abs=0.13)
    noise = [entry["own_snr_db"] for entry in report["layers"] if entry.get("own_snr_db") is not None]
    assert len(noise) >= 4 and noise == sorted(noise) and "after" in report["layers"][0]["name"]
    assert all({"scheme", "operator", "snr_db"} <= set(entry) for entry in report["layers"])
    text = modelctl.run("convert", folder / "uneven.keras", folder / "said.tflite", "--force", "--quantize", "int8", "--representative",
                        folder / "samples.npy")
    assert "8 representative samples" in text and "after" in text


def test_batches_need_their_number_of_samples(uneven):
    folder, model, data = uneven
    fixed = keras.models.clone_model(model, input_tensors=keras.Input(batch_shape=(4, *model.inputs[0].shape[1:]), name="x"))
    fixed.set_weights(model.get_weights())
    fixed.save(folder / "four.keras")
    np.savez(folder / "two.npz", x=data["x"][:2])
    with pytest.raises(modelctl.Failed) as failed:
        modelctl.convert(folder / "four.keras", folder / "four.tflite", "--quantize", "int8", "--representative", folder / "two.npz")
    assert failed.value.code == 65 and "expected 4 samples or more" in failed.value.errors and "found 2" in failed.value.errors


@pytest.mark.parametrize("mode", ["int8", "int16x8"])
def test_infinities_around_a_maximum(mode, tmp_path):
    """What is padded with −∞ makes no room for it."""
    x = keras.Input((10, 10, 3), name="x")
    y = keras.ops.pad(L.Conv2D(4, 3)(x), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    model = quantizing.seeded(keras.Model(x, L.Dense(3, name="y")(L.Flatten()(L.MaxPooling2D(3)(y)))))
    data = quantizing.samples(model)
    model.save(tmp_path / "m.keras")
    np.savez(tmp_path / "samples.npz", **data)
    report = modelctl.convert(
        tmp_path / "m.keras", tmp_path / "y.tflite", "--quantize", mode, "--representative", tmp_path / "samples.npz")["quantization"]
    assert report["float"] == []
    exact, found = model(data["x"], training=False).numpy(), quantizing.invoke(tmp_path / "y.tflite", data["x"])
    assert quantizing.relative(exact, found) < (0.03 if mode == "int8" else 0.015)
    (engine,) = quantizing.ours(tmp_path / "y.tflite", data, tmp_path).values()
    np.testing.assert_array_equal(engine, found)


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
