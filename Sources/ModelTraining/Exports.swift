// What a reader of the public API needs, and no more: `Tensor` and `Model` are this module's own.
@_exported import enum ModelTensor.DType
@_exported import struct ModelTensor.NDArray
