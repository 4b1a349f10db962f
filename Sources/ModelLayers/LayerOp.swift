import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// A layer as a node's op. The node's inputs are the call's tensors, in the order of `roles`,
/// followed by the layer's weights in the order of `Layer.weights(for:)`.
///
/// Masks are no inputs: the pass that lowers layers carries them along, as Keras does at run time.
public struct LayerOp: CompositeOp {
  public static let name = "Layer"
  public static let family = OpFamily.layer
  public var layer: any Layer
  public var policy: DTypePolicy
  /// For each tensor of the call: an empty string for the next positional one, else its keyword.
  public var roles: [String]
  public var options: [String: JSONValue]
  public var isTrainable: Bool
  /// Whether the call takes the mask that its first tensor carries. Keras 3 passes it on only if the call has no other
  /// tensors; the result carries it all the same.
  public var takesImpliedMask = true
  /// Whether Keras 2 made the model: its merging layers keep what all their masks keep, and look at no mask themselves.
  public var mergesMasksAsKeras2 = false

  public init(
    _ layer: any Layer, policy: DTypePolicy = DTypePolicy(), roles: [String] = [""],
    options: [String: JSONValue] = [:], isTrainable: Bool = true
  ) {
    self.layer = layer
    self.policy = policy
    self.roles = roles
    self.options = options
    self.isTrainable = isTrainable
  }

  public var displayName: String { type(of: layer).className }
  public var attributes: [(name: String, value: AttributeValue)] {
    Mirror(reflecting: layer).children.compactMap { child in
      guard let label = child.label else { return nil }
      let value = (child.value as? any AttributeConvertible)?.attributeValue
      return (label, value ?? .string(String(describing: child.value)))
    }
  }

  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    let call = try makeCall(inputs, masks: [], in: &context)
    return try layer.call(call, in: &context)
  }

  /// The call that `inputs` (tensors, then weights) make, cast as the dtype policy says.
  public func makeCall<C: OpContext>(
    _ inputs: [C.Value?], masks: [C.Value?], in context: inout C
  ) throws -> LayerCall<C.Value> {
    var call = LayerCall<C.Value>(inputs: [], options: options)
    call.computeDType = policy.compute
    call.mergesMasksAsKeras2 = mergesMasksAsKeras2
    guard inputs.count >= roles.count else {
      throw GraphError(.wrongInputCount, "\(displayName) takes \(roles.count) tensors, found \(inputs.count)")
    }
    for (index, role) in roles.enumerated() {
      guard var value = inputs[index] else { continue }
      if layer.castsInputs { value = try cast(value, in: &context) }
      if role.isEmpty {
        call.inputs.append(value)
        call.masks.append(index < masks.count ? masks[index] : nil)
      } else {
        call.named[role] = value
      }
    }
    // A tensor given by keyword brings its mask as `keyword_mask`, unless that is given too.
    for (index, role) in roles.enumerated() where !role.isEmpty {
      if index < masks.count, let mask = masks[index], call.named["\(role)_mask"] == nil { call.named["\(role)_mask"] = mask }
    }
    for case let weight? in inputs.dropFirst(roles.count) {
      call.weights.append(layer.castsWeights ? try cast(weight, in: &context) : weight)
    }
    return call
  }

  private func cast<C: OpContext>(_ value: C.Value, in context: inout C) throws -> C.Value {
    let dtype = context.type(of: value).dtype
    guard dtype.isFloatingPoint, dtype != policy.compute else { return value }
    return try context.apply(CastOp(to: policy.compute), value)
  }
}
