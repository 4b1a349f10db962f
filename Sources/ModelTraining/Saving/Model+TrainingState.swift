import KerasStorage
import ModelGraph
import ModelSupport
import ModelTensor

extension Model {
  /// What a file keeps for training to go on: the arguments of `compile` and the optimiser's variables; `nil` for a model that is not compiled.
  /// - Throws: `TensorError.notSupported` for optimisers, losses and metrics of one's own.
  func trainingState() throws -> TrainingState? {
    guard let optimizer = training.optimizer, training.trouble == nil else { return nil }
    var state = TrainingState(compileConfig: try training.arguments.config(optimizer: optimizer, runEagerly: training.runEagerly))
    state.optimizerVariables = try optimizer.variables.enumerated().map { index, variable in
      ("optimizer/vars/\(index)", ModelTensor.Tensor(try variable.stored.array()))
    }
    return state
  }

  /// Compiles the model as a file says, and takes up the optimiser where it stood.
  ///
  /// What can't be made of the file is told by `fit`, unless the model is compiled anew before.
  func takeUp(_ state: TrainingState) {
    do {
      if let config = state.compileConfig {
        guard let optimizer = config["optimizer"], !optimizer.isNull else { return }
        training = CompiledTraining(arguments: try CompileArguments(config), runEagerly: config["run_eagerly"]?.boolValue ?? false)
        training.optimizer = try LossScaleOptimizer.restored(try Optimizers.deserialize(optimizer), state)
      }
      try restoreOptimizer(state)
    } catch {
      training = CompiledTraining()
      training.trouble = TensorError(.notSupported, "'\(name)' can't go on as its file says: \(error). Compile it anew")
    }
  }

  /// - Throws: `FormatError` when a variable has another shape.
  func restoreOptimizer(_ state: TrainingState) throws {
    guard let optimizer = training.optimizer, isBuilt, let stored = OptimizerVariables.keras3(state), !stored.isEmpty else { return }
    // One that never made a step has no slots yet, in the file either.
    let unbuilt = optimizer is LossScaleOptimizer ? optimizer.variables.count - 2 : optimizer.variables.count
    let isFresh = stored.count == unbuilt && !training.isBuilt
    // The scale and its counter are slots too, which start as the configuration says.
    if isFresh, optimizer is LossScaleOptimizer { return }
    if !isFresh {
      try optimizer.build(trainableWeights)
      training.isBuilt = true
    }
    let variables = optimizer.variables
    guard variables.count == stored.count else {
      throw FormatError(
        .sizeMismatch, "expected \(variables.count) variables of the optimiser, found \(stored.count)", at: SourceLocation())
    }
    let arrays = try zip(variables, stored).map { variable, entry -> NDArray in
      let array = try entry.tensor.array()
      guard array.shape == variable.shape else {
        throw FormatError(
          .sizeMismatch, "expected the shape \(variable.shape) for '\(entry.path)' of the optimiser, found \(array.shape)",
          at: SourceLocation())
      }
      return array
    }
    for (variable, array) in zip(variables, arrays) { try variable.assign(try Tensor(array).cast(to: variable.dtype)) }
  }
}

extension LossScaleOptimizer {
  /// The optimiser that a file's variables are of. Keras scales the losses of a model whose policy is `mixed_float16` without being told: its
  /// file names the optimiser inside, and holds the variables of both.
  static func restored(_ optimizer: any Optimizer, _ state: TrainingState) throws -> any Optimizer {
    guard !(optimizer is LossScaleOptimizer || optimizer is MultiOptimizer), let stored = OptimizerVariables.keras3(state), stored.count > 2
    else { return optimizer }
    // Its own two, then its counter, or (before the first step) that of the optimiser inside.
    let isScaled = stored[2].tensor.type.shape.rank == 0 && stored[2].tensor.dtype.isInteger
    return isScaled ? try LossScaleOptimizer(optimizer) : optimizer
  }
}
