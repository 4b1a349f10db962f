import ModelGraph
import ModelTensor

/// The key and the counter of a Philox generator that two seeds stand for, scrambled so that near seeds give unrelated streams
/// (TensorFlow `StatelessRandomGetKeyCounter`).
///
/// Input: two integers. Results: the key (uint64 `[1]`), the counter (uint64 `[2]`).
public struct RandomKeyOp: PreparedOp {
  public static let name = "RandomKey"
  public static let family = OpFamily.random
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [TensorType(.uint64, [1]), TensorType(.uint64, [2])] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let seeds = try inputs.required(0, of: self)
    guard seeds.count == 2, let (first, second) = Self.pair(seeds) else { throw ExecutionError(.invalidInput, "RandomKey takes two seeds") }
    var philox = Philox(key: 0x0246_1E29_3EC8_F720, counter: UInt64(bitPattern: Int64(first)), UInt64(bitPattern: Int64(second)))
    func number() -> UInt64 {
      let low = UInt64(philox.next())
      return low | UInt64(philox.next()) << 32
    }
    let key = try context.allocate(.uint64, Self.keyShape), counter = try context.allocate(.uint64, Self.counterShape)
    key.withMutable(UInt64.self) { $0[0] = number() }
    counter.withMutable(UInt64.self) {
      $0[0] = 0
      $0[1] = number()
    }
    results.append(key)
    results.append(counter)
  }

  private static let keyShape = [1], counterShape = [2]

  private static func pair(_ seeds: NDArray) -> (Int, Int)? {
    switch seeds.dtype {
    case .int32: seeds.with(Int32.self) { (Int($0[0]), Int($0[1])) }
    case .int64: seeds.with(Int64.self) { (Int($0[0]), Int($0[1])) }
    default: seeds.integers().map { ($0[0], $0[1]) }
    }
  }
}
