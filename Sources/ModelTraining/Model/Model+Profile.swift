/// Where the time of a training step goes.
extension Model {
  /// From now on, training steps are held against what they need. Steps must have been traced before.
  package func startStepMemory() {
    for function in training.trainStep?.tracedFunctions ?? [] { function.executor.startMeasuring() }
  }
  /// The bytes that the largest step since `startStepMemory` needed (its batch, weights, states of the optimiser, activations and gradients), and
  /// the most that were held for them.
  package func endStepMemory() -> (needed: Int, held: Int) {
    (training.trainStep?.tracedFunctions ?? []).compactMap { $0.executor.endMeasuring() }.max { $0.needed < $1.needed } ?? (0, 0)
  }

  /// From now on, training steps add up how long each node takes. Steps must have been traced before.
  package func startStepProfile() {
    for function in training.trainStep?.tracedFunctions ?? [] { function.executor.startProfile() }
  }
  /// The seconds each node has taken since `startStepProfile`, most first.
  package func endStepProfile() -> [(place: String, seconds: Double)] {
    (training.trainStep?.tracedFunctions ?? []).flatMap { $0.executor.endProfile() }.sorted { $0.seconds > $1.seconds }
  }
}
