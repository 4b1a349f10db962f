import ModelGraph
import ModelTensor
import RealModule

/// `a · b`; integers wrap.
///
/// Two tensors of one dtype that broadcast.
public struct MulOp: ArithmeticOp {
  public static let name = "Mul"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { a * b }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { a &* b }
  public var primitive: BinaryFunction? { .mul }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [combineElements(inputs, neutral: 1, commutes: true) { $0.multipliedReportingOverflow(by: $1) }]
  }
}
