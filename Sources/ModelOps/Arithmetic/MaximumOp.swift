import ModelGraph
import ModelTensor
import RealModule

/// The greater; NaN if either is.
///
/// Two tensors of one dtype that broadcast.
public struct MaximumOp: ArithmeticOp {
  public static let name = "Maximum"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { a.isNaN || b.isNaN ? .nan : max(a, b) }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { max(a, b) }
  public var primitive: BinaryFunction? { .maximum }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] { [combineElements(inputs) { (max($0, $1), false) }] }
}
