#!/bin/sh
# What the README shows, on a model trained with Keras that stands in the fixtures.
set -eu
modelctl=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
show() { printf '\n$ %s\n' "$*" | sed "s#$modelctl#modelctl#; s#$out/##g"; "$@"; }
model=fixtures/keras/shapes-cnn/model.keras
show "$modelctl" inspect "$model"
show "$modelctl" convert "$model" "$out/shapes.onnx"
show "$modelctl" convert "$out/shapes.onnx" "$out/shapes.h5"
show "$modelctl" verify "$model" "$out/shapes.h5"
