import Foundation
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import Testing

/// What a framework computed for one op, recorded by `fixtures/ops/generate.py`.
struct RecordedCase: Sendable, CustomTestStringConvertible {
  var family: String
  var name: String
  var inputs: [NDArray?]
  var outputs: [NDArray]
  var testDescription: String { name }

  /// All cases of `fixtures/ops/<family>.json`.
  static func all(_ family: String) -> [RecordedCase] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
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
      Issue.record("\(file.path): \(error)")
      return []
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

  static func cast(_ array: NDArray, to dtype: DType) throws -> NDArray {
    try array.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
  }

  /// `[N, C, spatial…]` as `[N, spatial…, C]`.
  static func channelsLast(_ array: NDArray) throws -> NDArray {
    guard array.rank >= 3 else { return array }
    return try Tensor(array).transposed([0] + Array(2..<array.rank) + [1]).array()
  }

  /// Applies `op` to the inputs and compares every result: exactly, but floats within `tolerance`, relative
  /// and absolute. The inferred types must be those of the results.
  func check(_ op: any Op, tolerance: Double = 2e-6) throws {
    var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    let results = try context.apply(op, to: inputs)
    try #require(results.count == outputs.count)
    let types = try op.infer(inputs.map { $0.map { Fact($0.type, constant: Tensor($0)) } })
    // With nothing but ranks known, inference must not claim what does not hold. It may say that it needs more.
    var vague = [TensorType](repeating: TensorType(.float32, .unranked), count: results.count)
    do {
      vague = try op.infer(
        inputs.map { $0.map { Fact(TensorType($0.dtype, .ranked($0.shape.map { _ in .unknown }))) } })
    } catch let error as GraphError where error.code == .missingType {}
    for (index, (result, expected)) in zip(results, outputs).enumerated() {
      #expect(result.dtype == expected.dtype)
      #expect(result.shape == expected.shape)
      #expect(types[index].dtype == result.dtype)
      #expect(Self.fits(result.shape, types[index].shape), "inferred \(types[index]) for \(result.type)")
      #expect(Self.fits(result.shape, vague[index].shape), "inferred \(vague[index]) for \(result.type) from ranks")
      guard result.dtype == expected.dtype, result.shape == expected.shape else { continue }
      if result.dtype == .string { #expect(result.strings == expected.strings) } else if let whole = result.integers() {
        #expect(whole == expected.integers())
      } else {
        for (i, (a, b)) in zip(result.doubles(), expected.doubles()).enumerated() where !Self.close(a, b, tolerance) {
          Issue.record("result \(index), element \(i) is \(a), expected \(b)")
          break
        }
      }
    }
  }

  private static func fits(_ shape: [Int], _ inferred: Shape) -> Bool {
    guard let dims = inferred.dims else { return true }
    return dims.count == shape.count && zip(dims, shape).allSatisfy { $0.value == nil || $0.value == $1 }
  }

  private static func close(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
    if a.isInfinite || b.isInfinite { return a == b }
    return abs(a - b) <= tolerance * (1 + abs(b))
  }
}

extension Dictionary where Key == String, Value == any Op {
  /// The op of a case: under its full name, or under the part before the first slash.
  func op(_ name: String) -> (any Op)? { self[name] ?? self[String(name.prefix { $0 != "/" })] }
}
