"""How many samples a second Keras on TensorFlow learns from: the networks of `modelbench training`, prints JSON.

    training_peer.py mlp|cnn|lstm|gru [--epochs 5] [--threads 2]
"""
import argparse
import json
import os
import resource
import statistics
import time

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
parser = argparse.ArgumentParser()
parser.add_argument("network")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--threads", type=int, default=2)
arguments = parser.parse_args()

import keras
import numpy as np
import tensorflow as tf
from keras import layers as L

tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)

SIZES = {"mlp": ((20,), 8000, 128, 5), "cnn": ((32, 32, 3), 1024, 64, 10), "lstm": ((32, 16), 2048, 128, 10), "gru": ((32, 16), 2048, 128, 10)}
shape, samples, batch, classes = SIZES[arguments.network]
LAYERS = {
    "mlp": lambda: [
        L.Dense(64, activation="relu"), L.BatchNormalization(), L.Dropout(0.3), L.Dense(32, activation="relu"), L.Dropout(0.2)],
    "cnn": lambda: [
        L.Conv2D(32, 3, padding="same", activation="relu"), L.BatchNormalization(), L.Conv2D(32, 3, padding="same", activation="relu"),
        L.MaxPooling2D(2), L.SpatialDropout2D(0.2), L.Conv2D(64, 3, padding="same", activation="relu"), L.BatchNormalization(),
        L.MaxPooling2D(2), L.Conv2D(128, 3, padding="same", activation="relu"), L.GlobalAveragePooling2D(), L.Dense(64, activation="relu"),
        L.Dropout(0.3)],
    "lstm": lambda: [L.LSTM(64)],
    "gru": lambda: [L.GRU(64)],
}
model = keras.Sequential([L.Input(shape)] + LAYERS[arguments.network]() + [L.Dense(classes, activation="softmax")])
random = np.random.default_rng(1)
x, y = random.normal(size=(samples, *shape)).astype("float32"), random.integers(0, classes, samples).astype("int32")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
model.fit(x, y, batch_size=batch, epochs=2, verbose=0)


class Timer(keras.callbacks.Callback):
    """Each epoch by itself: what `fit` does before the first one does not count."""
    def __init__(self): super().__init__(); self.times = []
    def on_epoch_begin(self, epoch, logs=None): self.start = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None): self.times.append(time.perf_counter() - self.start)


timer = Timer()
model.fit(x, y, batch_size=batch, epochs=arguments.epochs, verbose=0, callbacks=[timer])
print(json.dumps({
    "samples_per_second": samples / statistics.median(timer.times),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "before_mb": before}))
