import ModelGraph
import ModelTensor

extension ErfinvOp {
  /// The op as arithmetic that every format has, for float32: Giles' polynomials in `w = −log(1 − x²)` (single precision, 2010).
  public static func polynomials<C: OpContext>(_ x: C.Value, in context: inout C) throws -> C.Value {
    func polynomial(_ coefficients: [Double], _ t: C.Value, _ context: inout C) throws -> C.Value {
      var result = try context.scalar(coefficients[0], like: x)
      for c in coefficients.dropFirst() { result = try context.add(try context.mul(result, t), try context.scalar(c, like: x)) }
      return result
    }
    let one = try context.scalar(1, like: x)
    let product = try context.mul(try context.sub(one, x), try context.add(one, x))
    let log = try context.apply(NegOp(), try context.apply(LogOp(), product))
    let near = try polynomial(
      [
        2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
        0.246640727, 1.50140941,
      ], try context.sub(log, try context.scalar(2.5, like: x)), &context)
    let root = try context.apply(SqrtOp(), try context.maximum(log, try context.scalar(0, like: x)))
    let far = try polynomial(
      [
        -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
        1.00167406, 2.83297682,
      ], try context.sub(root, try context.scalar(3, like: x)), &context)
    let isNear = try context.apply(LessOp(), log, try context.scalar(5, like: x))
    let inside = try context.mul(try context.select(isNear, near, far), x)
    // At ±1 the logarithm is infinite, and so is the result.
    let isEnd = try context.apply(EqualOp(), try context.apply(AbsOp(), x), one)
    return try context.select(isEnd, try context.mul(x, try context.scalar(.infinity, like: x)), inside)
  }
}
