import ModelGraph
import ModelTensor

/// Whether the whole of each string matches a pattern in RE2's syntax. Result: bool.
public struct RegexFullMatchOp: PrimitiveOp {
  public static let name = "RegexFullMatch"
  public static let family = OpFamily.text
  public var pattern: String
  public init(pattern: String) { self.pattern = pattern }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(.bool, try inputs.required(0, of: self).type.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    let expression: RegularExpression
    do { expression = try RegularExpression(pattern) } catch let failure as RegularExpression.Failure {
      throw ExecutionError(.invalidValue, "RegexFullMatch: the pattern \"\(pattern)\" has \(failure.message)")
    }
    return [NDArray(x.strings.map { expression.matches(String(decoding: $0, as: UTF8.self)) }, x.shape)]
  }
}
