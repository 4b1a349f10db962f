import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// A whole model where a layer is expected: inside `TimeDistributed`, `Wrapper` and their kin. It runs its
/// layers one after the other; a model that is called by itself is a graph of its own instead.
///
/// Weights: those of the layers, in the model's order.
public struct NestedNetwork: ConfigurableLayer {
  public static let className = "Functional"

  /// A layer of the model. A shared one is called by several steps.
  public struct Member: Sendable {
    public var name: String
    public var layer: any Layer
    public var policy: DTypePolicy
    public var isTrainable: Bool
    /// The name of the layer's group in a weights file.
    public var group: String
    public init(name: String, layer: any Layer, policy: DTypePolicy, isTrainable: Bool, group: String) {
      self.name = name
      self.layer = layer
      self.policy = policy
      self.isTrainable = isTrainable
      self.group = group
    }
  }
  /// A call of a member on values: the model's inputs come first, then each step's results.
  public struct Step: Sendable {
    public var member: Int
    public var inputs: [Int]
    public var roles: [String]
    public var options: [String: JSONValue]
    /// Where the step's results stand.
    public var firstResult: Int
    public init(member: Int, inputs: [Int], roles: [String], options: [String: JSONValue], firstResult: Int) {
      self.member = member
      self.inputs = inputs
      self.roles = roles
      self.options = options
      self.firstResult = firstResult
    }
  }
  public var inputCount = 1
  public var members: [Member] = []
  public var steps: [Step] = []
  public var outputs: [Int] = []
  /// The model as its file serialises it.
  public var object: JSONValue = .null
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    var context = FactContext()
    var specs = [[WeightSpec]?](repeating: nil, count: members.count)
    _ = try run(inputs.map { Fact($0) }, masks: [], in: &context) { index, facts in
      let own = try specs[index] ?? members[index].layer.weights(for: facts.map(\.type))
      specs[index] = own
      return own.map { Fact(TensorType($0.dtype ?? members[index].policy.variable, $0.shape)) }
    }
    return specs.enumerated().flatMap { index, own in
      (own ?? []).map { spec in
        var spec = spec
        spec.name = "\(members[index].name)/\(spec.name)"
        spec.path = "layers/\(members[index].group)/\(spec.path)"
        spec.otherPaths = spec.otherPaths.map { "layers/\(members[index].group)/\($0)" }
        spec.isTrainable = spec.isTrainable && members[index].isTrainable
        return spec
      }
    }
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    try evaluate(call, in: &context).values
  }
  /// As `call`, with something else in the place of each layer's own call; it is told where the layer's weights begin.
  public func call<C: OpContext>(
    _ call: LayerCall<C.Value>, in context: inout C,
    each: (_ member: Member, _ firstWeight: Int, _ call: LayerCall<C.Value>, _ context: inout C) throws -> [C.Value]
  ) throws -> [C.Value] {
    try evaluate(call, in: &context, each: each).values
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    try evaluate(call, in: &context).masks
  }

  private func evaluate<C: OpContext>(
    _ call: LayerCall<C.Value>, in context: inout C,
    each: (_ member: Member, _ firstWeight: Int, _ call: LayerCall<C.Value>, _ context: inout C) throws -> [C.Value] = {
      try $0.layer.call($2, in: &$3)
    }
  ) throws -> (values: [C.Value], masks: [C.Value?]) {
    // Members take their weights in order; how many, their specifications tell.
    let types = call.inputs.map { context.type(of: $0) }
    var counts = [Int](repeating: 0, count: members.count)
    var facts = FactContext()
    _ = try run(types.map { Fact($0) }, masks: [], in: &facts) { index, inputs in
      let own = try members[index].layer.weights(for: inputs.map(\.type))
      counts[index] = own.count
      return own.map { Fact(TensorType($0.dtype ?? members[index].policy.variable, $0.shape)) }
    }
    var start = 0
    let ranges = counts.map { count -> Range<Int> in
      defer { start += count }
      return start..<(start + count)
    }
    guard start == call.weights.count else {
      throw GraphError(.wrongInputCount, "a nested model of \(start) weights, found \(call.weights.count)")
    }
    return try run(
      call.inputs, masks: call.masks, in: &context, each: { try each($0, ranges[$1].lowerBound, $2, &$3) },
      weights: { index, _ in Array(call.weights[ranges[index]]) })
  }

  private func run<C: OpContext>(
    _ inputs: [C.Value], masks: [C.Value?], in context: inout C,
    each: (_ member: Member, _ index: Int, _ call: LayerCall<C.Value>, _ context: inout C) throws -> [C.Value] = {
      try $0.layer.call($2, in: &$3)
    },
    weights: (_ member: Int, _ inputs: [C.Value]) throws -> [C.Value]
  ) throws -> (values: [C.Value], masks: [C.Value?]) {
    guard inputs.count >= inputCount else {
      throw GraphError(.wrongInputCount, "a nested model takes \(inputCount) inputs, found \(inputs.count)")
    }
    var values: [Int: C.Value] = [:], carried: [Int: C.Value] = [:]
    for index in 0..<inputCount {
      values[index] = inputs[index]
      if index < masks.count, let mask = masks[index] { carried[index] = mask }
    }
    func value(_ index: Int) throws -> C.Value {
      guard let value = values[index] else { throw GraphError(.invalidStructure, "a nested model without value \(index)") }
      return value
    }
    for step in steps {
      guard members.indices.contains(step.member) else {
        throw GraphError(.invalidStructure, "a nested model without layer \(step.member)")
      }
      let member = members[step.member]
      let op = LayerOp(member.layer, policy: member.policy, roles: step.roles, options: step.options, isTrainable: member.isTrainable)
      let operands = try step.inputs.map(value)
      let positional = zip(step.roles, operands).filter { $0.0.isEmpty }.map(\.1)
      let call = try op.makeCall(
        operands + (try weights(step.member, positional)), masks: step.inputs.map { carried[$0] }, in: &context)
      let results = try each(member, step.member, call, &context)
      let newMasks = masks.isEmpty ? [] : try member.layer.mask(call, in: &context)
      for (offset, result) in results.enumerated() {
        values[step.firstResult + offset] = result
        if offset < newMasks.count, let mask = newMasks[offset] { carried[step.firstResult + offset] = mask }
      }
    }
    return (try outputs.map(value), outputs.map { carried[$0] })
  }
}
