import ModelGraph
import ModelSupport

/// Takes the state out of graphs for formats that have none.
///
/// The state of a recurrent layer over whole sequences becomes the constant it starts with, as in the layer it came from. The
/// past of a stream becomes an additional input and an additional result, which the caller feeds back. What a graph only looks at, as other
/// entry points alone change it, is a weight there.
public struct ResolveState: Pass {
  public let name = "resolve-state"
  /// Whose states are taken out.
  private let roles: Set<StateVariable.Role>
  public init(roles: Set<StateVariable.Role> = [.sequence, .stream]) { self.roles = roles }

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard var graph = model.graphs[id], graph.states.contains(where: { roles.contains($0.role) }) else { continue }
      var constants: [ValueID: ValueID] = [:]
      var inputs: Set<Int> = [], outputs: Set<Int> = []
      for state in graph.states where state.role == .sequence && roles.contains(.sequence) {
        constants[graph.inputs[state.input].value] = graph.addConstant(state.initial, name: state.name)
        inputs.insert(state.input)
        outputs.insert(state.output)
      }
      for state in graph.states where graph.isUnchanged(state) && roles.contains(.stream) {
        let weight = model.add(
          Parameter(name: state.name, tensor: state.initial, isTrainable: state.initial.dtype.isFloatingPoint))
        constants[graph.inputs[state.input].value] = graph.addParameter(weight, of: model, name: state.name)
        inputs.insert(state.input)
        outputs.insert(state.output)
      }
      graph.replaceUses(constants)
      var rest = graph.states.filter { !roles.contains($0.role) }
      for index in rest.indices {
        let (input, output) = (rest[index].input, rest[index].output)
        rest[index].input -= inputs.count { $0 < input }
        rest[index].output -= outputs.count { $0 < output }
      }
      graph.inputs = graph.inputs.indices.filter { !inputs.contains($0) }.map { graph.inputs[$0] }
      graph.outputs = graph.outputs.indices.filter { !outputs.contains($0) }.map { graph.outputs[$0] }
      for value in constants.keys { graph.removeInputValue(value) }
      graph.states = rest
      model.graphs[id] = graph
    }
  }

  /// What the target can't carry of a model's state.
  public static func losses(
    of model: Model, target: String, roles: Set<StateVariable.Role> = [.sequence, .stream]
  ) -> [Loss] {
    model.graphs.values.flatMap { graph in
      graph.states.filter { roles.contains($0.role) }.map { state in
        switch state.role {
        case .stream where graph.isUnchanged(state):
          Loss("state '\(state.name)'", reason: "it is the weight that it starts as: no other entry point changes it in \(target)")
        case .sequence:
          Loss(
            "state '\(state.name)'",
            reason: "\(target) keeps nothing between invocations: each one starts from the initial state")
        case .stream:
          Loss(
            "state '\(state.name)'",
            reason: "\(target) keeps nothing between invocations: it is the input '\(state.name)', and its next value "
              + "the output '\(StateVariable.nextName(state.name))'")
        }
      }
    }
  }
}

extension Graph {
  /// Whether a state of a stream is what it was after each call of this graph.
  fileprivate func isUnchanged(_ state: StateVariable) -> Bool {
    state.role == .stream && inputs.indices.contains(state.input) && outputs.indices.contains(state.output)
      && inputs[state.input].value == outputs[state.output].value
  }
}
