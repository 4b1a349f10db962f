import ModelGraph
import ModelTensor
import RealModule

/// `a / b`; integers truncate towards zero, and give 0 for a division by zero.
///
/// Two tensors of one dtype that broadcast.
public struct DivOp: ArithmeticOp {
  public static let name = "Div"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { a / b }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue }
  public var primitive: BinaryFunction? { .div }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [combineElements(inputs, neutral: 1) { $1 == 0 ? (0, true) : $0.dividedReportingOverflow(by: $1) }]
  }
}
