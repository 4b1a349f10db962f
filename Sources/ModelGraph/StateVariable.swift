import ModelTensor

/// Something a graph remembers from one invocation to the next: a variable of TensorFlow Lite.
///
/// State is explicit: the graph takes the value as its input number `input` and gives the next one as its output number
/// `output`. Who runs the graph once binds the initial value; who runs it again and again feeds each result back.
public struct StateVariable: Sendable {
  /// What decides whether the first invocation alone is what people mean by the model.
  public enum Role: String, Sendable {
    /// The state of a recurrent layer that takes whole sequences: it starts anew with each sequence wherever the
    /// layer came from, and only its file format keeps it.
    case sequence
    /// The past of a stream: a model that forgets it computes something else.
    case stream
  }
  public var name: String
  /// What it holds before the first invocation.
  public var initial: Tensor
  /// The indices among the graph's inputs and outputs.
  public var input: Int
  public var output: Int
  public var role: Role
  /// The name of the output that gives the next value of the state of this name.
  public static func nextName(_ name: String) -> String { name + "_next" }
  public init(name: String, initial: Tensor, input: Int, output: Int, role: Role) {
    self.name = name
    self.initial = initial
    self.input = input
    self.output = output
    self.role = role
  }
}

extension Graph {
  /// The inputs that are given from outside: all but the states.
  public var openInputs: [Port] {
    let hidden = Set(states.map(\.input))
    return inputs.indices.filter { !hidden.contains($0) }.map { inputs[$0] }
  }
  /// The outputs that are given to the outside: all but the states.
  public var openOutputs: [Port] {
    let hidden = Set(states.map(\.output))
    return outputs.indices.filter { !hidden.contains($0) }.map { outputs[$0] }
  }

  /// Appends the input of a state; `bindState` names its next value later.
  public mutating func addState(_ name: String, initial: Tensor, role: StateVariable.Role) -> (index: Int, value: ValueID) {
    let value = addInput(name, initial.type)
    states.append(StateVariable(name: name, initial: initial, input: inputs.count - 1, output: -1, role: role))
    return (states.count - 1, value)
  }

  /// Says what state `index` holds after an invocation.
  public mutating func bindState(_ index: Int, to next: ValueID) {
    guard states.indices.contains(index) else { return }
    addOutput(StateVariable.nextName(states[index].name), next)
    states[index].output = outputs.count - 1
  }
}

extension Model {
  /// Whether a graph of the model remembers something between invocations.
  public var hasState: Bool { graphs.values.contains { !$0.states.isEmpty } }
}
