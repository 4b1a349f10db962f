"""MediaPipe's operators on landmarks and images, held against what its kernels compute (mediapipe/util/tflite/operations), in NumPy."""
import numpy as np
from flatbuffers import flexbuffers

from tflite_cases import floats
from tflite_models import one

SUBSET = [0, 3, 1, 5, 7, 2]


def options(**entries):
    """A FlexBuffer map; lists are vectors of one type."""
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, value in entries.items():
            if isinstance(value, list):
                builder.Key(key)
                builder.TypedVectorFromElements(value)
            elif isinstance(value, str):
                builder.String(key, value)
            elif isinstance(value, float):
                builder.Float(key, value)
            else:
                builder.Int(key, value)
    return bytes(builder.Finish())


def turned(points, angle):
    return np.stack([points[:, 0] * np.cos(angle) - points[:, 1] * np.sin(angle), points[:, 0] * np.sin(angle) + points[:, 1] * np.cos(angle)], 1)


def four(matrix):
    """Of a 3 × 3 matrix of the plane; the two kernels agree on the rest."""
    result = np.eye(4)
    result[:2, :2], result[:2, 3] = matrix[:2, :2], matrix[:2, 2]
    return result[None].astype("float32")


def shift(x, y):
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def scale(x, y):
    return np.diag([x, y, 1.0])


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


def matrix_1():
    x = floats(1, 1, 1, 30) * 40 + 60
    model = one("CUSTOM", [x], [("float32", [1, 4, 4])], custom="Landmarks2TransformMatrix", custom_options=options(
        input_hw=[20, 24], output_hw=[9, 11], dimensions=3, landmarks_range=128, bbox_size_multiplier=1.5, left_rotation_idx=4, right_rotation_idx=6,
        subset=SUBSET))
    points = x.reshape(10, 3)[:, :2].astype("float64")
    run, rise = points[6] - points[4]
    angle = -np.arctan(rise / run)
    corners = turned(points[SUBSET], angle)
    size, middle = np.ptp(corners, 0) * 1.5, turned((corners.max(0) + corners.min(0))[None] / 2, -angle)[0]
    placed = rotation(-angle)
    placed[:2, 2] = middle / 128 * 2 - 1
    relative = shift(-1, -1) @ scale(2 / 10, 2 / 8)
    absolute = scale(23 / 2, 19 / 2) @ shift(1, 1)
    return model, [x], [four(absolute @ placed @ scale(*size / 128) @ relative)]


def matrix_2(subset):
    x = floats(1, 10, 3) * 5
    model = one("CUSTOM", [x], [("float32", [1, 4, 4])], custom="Landmarks2TransformMatrix", version=2, custom_options=options(
        subset_idxs=subset, left_rotation_idx=4, right_rotation_idx=6, target_rotation_radians=0.3, output_height=9, output_width=12, scale_x=1.5,
        scale_y=1.25))
    points = x[0, :, :2].astype("float64")
    run, rise = points[6] - points[4]
    angle = 0.3 - np.arctan2(rise, run)
    corners = turned(points[subset], angle)
    middle = turned((corners.max(0) + corners.min(0))[None] / 2, -angle)[0]
    width, height = np.ptp(corners, 0)
    return model, [x], [four(shift(*middle) @ rotation(-angle) @ scale(1.5 * width / 12, 1.25 * height / 9) @ shift(-6, -4.5))]


def some_matrix():
    """Turned and shifted, so that some places lie outside."""
    return four(shift(0.7, 1.6) @ rotation(0.4) @ scale(0.8, 0.9))


def moved(shape, depth, factor=1.0, **entries):
    x, matrix = floats(*shape), some_matrix().reshape((1,) * (len(shape) - 3) + (1, 4, 4))
    model = one("CUSTOM", [x, matrix], [("float32", list(shape))], custom="TransformLandmarks", version=1 if len(shape) == 4 else 2,
                custom_options=options(**entries))
    points = x.reshape(-1, depth).copy()
    points[:, :2] = points[:, :2] @ matrix.reshape(4, 4)[:2, :2].T + matrix.reshape(4, 4)[:2, 3] * factor
    return model, [x, matrix], [points.reshape(shape)]


def weighted(image, x, y):
    """Between the four elements around a place; zeros beyond the border."""
    def element(row, column):
        inside = 0 <= row < image.shape[0] and 0 <= column < image.shape[1]
        return image[row, column] if inside else np.zeros(image.shape[2], "float32")

    left, top = int(np.floor(x)), int(np.floor(y))
    right, lower = x - left, y - top
    return ((1 - lower) * ((1 - right) * element(top, left) + right * element(top, left + 1))
            + lower * ((1 - right) * element(top + 1, left) + right * element(top + 1, left + 1)))


def seen(name, version, **entries):
    """An image through a matrix; version 2 counts from the middle of elements."""
    image, matrix = floats(1, 6, 7, 3), some_matrix()
    model = one("CUSTOM", [image, matrix], [("float32", [1, 5, 8, 3])], custom=name, version=version, custom_options=options(**entries))
    expected, half = np.zeros((1, 5, 8, 3), "float32"), 0.5 if version == 2 else 0
    for row, column in np.ndindex(5, 8):
        x, y = matrix[0, :2, :2] @ [column + half, row + half] + matrix[0, :2, 3] - half
        if 0 <= x <= 6 and 0 <= y <= 5:
            expected[0, row, column] = weighted(image[0], x, y)
    assert 0 < (expected == 0).all(-1).sum() < 40
    return model, [image, matrix], [expected]


def resampled():
    image, places = floats(2, 4, 5, 3), floats(2, 4, 5, 2) * 1.6 + 1.5
    model = one("CUSTOM", [image, places], [("float32", [2, 4, 5, 3])], custom="Resampler")
    expected = np.zeros(image.shape, "float32")
    for batch, row, column in np.ndindex(2, 4, 5):
        x, y = places[batch, row, column]
        if -1 < x < 5 and -1 < y < 4:
            expected[batch, row, column] = weighted(image[batch], x, y)
    return model, [image, places], [expected]


CASES = {
    "Landmarks2TransformMatrix of version 1": matrix_1,
    "Landmarks2TransformMatrix": lambda: matrix_2(SUBSET),
    "Landmarks2TransformMatrix, an odd subset": lambda: matrix_2(SUBSET[:5]),
    "TransformLandmarks of version 1": lambda: moved((1, 1, 1, 24), 3, 0.5, dimensions=3, scale=0.5),
    "TransformLandmarks of version 1 in the plane": lambda: moved((1, 2, 3, 8), 2, 2, dimensions=2, scale=2.0),
    "TransformLandmarks": lambda: moved((1, 8, 3), 3),
    "TransformLandmarks in the plane": lambda: moved((1, 8, 2), 2),
    "TransformTensor": lambda: seen("TransformTensor", 1, output_size=[5, 8], mode="bilinear"),
    "TransformTensorBilinear": lambda: seen("TransformTensorBilinear", 2, output_height=5, output_width=8),
    "Resampler": resampled,
}
