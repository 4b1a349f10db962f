import ModelGraph
import ModelTensor

/// Layers one after the other: `Sequential([Dense(8), Dense(1)])`, a block of layers, or `add`.
public final class Sequential: Model {
  private var inputType: TensorType?

  /// - Parameter inputShape: without the batch; the weights are then made at once.
  public init(_ layers: [Layer] = [], inputShape: [Int]? = nil, dtype: DType = .float32, name: String? = nil) throws {
    super.init(name: name ?? LayerNames.next(for: "Sequential"))
    for layer in layers { track(layer) }
    if let inputShape {
      inputType = TensorType(dtype, .ranked([.unknown] + inputShape.map { $0 < 0 ? .unknown : .fixed($0) }))
      try buildIfKnown()
    }
  }
  public convenience init(
    inputShape: [Int]? = nil, dtype: DType = .float32, name: String? = nil, @LayerBuilder _ layers: () throws -> [Layer]
  ) throws {
    try self.init(try layers(), inputShape: inputShape, dtype: dtype, name: name)
  }

  public override var className: String { "Sequential" }

  /// Appends a layer.
  public func add(_ layer: Layer) throws {
    track(layer)
    isBuilt = false
    try buildIfKnown()
  }
  /// Removes the last layer.
  public func pop() {
    if let last = layers.last { untrack(last) }
  }

  private func buildIfKnown() throws {
    guard let inputType else { return }
    try ensureBuilt([inputType])
  }

  public override func build(_ inputShapes: [[Int]]) throws {
    // Called with types that are known, so that each layer learns those of the one before.
    var types = inputTypes
    if inputType == nil, let first = types.first {
      let dims = first.shape.dims.map { [Dim.unknown] + $0.dropFirst() }
      inputType = TensorType(first.dtype, dims.map { .ranked($0) } ?? .unranked)
    }
    types = inputType.map { [$0] } ?? types
    inputTypes = types
    for layer in layers {
      try layer.ensureBuilt(types)
      let results = try layer.inferred(types, named: [], [:])
      layer.outputShapes = results.map { type in
        var shape = (type.shape.dims ?? []).map { $0.value ?? -1 }
        if !shape.isEmpty { shape[0] = -1 }
        return shape
      }
      types = results
    }
  }

  public override func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    guard inputs.count == 1 else { throw TensorError(.invalidArgument, "'\(name)' takes 1 tensor, found \(inputs.count)") }
    var values = inputs
    if let inputType, inputType.dtype != inputs[0].dtype, inputs[0].dtype != .string { values = [try inputs[0].cast(to: inputType.dtype)] }
    for layer in layers { values = try layer(values, training: training) }
    return values
  }
}

/// Collects the layers of a `Sequential`, with conditions and loops.
@resultBuilder
public enum LayerBuilder {
  public static func buildExpression(_ layer: Layer) -> [Layer] { [layer] }
  public static func buildBlock(_ parts: [Layer]...) -> [Layer] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [Layer]?) -> [Layer] { part ?? [] }
  public static func buildEither(first: [Layer]) -> [Layer] { first }
  public static func buildEither(second: [Layer]) -> [Layer] { second }
  public static func buildArray(_ parts: [[Layer]]) -> [Layer] { parts.flatMap { $0 } }
}
