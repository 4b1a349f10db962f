import ModelGraph
import ModelTensor

/// The key and the counter of a Philox generator that two seeds stand for, scrambled so that near seeds give unrelated streams
/// (TensorFlow `StatelessRandomGetKeyCounter`).
///
/// Input: two integers. Results: the key (uint64 `[1]`), the counter (uint64 `[2]`).
public struct RandomKeyOp: PrimitiveOp {
  public static let name = "RandomKey"
  public static let family = OpFamily.random
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [TensorType(.uint64, [1]), TensorType(.uint64, [2])] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    guard let seeds = try inputs.required(0, of: self).integers(), seeds.count == 2 else {
      throw ExecutionError(.invalidInput, "RandomKey takes two seeds")
    }
    var philox = Philox(key: 0x0246_1E29_3EC8_F720, counter: UInt64(bitPattern: Int64(seeds[0])), UInt64(bitPattern: Int64(seeds[1])))
    let parts = (0..<4).map { _ in UInt64(philox.next()) }
    return [NDArray([parts[0] | parts[1] << 32], [1]), NDArray([0, parts[2] | parts[3] << 32], [2])]
  }
}
