import ModelGraph
import ModelTensor
import RealModule

/// `a | b`.
///
/// Two tensors of one dtype that broadcast.
public struct BitwiseOrOp: ArithmeticOp {
  public static let name = "BitwiseOr"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T { .nan }
  public func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T? { a | b }
}

extension BitwiseOrOp: SpelledOp {
  /// `a + b − (a & b)`: what carries is in both.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1] else { return nil }
    return [try context.sub(try context.add(a, b), try context.apply(BitwiseAndOp(), a, b))]
  }
}
