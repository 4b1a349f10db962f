// ModelOps
