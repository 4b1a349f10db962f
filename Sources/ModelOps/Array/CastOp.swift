import ModelGraph
import ModelTensor

#if canImport(Glibc)
  import Glibc
#endif
import ModelGraph
import ModelTensor

/// Converts each element to another dtype.
///
/// Inputs: `x` of any dtype. Result: the same shape in `dtype`. Floats become integers by
/// truncation; narrow floats round to nearest, ties to even, and saturate unless `saturate` is false
/// (ONNX Cast, opset 19). Strings are parsed and printed as decimal numbers.
public struct CastOp: PreparedOp {
  public static let name = "Cast"
  public static let family = OpFamily.array
  public var dtype: DType
  public var saturate: Bool
  public init(to dtype: DType, saturate: Bool = true) {
    self.dtype = dtype
    self.saturate = saturate
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(dtype, try inputs.required(0, of: self).type.shape)]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [dtype == .int64 || dtype == .int32 ? inputs.first??.elements : nil]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    if x.dtype == .string, dtype != .string {
      results.append(try parse(x, in: context))
      return
    }
    if dtype == .string, x.dtype != .string {
      let texts: [String] =
        x.dtype.isFloatingPoint
        ? x.doubles().map { printFloat($0) }
        : x.dtype == .uint64 ? x.values(UInt64.self).map { String($0) } : (x.integers() ?? []).map { String($0) }
      guard texts.count == x.count else { throw noKernel(x.dtype) }
      results.append(NDArray(strings: texts.map { Array($0.utf8) }, x.shape))
      return
    }
    results.append(try x.cast(to: dtype, saturate: saturate, in: context))
  }

  private func parse(_ x: NDArray, in context: ExecutionContext) throws -> NDArray {
    let texts = x.strings.map { String(decoding: $0, as: UTF8.self) }
    if dtype.isInteger, dtype != .uint64 {
      var values: [Int64] = []
      for text in texts {
        guard let value = Int64(text) else {
          throw ExecutionError(.invalidValue, "Cast: \"\(text)\" is no integer")
        }
        values.append(value)
      }
      return try NDArray(values, x.shape).cast(to: dtype, in: context)
    }
    if dtype == .uint64 {
      return NDArray(
        try texts.map { text in
          guard let value = UInt64(text) else { throw ExecutionError(.invalidValue, "Cast: \"\(text)\" is no integer") }
          return value
        }, x.shape)
    }
    var values: [Double] = []
    for text in texts {
      guard let value = strictDouble(text) else { throw ExecutionError(.invalidValue, "Cast: \"\(text)\" is no number") }
      values.append(value)
    }
    return try NDArray(values, x.shape).cast(to: dtype, saturate: saturate, in: context)
  }

  private func strictDouble(_ text: String) -> Double? {
    switch text.lowercased() {
    case "inf", "+inf", "infinity": .infinity
    case "-inf", "-infinity": -.infinity
    case "nan": .nan
    default: Double(text)
    }
  }

  /// NumPy's shortest form: no exponent and no fraction where none is needed.
  private func printFloat(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-INF" : "INF" }
    let text = Float(value).description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
