import Foundation
import ModelGraph
import ModelSupport
import ModelTensor

/// What Keras computed for one layer, as `generate_layer_cases.py` recorded it.
public struct LayerCase: CustomStringConvertible, Sendable {
  public var name: String
  public var json: JSONValue
  public var description: String { name }

  static let families = [
    "core", "activation", "convolution", "pooling", "normalization", "merging", "reshaping", "regularization",
    "recurrent", "attention", "preprocessing",
  ]

  public static func load(_ family: String) throws -> [LayerCase] {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "fixtures/layers/\(family).json")
    let json = try JSONValue(parsing: [UInt8](try Data(contentsOf: path)))
    return (json.arrayValue ?? []).map { LayerCase(name: $0["name"]?.stringValue ?? "?", json: $0) }
  }
  public static let all: [LayerCase] = families.flatMap { (try? load($0)) ?? [] }

  public func arrays(_ key: String) throws -> [NDArray] { try (json[key]?.arrayValue ?? []).map(Self.array) }
  public func optionalArrays(_ key: String) throws -> [NDArray?] {
    try (json[key]?.arrayValue ?? []).map { $0.isNull ? nil : try Self.array($0) }
  }
  public func named() throws -> [String: NDArray] {
    var result: [String: NDArray] = [:]
    for (key, value) in json["named"]?.objectValue ?? [:] { result[key] = try Self.array(value) }
    return result
  }
  public var options: [String: JSONValue] {
    var result: [String: JSONValue] = [:]
    for (key, value) in json["options"]?.objectValue ?? [:] { result[key] = value }
    return result
  }

  public struct Malformed: Error {
    public init() {}
  }
  public static func array(_ json: JSONValue) throws -> NDArray {
    guard let dtype = json["dtype"]?.stringValue.flatMap(DType.init(rawValue:)),
      let shape = json["shape"]?.arrayValue?.compactMap(\.intValue),
      let data = json["data"]?.stringValue.flatMap({ Data(base64Encoded: $0) })
    else { throw Malformed() }
    let array = NDArray(zeros: dtype, shape)
    guard data.count == array.byteCount else { throw Malformed() }
    array.withMutableBytes { target in _ = data.copyBytes(to: target) }
    return array
  }
}
