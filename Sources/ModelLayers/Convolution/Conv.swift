import ModelGraph
import ModelOps
import ModelTensor

/// How a convolution layer pads: Keras's three words.
public enum ConvPadding: String, Sendable, AttributeConvertible, CaseIterable {
  case valid, same
  /// One axis only: all padding in front, so that no output sees later steps.
  case causal
  public var attributeValue: AttributeValue { .string(rawValue) }

  /// As the ops spell it, for windows of `span` elements (dilation included).
  func resolved(kernel: [Int], dilations: [Int]) -> Padding {
    switch self {
    case .valid: .valid
    case .same: .same
    case .causal:
      .explicit(
        before: zip(kernel, dilations).map { ($0 &- 1) &* $1 }, after: Array(repeating: 0, count: kernel.count))
    }
  }
}

/// A convolution over one to three spatial axes, then an activation.
///
/// Weights: `kernel` `[spatial…, in / groups, filters]`, `bias` `[filters]`.
public struct Conv<R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "Conv\(R.rank)D" }
  public var filters = 1
  public var kernelSize = [Int](repeating: 1, count: R.rank)
  public var strides = [Int](repeating: 1, count: R.rank)
  public var padding = ConvPadding.valid
  public var layout = DataLayout.channelsLast
  public var dilations = [Int](repeating: 1, count: R.rank)
  public var groups = 1
  public var activation = Activation.linear
  public var useBias = true
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let input = try Self.isOverBatches(inputs.first?.shape.rank, layout) ? extent(inputs, axis: -1) : channels(inputs, layout, rank: R.rank)
    guard groups > 0, input % groups == 0, filters % groups == 0 else {
      throw GraphError(.shapeMismatch, "\(Self.className): \(input) channels and \(filters) filters in \(groups) groups")
    }
    let kernel = WeightSpec("kernel", try checked(kernelSize + [input / groups, filters]), path: "vars/0")
    return useBias ? [kernel, WeightSpec("bias", [filters], path: "vars/1")] : [kernel]
  }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let op = ConvOp(
      strides: strides, dilations: dilations, padding: padding.resolved(kernel: kernelSize, dilations: dilations),
      groups: groups, layout: layout, kernelLayout: .spatialInputOutput)
    let x = try call.input(), rank = try context.rank(of: x)
    guard Self.isOverBatches(rank, layout) else {
      let y = try context.apply(op, x, try call.weight(0), useBias ? try call.weight(1) : nil)
      return [try activation.apply(y, in: &context)]
    }
    let lead = try context.slice(try context.shape(of: x), axis: 0, start: 0, end: rank - R.rank - 1)
    let rest = try context.slice(try context.shape(of: x), axis: 0, start: rank - R.rank - 1, end: Int.max)
    let flat = try context.reshape(x, to: try context.concat([try context.ints([-1]), rest], axis: 0))
    let y = try context.apply(op, flat, try call.weight(0), useBias ? try call.weight(1) : nil)
    let places = try context.slice(try context.shape(of: y), axis: 0, start: 1, end: Int.max)
    return [try activation.apply(try context.reshape(y, to: try context.concat([lead, places], axis: 0)), in: &context)]
  }

  /// Keras 2 takes all axes in front of the spatial ones for the batch.
  public static func isOverBatches(_ rank: Int?, _ layout: DataLayout) -> Bool {
    layout == .channelsLast && rank.map { $0 > R.rank + 2 } ?? false
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
public typealias Conv1D = Conv<Rank1>
public typealias Conv2D = Conv<Rank2>
public typealias Conv3D = Conv<Rank3>
