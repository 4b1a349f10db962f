import ModelGraph
import ModelOps
import ModelTensor

/// A recurrent layer run forwards and another backwards over the same sequence, their outputs merged.
///
/// Weights: the forward layer's, then the backward layer's. Results: the merged output (two outputs
/// without a merge mode), then, if the layers return them, the forward and the backward states.
public struct Bidirectional: ConfigurableLayer {
  public enum MergeMode: String, Sendable, CaseIterable, AttributeConvertible {
    case concat, sum, mul, ave
    public var attributeValue: AttributeValue { .string(rawValue) }
  }
  public static let className = "Bidirectional"
  public var forward: any SequenceLayer = LSTM()
  /// The forward layer's configuration the other way round when `nil`.
  public var backward: (any SequenceLayer)?
  public var mergeMode: MergeMode? = .concat
  public init() {}

  /// The layer that runs the other way.
  public var backwardLayer: any SequenceLayer {
    if let backward { return backward }
    var layer = forward
    layer.options.goBackwards.toggle()
    return layer
  }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let first = Array(inputs.prefix(1))
    func prefixed(_ layer: any SequenceLayer, _ name: String) throws -> [WeightSpec] {
      try layer.weights(for: first).map { spec in
        var spec = spec
        spec.path = "\(name)/\(spec.path)"
        return spec
      }
    }
    return try prefixed(forward, "forward_layer") + prefixed(backwardLayer, "backward_layer")
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var there = call, back = call
    // The layers may be of different kinds, with and without biases.
    let own = try forward.weights(for: [context.type(of: try call.input())]).count
    there.weights = Array(call.weights.prefix(own))
    back.weights = Array(call.weights.dropFirst(own))
    let states = Array(call.inputs.dropFirst()) + call.numbered("initial_state")
    there.named = call.named.filter { !$0.key.hasPrefix("initial_state") }
    back.named = there.named
    let ownStates = states.isEmpty ? 0 : forward.stateCount
    there.inputs = [try call.input()] + states.prefix(ownStates)
    back.inputs = [try call.input()] + states.dropFirst(ownStates)
    let backward = backwardLayer
    let (a, statesA) = try run(forward, there, in: &context)
    var (b, statesB) = try run(backward, back, in: &context)
    if backward.options.returnSequences {
      b = try context.apply(ReverseOp(axes: [backward.options.timeMajor ? 0 : 1]), b)
    }
    let rest = forward.options.returnState ? statesA + statesB : []
    switch mergeMode {
    case nil: return [a, b] + rest
    case .concat: return [try context.concat([a, b], axis: (try context.rank(of: a)) - 1)] + rest
    case .sum: return [try context.add(a, b)] + rest
    case .mul: return [try context.mul(a, b)] + rest
    case .ave:
      let sum = try context.add(a, b)
      return [try context.div(sum, try context.scalar(2, like: sum))] + rest
    }
  }

  /// Keras's wrapper makes masked steps give zeros when sequences are returned.
  private func run<C: OpContext>(
    _ layer: any SequenceLayer, _ call: LayerCall<C.Value>, in context: inout C
  ) throws -> (C.Value, [C.Value]) {
    var layer = layer
    layer.options.zeroOutputForMask = layer.options.returnSequences
    let result = try layer.outputs(call, in: &context)
    return (result.output, result.states)
  }

  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    let own: C.Value? = forward.options.returnSequences ? call.named["mask"] ?? call.mask() : nil
    let outputs = mergeMode == nil ? [own, own] : [own]
    let states = forward.stateCount * 2
    return outputs + (forward.options.returnState ? Array(repeating: nil, count: states) : [])
  }
}
