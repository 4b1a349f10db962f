import ModelGraph
import ModelTensor

/// Variables that a signature assigns and looks at in its next call: they become states of its graph.
///
/// Which ones they are is known when the signatures have been read once. Then they are read again, with an input in the place of
/// what the checkpoint holds.
struct KeptVariables {
  struct Name: Hashable {
    var reference: VariableReference
    var container: String
  }
  typealias Opened = (variable: Variable, initial: Tensor, name: String, input: ValueID)

  /// What is known to be kept.
  var known: [Name] = []
  /// What has been found.
  private(set) var found: [Name] = []

  /// Lets the variables that are kept be inputs of the graph about to be read.
  func open(_ library: GraphLibrary, _ state: VariableState, in g: inout GraphContext) throws -> [Opened] {
    try known.map { name in
      let variable = library.variable(name.reference, container: name.container)
      let id = try library.parameter(of: variable, in: &g.model), parameter = g.model[id]
      var free = parameter.name
      while g.graph.inputs.contains(where: { $0.name == free }) { free += "_state" }
      let input = g.graph.addInput(free, parameter.tensor.type)
      state.current[ObjectIdentifier(variable)] = input
      return (variable, parameter.tensor, free, input)
    }
  }

  /// Makes states of those that the graph looks at or assigns, and takes the others out again.
  func close(_ opened: [Opened], _ state: VariableState, in g: inout GraphContext) {
    guard !opened.isEmpty else { return }
    let next = opened.map { state.current[ObjectIdentifier($0.variable)] ?? $0.input }
    let changed = zip(opened, next).filter { $0.input != $1 }.map(\.1)
    let used = Self.reached(from: g.graph.outputs.map(\.value) + changed, in: g)
    for (entry, value) in zip(opened, next) {
      guard value != entry.input || used.contains(entry.input) else {
        g.graph.inputs.removeAll { $0.value == entry.input }
        g.graph.removeInputValue(entry.input)
        continue
      }
      guard let place = g.graph.inputs.firstIndex(where: { $0.value == entry.input }) else { continue }
      g.graph.states.append(
        StateVariable(name: entry.name, initial: entry.initial, input: place, output: -1, role: .sequence))
      g.graph.bindState(g.graph.states.count - 1, to: value)
    }
    // Inputs that were taken out stood before others.
    for index in g.graph.states.indices {
      let name = g.graph.states[index].name
      if let place = g.graph.inputs.firstIndex(where: { $0.name == name }) { g.graph.states[index].input = place }
    }
  }

  /// Looks for variables whose assignment another call would see.
  mutating func look(at state: VariableState, in g: GraphContext) {
    guard known.isEmpty else { return }
    var assigned: [(name: Name, parameter: ParameterID, next: ValueID)] = []
    for variable in state.assigned {
      guard let parameter = variable.parameter, let next = state.current[ObjectIdentifier(variable)],
        g.graph[next].type.dtype == g.model[parameter].tensor.dtype
      else { continue }
      assigned.append((Name(reference: variable.reference, container: variable.container), parameter, next))
    }
    var roots = g.graph.outputs.map(\.value), isGrowing = true
    while isGrowing, !assigned.isEmpty {
      isGrowing = false
      let seen = Self.parameters(of: Self.reached(from: roots, in: g), in: g)
      for entry in assigned where seen.contains(entry.parameter) {
        if !found.contains(entry.name) { found.append(entry.name) }
        roots.append(entry.next)
        isGrowing = true
      }
      assigned.removeAll { seen.contains($0.parameter) }
    }
  }

  /// What values are made of, themselves included.
  private static func reached(from roots: [ValueID], in g: GraphContext) -> Set<ValueID> {
    var result: Set<ValueID> = [], waiting = roots
    while let value = waiting.popLast() {
      guard result.insert(value).inserted, let node = g.graph.producer(of: value) else { continue }
      waiting += g.graph[node].inputs.compactMap { $0 }
    }
    return result
  }

  /// The parameters among values, and those in the bodies of the nodes that make them.
  private static func parameters(of values: Set<ValueID>, in g: GraphContext) -> Set<ParameterID> {
    var result: Set<ParameterID> = [], bodies: [GraphID] = [], seen: Set<GraphID> = []
    for value in values {
      if case .parameter(let id) = g.graph[value].definition { result.insert(id) }
      if let node = g.graph.producer(of: value) { bodies += g.graph[node].bodies }
    }
    while let id = bodies.popLast() {
      guard seen.insert(id).inserted, let body = g.model.graphs[id] else { continue }
      for value in body.valueSlots { if case .parameter(let id)? = value?.definition { result.insert(id) } }
      for node in body.nodeSlots { bodies += node?.bodies ?? [] }
    }
    return result
  }
}
