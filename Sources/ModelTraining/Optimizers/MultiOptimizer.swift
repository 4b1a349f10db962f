import ModelTensor

/// Another optimiser for each group of variables (Keras's `MultiOptimizer`).
public final class MultiOptimizer: Optimizer {
  public let name: String
  public let map: OptimizerMap
  /// Keras's order: as the map names them, the default last.
  public let optimizers: [any Optimizer]
  public let lossScaleFactor: Double?
  /// For each variable that it was built for, the place of its optimiser.
  private var places: [ObjectIdentifier: Int] = [:]
  private var isBuilt = false
  private let own: [Variable]

  /// - Parameter lossScaleFactor: takes the place of those of the optimisers.
  public init(_ map: OptimizerMap, lossScaleFactor: Double? = nil, name: String? = nil) throws {
    self.map = map
    self.lossScaleFactor = lossScaleFactor
    self.name = name ?? LayerNames.next(for: "MultiOptimizer")
    optimizers = map.all
    for case let optimizer as BaseOptimizer in optimizers { optimizer.settings.lossScaleFactor = lossScaleFactor }
    own = [
      try Variable(Tensor(NDArray(scalar: Int64(0))), name: "iteration", trainable: false),
      try Variable(0.0, name: "learning_rate", trainable: false),
    ]
  }
  public var iterations: Variable { own[0] }
  public var variables: [Variable] { own + optimizers.flatMap(\.variables) }

  /// - Throws: always: each of the optimisers has a rate of its own.
  public func learningRate() throws -> Tensor {
    throw TensorError(.notSupported, "'\(name)' has no learning rate: each of its optimisers has its own")
  }

  public func build(_ variables: [Variable]) throws {
    guard !isBuilt else { return }
    isBuilt = true
    for variable in variables {
      let chosen = try map.optimizer(forPath: variable.path)
      places[ObjectIdentifier(variable)] = optimizers.firstIndex { $0 === chosen }
    }
    for (index, optimizer) in optimizers.enumerated() {
      let taken = variables.filter { places[ObjectIdentifier($0)] == index }
      if !taken.isEmpty { try optimizer.build(taken) }
    }
  }

  public func apply(_ gradients: [Tensor?], to variables: [Variable]) throws {
    try build(variables)
    guard gradients.count == variables.count else {
      throw TensorError(.invalidArgument, "'\(name)': \(gradients.count) gradients for \(variables.count) variables")
    }
    for (index, optimizer) in optimizers.enumerated() {
      let pairs = zip(gradients, variables).filter { places[ObjectIdentifier($1)] == index }
      if !pairs.isEmpty { try optimizer.apply(pairs.map(\.0), to: pairs.map(\.1)) }
    }
    try iterations.assignAdd(1)
  }
  public func scaleLoss(_ loss: Tensor) throws -> Tensor { try lossScaleFactor.map { try loss * $0 } ?? loss }
  public func finalizeVariableValues(_ variables: [Variable]) throws {
    for (index, optimizer) in optimizers.enumerated() {
      let taken = variables.filter { places[ObjectIdentifier($0)] == index }
      if !taken.isEmpty { try optimizer.finalizeVariableValues(taken) }
    }
  }
}
