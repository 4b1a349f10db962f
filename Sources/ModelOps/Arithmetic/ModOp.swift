import ModelGraph
import ModelTensor
import RealModule

/// The remainder: with the sign of the divisor (Python), or with `fmod` that of the dividend (C). 0 for an integer modulo zero.
///
/// Two tensors of one dtype that broadcast.
public struct ModOp: ArithmeticOp {
  public static let name = "Mod"
  public static let family = OpFamily.arithmetic
  public var fmod: Bool
  public init(fmod: Bool = false) {
    self.fmod = fmod
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { fmod ? a.truncatingRemainder(dividingBy: b) : floorModulo(a, b) }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? {
    fmod ? (b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue) : floorModulo(a, b)
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [combineElements(inputs) { $1 <= 0 || $0 < 0 ? (0, true) : ($0 % $1, false) }]
  }
}
