public protocol ComputePrimitives: Sendable {}
