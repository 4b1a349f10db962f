import Foundation
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What a framework computed for one op, recorded by `fixtures/ops/generate.py`.
public struct RecordedCase: Sendable, CustomStringConvertible {
  public var family: String
  public var name: String
  public var inputs: [NDArray?]
  public var outputs: [NDArray]
  public var description: String { "\(family) \(name)" }

  /// All cases of `fixtures/ops/<family>.json`.
  public static func all(_ family: String) -> [RecordedCase] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = root.appendingPathComponent("fixtures/ops/\(family).json")
    do {
      let list = try JSONValue(parsing: [UInt8](try Data(contentsOf: file))).arrayValue ?? []
      return try list.map { item in
        RecordedCase(
          family: family, name: item["name"]?.stringValue ?? "",
          inputs: try (item["inputs"]?.arrayValue ?? []).map { $0.isNull ? nil : try array($0) },
          outputs: try (item["outputs"]?.arrayValue ?? []).map(array))
      }
    } catch {
      // No op bears this name, so that the test of the family fails and says why.
      return [RecordedCase(family: family, name: "\(file.path): \(error)", inputs: [], outputs: [])]
    }
  }

  private static func array(_ value: JSONValue) throws -> NDArray {
    let shape = (value["shape"]?.arrayValue ?? []).compactMap(\.intValue)
    let data = value["data"]?.arrayValue ?? []
    guard let name = value["dtype"]?.stringValue, let dtype = DType(rawValue: name) else {
      throw FormatError(.invalidValue, "no dtype in \(value)")
    }
    if dtype == .string { return NDArray(strings: data.map { Array(($0.stringValue ?? "").utf8) }, shape) }
    if dtype.isInteger { return try cast(NDArray(data.map { Int64($0.intValue ?? 0) }, shape), to: dtype) }
    let numbers = data.map { item -> Double in
      switch item {
      case .string("nan"): .nan
      case .string("inf"): .infinity
      case .string("-inf"): -.infinity
      case .bool(let flag): flag ? 1 : 0
      default: item.doubleValue ?? .nan
      }
    }
    return try cast(NDArray(numbers, shape), to: dtype)
  }

  public static func cast(_ array: NDArray, to dtype: DType) throws -> NDArray {
    try array.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
  }

  /// `[N, C, spatial…]` as `[N, spatial…, C]`.
  public static func channelsLast(_ array: NDArray) throws -> NDArray {
    guard array.rank >= 3 else { return array }
    return try Tensor(array).transposed([0] + Array(2..<array.rank) + [1]).array()
  }
}

extension Dictionary where Key == String, Value == any Op {
  /// The op of a case: under its full name, or under the part before the first slash.
  public func op(_ name: String) -> (any Op)? { self[name] ?? self[String(name.prefix { $0 != "/" })] }
}
