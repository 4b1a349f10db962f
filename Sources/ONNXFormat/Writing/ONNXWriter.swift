import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// Writes a model of canonical ops as ONNX.
///
/// Names, order, symbolic dimensions and metadata are kept; weights are streamed from where they are. What came from an ONNX file
/// with the same opset and has not changed is repeated as it stood there.
public struct ONNXWriter: Sendable {
  /// The opsets that can be written.
  public static let opsets = 13...25
  public var opset: Int
  /// Whether weights go to a file beside the model.
  public enum ExternalData: Sendable {
    /// When the model would not fit a protobuf message, or when it came from external data.
    case automatic
    case always, never
  }
  public var externalData = ExternalData.automatic
  public var replaceExisting = true

  public init(opset: Int = 18) { self.opset = opset }

  /// Writes to `path`, and to `<path>.data` when weights go there. Both appear whole or not at all.
  /// - Throws: `UnsupportedError` with the complete list of what can't be written; `StorageError`.
  @discardableResult
  public func write(_ model: Model, to path: String) throws -> [Loss] {
    let writer = try ModelWriter(model, opset: opset)
    var proto = try writer.write()
    let slash = path.lastIndex(of: "/")
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let external = try ExternalDataPlan(&proto, mode: externalData, location: name + ".data")
    let output = try AtomicOutput(destination: path, replaceExisting: replaceExisting)
    if external.isEmpty {
      try proto.write(to: output.temporaryPath)
    } else {
      let data = try AtomicOutput(destination: path + ".data", replaceExisting: replaceExisting)
      try external.write(to: data.temporaryPath)
      try proto.write(to: output.temporaryPath)
      try data.commit()
    }
    try output.commit()
    return writer.losses
  }

  /// The model as the messages of a file, without writing one.
  public func encode(_ model: Model) throws -> ModelProto {
    var proto = try ModelWriter(model, opset: opset).write()
    _ = try ExternalDataPlan(&proto, mode: .never, location: "")
    return proto
  }

  /// The opset of the file a model was read from. With it, a model that has not changed is written as it was, whatever the opset.
  public static func opset(of model: Model) -> Int? { (model.residue["onnx"] as? ONNXResidue)?.opsets[""] }

  /// The first opset with tensors of a dtype; `nil` for one that ONNX does not have.
  static func firstOpset(of dtype: DType) -> Int? {
    guard TensorProto.DataType(dtype) != nil else { return nil }
    return switch dtype {
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz: 19
    case .int4, .uint4: 21
    case .float4e2m1: 23
    case .float8e8m0fnu: 24
    case .int2, .uint2: 25
    default: 13
    }
  }

  /// The least IR version that carries an opset.
  static func irVersion(opset: Int) -> Int64 {
    switch opset {
    case ...14: 7
    case ...18: 8
    case ...20: 9
    case ...22: 10
    case 23: 11
    case 24: 12
    default: 13
    }
  }
}
