// The facade's own vocabulary: one import is enough to open, run and compare models.
@_exported import ModelGraph
@_exported import ModelRuntime
@_exported import ModelSupport
@_exported import ModelTensor
@_exported import ModelVerify
