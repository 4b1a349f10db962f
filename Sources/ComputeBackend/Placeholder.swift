// ComputeBackend
