import ModelGraph
import ModelTensor
import RealModule

/// `a − b`; integers wrap.
///
/// Two tensors of one dtype that broadcast.
public struct SubOp: ArithmeticOp {
  public static let name = "Sub"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { a - b }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { a &- b }
  public var primitive: BinaryFunction? { .sub }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] { [combineElements(inputs, neutral: 0) { $0.subtractingReportingOverflow($1) }] }
}
