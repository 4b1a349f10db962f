// ModelPasses
