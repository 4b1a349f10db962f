# modelctl: everything one does with this repository.
#
#   make demo          install what is missing, build, inspect, convert and verify a real model
#   make test          install what is missing and run everything: unit tests, conformance, the real frameworks as peers
#   make test-fast     the Swift tests alone; needs no Python
#   make test-interop  the real Keras, tf_keras, TensorFlow, tensorflowjs, LiteRT and ONNX Runtime on what modelctl reads and writes
#   make test-wide     a wider sweep of typical Keras models
#   make mutations     100,000 damaged TFLite files inspected, run and converted; CORPUS adds the files of a folder
#   make conformance   the ONNX backend node tests; REPORT=docs/onnx-conformance.md writes their table anew
#   make op-support    TensorFlow's and TensorFlow Lite's operators one by one; writes docs/op-support.md
#   make bench         benchmarks as ratios to the peers, measured in the same run
#   make fixtures      train the models of fixtures/trained, and record the other fixtures anew with the real frameworks
#   make lint          swift-format in strict mode
#   make format        let swift-format rewrite the sources
#   make check-layers  hold Package.swift against the table of targets in docs/architecture.md
#   make clean
#
# Variables: SWIFT (the swift command), PYTHON (a Python 3.10 or later, for the virtual environment), PYTEST_FLAGS, CORPUS.

SWIFT  ?= swift
PYTHON ?= python3
PACKAGES := libhdf5-dev libprotobuf-dev libzip-dev libopenblas-dev libpng-dev libjpeg-dev pkg-config perl
VENV   := .venv
TFJS   := .venv-tfjs
PEERS  := $(VENV)/bin/python
BINARY := .build/release/modelctl
# Swift's own libraries inside the programs, where the toolchain has them in that form: they start in two thirds of the time.
STATIC := $(if $(wildcard $(dir $(realpath $(shell command -v $(SWIFT))))../lib/swift_static),--static-swift-stdlib)
# A worker takes whole files: the cases of a file share what was made for it.
WORKERS := -n 2 --dist loadfile

.PHONY: demo test test-fast test-interop test-wide mutations conformance op-support bench fixtures lint format check-layers clean release system

demo: release
	sh Tests/Tools/demo.sh $(BINARY)

test: check-layers test-fast test-interop conformance

test-fast: system
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

test-interop: release $(VENV)/.ready $(TFJS)/.ready
	MODELCTL=$(CURDIR)/$(BINARY) $(PEERS) -m pytest Tests/InteropTests -q -p no:cacheprovider $(WORKERS) \
	  --ignore Tests/InteropTests/test_zoo.py $(PYTEST_FLAGS)

# A wider sweep, kept apart for its length.
test-wide: release $(VENV)/.ready
	MODELCTL=$(CURDIR)/$(BINARY) $(PEERS) -m pytest Tests/InteropTests/test_zoo.py -q -p no:cacheprovider $(PYTEST_FLAGS)

# The same files each time: a number that ends badly is found again by `modelbench fuzz … --first NUMBER --count 1`.
mutations: release
	.build/release/modelbench fuzz $$(find fixtures/tflite fixtures/trained $(CORPUS) -name '*.tflite' -size -200k | LC_ALL=C sort) --count 100000

conformance: release $(VENV)/.ready
	.build/release/modelbench conformance "$$($(PEERS) -c 'import os, onnx; print(os.path.dirname(onnx.__file__))')/backend/test/data/node" \
	  $(if $(REPORT),--report $(REPORT)) --expect 1250

op-support: release $(VENV)/.ready
	MODELCTL=$(CURDIR)/$(BINARY) $(PEERS) Tests/InteropTests/op_sweep.py --report docs/op-support.md
	MODELCTL=$(CURDIR)/$(BINARY) $(PEERS) Tests/InteropTests/tflite_support.py --report docs/op-support.md

bench: release $(VENV)/.ready $(TFJS)/.ready
	MODELCTL=$(CURDIR)/$(BINARY) MODELCTL_TFJS_PYTHON=$(CURDIR)/$(TFJS)/bin/python $(PEERS) Tests/Benchmarks/bench.py

fixtures: release $(VENV)/.ready
	.build/release/modelbench fixtures fixtures/trained
	for script in fixtures/*/generate.py fixtures/*/*/generate.py fixtures/training/generate_*.py Tests/KerasConfigTests/generate_*.py; do \
	  [ ! -e "$$script" ] || $(PEERS) "$$script" || exit 1; done

release: system
	$(SWIFT) build -c release $(STATIC)

# The Debian packages, installed only when one is missing.
system:
	@command -v $(SWIFT) >/dev/null || { echo "swift 6.1 or later is needed: https://www.swift.org/install" >&2; exit 1; }
	@sh Tests/Tools/install_packages.sh $(PACKAGES)

$(VENV)/.ready: Tests/InteropTests/requirements.txt
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || sh Tests/Tools/install_packages.sh python3 python3-venv python3-pip
	$(PYTHON) -m venv $(VENV)
	$(PEERS) -m pip install --quiet --disable-pip-version-check -r Tests/InteropTests/requirements.txt
	touch $@

# TensorFlow.js's Python package wants an older TensorFlow than the other peers have.
$(TFJS)/.ready: Tests/InteropTests/requirements-tfjs.txt | $(VENV)/.ready
	$(PYTHON) -m venv $(TFJS)
	$(TFJS)/bin/python -m pip install --quiet --disable-pip-version-check -r Tests/InteropTests/requirements-tfjs.txt
	touch $@

lint:
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests docs/examples

format:
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests docs/examples

check-layers: system
	@mkdir -p .build
	@$(SWIFT) package dump-package > .build/package.json
	@sh Tests/Tools/check_layers.sh .build/package.json docs/architecture.md

clean:
	rm -rf .build $(VENV) $(TFJS)
