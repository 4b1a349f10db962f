import ModelGraph
import ModelSupport
import ModelTensor

extension Model {
  /// Tells the variables that the entry points remember from those that are weights.
  ///
  /// A variable that no entry point changes is a parameter. One that an entry point neither looks at nor changes is none of its states. One
  /// that is changed, and that nothing looks at in any later call, is left out and told of.
  mutating func settleStates() -> [Loss] {
    let seen = seenStates()
    var changed: Set<String> = []
    for graph in graphs.values {
      for state in graph.states where graph.outputs[state.output].value != graph.inputs[state.input].value { changed.insert(state.name) }
    }
    var notes: [Loss] = [], parameters: [String: ParameterID] = [:]
    for id in graphs.keys {
      guard var graph = graphs[id], !graph.states.isEmpty else { continue }
      var removed: [Int] = [], replaced: [ValueID: ValueID] = [:]
      let reached = graph.reached(from: graph.openOutputs.map(\.value) + graph.nextValues(ofStates: seen))
      for (place, state) in graph.states.enumerated() {
        let input = graph.inputs[state.input].value, isChanged = graph.outputs[state.output].value != input
        if isChanged, !seen.contains(state.name) {
          let note = Loss("assignment to '\(state.name)'", reason: "nothing looks at what is assigned")
          if !notes.contains(note) { notes.append(note) }
        } else if !changed.contains(state.name), reached.contains(input) {
          let isTrainable = state.initial.dtype.isFloatingPoint
          let parameter =
            parameters[state.name] ?? add(Parameter(name: state.name, tensor: state.initial, isTrainable: isTrainable))
          parameters[state.name] = parameter
          replaced[input] = graph.addParameter(parameter, of: self, name: state.name)
        } else if isChanged || reached.contains(input) {
          continue
        }
        removed.append(place)
      }
      graph.replaceUses(replaced)
      graph.removeStates(Set(removed))
      graphs[id] = graph
    }
    return notes
  }

  /// The names of states that some result depends on, in the same call or in a later one.
  private func seenStates() -> Set<String> {
    var seen: Set<String> = [], isGrowing = true
    while isGrowing {
      isGrowing = false
      for graph in graphs.values where !graph.states.isEmpty {
        let reached = graph.reached(from: graph.openOutputs.map(\.value) + graph.nextValues(ofStates: seen))
        for state in graph.states where reached.contains(graph.inputs[state.input].value) {
          if seen.insert(state.name).inserted { isGrowing = true }
        }
      }
    }
    return seen
  }
}

extension Graph {
  /// What the states of these names hold next, where that is anything new.
  fileprivate func nextValues(ofStates names: Set<String>) -> [ValueID] {
    states.filter { names.contains($0.name) && outputs[$0.output].value != inputs[$0.input].value }.map { outputs[$0.output].value }
  }

  /// What values are made of, themselves included.
  fileprivate func reached(from roots: [ValueID]) -> Set<ValueID> {
    var result: Set<ValueID> = [], waiting = roots
    while let value = waiting.popLast() {
      guard result.insert(value).inserted, let node = producer(of: value) else { continue }
      waiting += self[node].inputs.compactMap { $0 }
    }
    return result
  }

  /// Takes states out with their inputs and outputs, and what only they needed.
  fileprivate mutating func removeStates(_ places: Set<Int>) {
    guard !places.isEmpty else { return }
    let goingInputs = Set(places.map { states[$0].input }), goingOutputs = Set(places.map { states[$0].output })
    let values = goingInputs.map { inputs[$0].value }
    var rest = states.indices.filter { !places.contains($0) }.map { states[$0] }
    for index in rest.indices {
      let (input, output) = (rest[index].input, rest[index].output)
      rest[index].input -= goingInputs.count { $0 < input }
      rest[index].output -= goingOutputs.count { $0 < output }
    }
    inputs = inputs.indices.filter { !goingInputs.contains($0) }.map { inputs[$0] }
    outputs = outputs.indices.filter { !goingOutputs.contains($0) }.map { outputs[$0] }
    states = rest
    removeDeadNodes()
    for value in values { removeInputValue(value) }
  }
}
