import os
import pathlib
import sys

# As on processors with VNNI, where TensorFlow turns it on by itself: without it there is no dilated depthwise convolution.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
