/// Where the time of a training step goes.
extension Model {
  /// From now on, training steps add up how long each node takes. Steps must have been traced before.
  package func startStepProfile() {
    for function in training.trainStep?.tracedFunctions ?? [] { function.executor.startProfile() }
  }
  /// The seconds each node has taken since `startStepProfile`, most first.
  package func endStepProfile() -> [(place: String, seconds: Double)] {
    (training.trainStep?.tracedFunctions ?? []).flatMap { $0.executor.endProfile() }.sorted { $0.seconds > $1.seconds }
  }
}
