import ModelGraph
import ModelTensor
import RealModule

/// `⌊a / b⌋`; integers give 0 for a division by zero.
///
/// Two tensors of one dtype that broadcast.
public struct FloorDivOp: ArithmeticOp {
  public static let name = "FloorDiv"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { (a / b).rounded(.down) }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { floorDivide(a, b) }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [combineElements(inputs, neutral: 1) { $1 == 0 || $0 < 0 || $1 < 0 ? (0, true) : $0.dividedReportingOverflow(by: $1) }]
  }
}
