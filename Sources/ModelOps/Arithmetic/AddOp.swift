import ModelGraph
import ModelTensor
import RealModule

/// `a + b`; integers wrap.
///
/// Two tensors of one dtype that broadcast.
public struct AddOp: ArithmeticOp {
  public static let name = "Add"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { a + b }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { a &+ b }
  public var primitive: BinaryFunction? { .add }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [combineElements(inputs, neutral: 0, commutes: true) { $0.addingReportingOverflow($1) }]
  }
}
