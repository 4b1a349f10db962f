import ModelGraph
import ModelTensor
import RealModule

/// The smaller; NaN if either is.
///
/// Two tensors of one dtype that broadcast.
public struct MinimumOp: ArithmeticOp {
  public static let name = "Minimum"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { a.isNaN || b.isNaN ? .nan : min(a, b) }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { min(a, b) }
  public var primitive: BinaryFunction? { .minimum }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] { [combineElements(inputs) { (min($0, $1), false) }] }
}
