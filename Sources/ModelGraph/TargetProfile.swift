import ModelTensor

/// What a format can hold: the passes bring a model to it, a writer declares it.
public struct TargetProfile: Sendable {
  /// Whether nodes are Keras layers or ops.
  public enum Level: String, Sendable {
    case layers, ops
  }
  /// For messages: `ONNX opset 18`.
  public var name: String
  public var level: Level
  /// The layout its spatial ops must have; `nil` takes either.
  public var layout: DataLayout?
  /// The dtypes values may have; `nil` takes all.
  public var dtypes: Set<DType>?
  /// Whether loops that are a recurrent cell had better be recurrent ops.
  public var prefersRecurrentOps = false
  /// Whether operators between dequantisation and quantisation had better be operators on integers.
  public var prefersQuantizedOps = false
  /// Whether 8-bit weights had better have no sign where this toolchain spells out what an operator on integers does.
  public var prefersUnsignedWeights = false
  /// Why a node can't be written as it is, or `nil` when it can. A refused composite op is decomposed
  /// and its parts are asked for again.
  public var accepts: @Sendable (Node, Graph, Model) -> String?
  /// Whether graphs can remember something between invocations; where they can't, `ResolveState` takes their states away.
  public var holdsState = false

  public init(
    name: String, level: Level, layout: DataLayout? = nil, dtypes: Set<DType>? = nil,
    accepts: @escaping @Sendable (Node, Graph, Model) -> String? = { _, _, _ in nil }
  ) {
    self.name = name
    self.level = level
    self.layout = layout
    self.dtypes = dtypes
    self.accepts = accepts
  }
}
