import ModelGraph
import ModelOps
import ModelTensor

/// The seed of a draw: a number gives the same draw every time, a `SeedGenerator` another one each time.
///
/// With the same seed, the numbers are those of Keras on TensorFlow (stateless Philox).
public enum RandomSeed: Sendable, ExpressibleByIntegerLiteral {
  case fixed(Int)
  case generator(SeedGenerator)
  public init(integerLiteral value: Int) { self = .fixed(value) }

  /// The two numbers that TensorFlow's stateless ops take.
  func next() throws -> Tensor {
    switch self {
    case .fixed(let seed): Tensor([Int64(truncatingIfNeeded: seed), 0])
    case .generator(let generator): try generator.next()
    }
  }
}

/// Gives another seed with each draw (Keras's `SeedGenerator`): its state is a variable `[seed, count]`.
public final class SeedGenerator: Sendable {
  public let state: Variable
  public init(seed: Int? = nil) throws {
    let seed = UInt32(truncatingIfNeeded: seed ?? makeSeed())
    state = try Variable(Tensor([seed, 0]), name: "seed_generator_state", trainable: false)
  }
  /// The seed of the next draw.
  public func next() throws -> Tensor {
    let now = state.tensor
    try state.assign(try now + Tensor([UInt32(0), 1]))
    return try now.cast(to: .int64)
  }
}

extension Tensor {
  /// Tensors of random numbers: `Tensor.random.normal([2, 3], seed: 42)`.
  public static var random: RandomTensors { RandomTensors() }
}

/// See `Tensor.random`. Without a seed each draw is another one (`setRandomSeed` makes them reproducible).
public struct RandomTensors: Sendable {
  public func normal(
    _ shape: [Int], mean: Double = 0, stddev: Double = 1, dtype: DType = .float32, seed: RandomSeed? = nil
  ) throws -> Tensor {
    try draw(.normal, shape, dtype, seed) * stddev + mean
  }
  /// Drawn again beyond two standard deviations.
  public func truncatedNormal(
    _ shape: [Int], mean: Double = 0, stddev: Double = 1, dtype: DType = .float32, seed: RandomSeed? = nil
  ) throws -> Tensor {
    try draw(.truncatedNormal, shape, dtype, seed) * stddev + mean
  }
  /// On `minValue ..< maxValue`; integers for an integer dtype.
  public func uniform(
    _ shape: [Int], minValue: Double = 0, maxValue: Double = 1, dtype: DType = .float32, seed: RandomSeed? = nil
  ) throws -> Tensor {
    if dtype.isInteger {
      guard let low = Int(exactly: minValue.rounded(.down)), let high = Int(exactly: maxValue.rounded(.down)), low < high else {
        throw TensorError(.invalidArgument, "random integers from \(minValue) up to \(maxValue)")
      }
      return try draw(.integers, shape, dtype, seed, low, high)
    }
    let drawn = try draw(.uniform, shape, dtype, seed)
    return minValue == 0 && maxValue == 1 ? drawn : try drawn * (maxValue - minValue) + minValue
  }
  /// The numbers below `count` in random order.
  public func permutation(_ count: Int, seed: RandomSeed? = nil) throws -> [Int] {
    let keys = try uniform([count], dtype: .float64, seed: seed).doubles()
    return keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
  }

  /// What a seed means to Philox.
  func keys(_ seed: RandomSeed?) throws -> (key: Tensor, counter: Tensor) {
    let pair = try (seed ?? .generator(try Session.current.generator())).next()
    let keys = try Dispatch.apply(RandomKeyOp(), to: [pair])
    guard keys.count == 2 else { throw TensorError(.invalidArgument, "a seed without a key") }
    return (keys[0], keys[1])
  }

  private func draw(
    _ distribution: RandomDistribution, _ shape: [Int], _ dtype: DType, _ seed: RandomSeed?, _ low: Int? = nil, _ high: Int? = nil
  ) throws -> Tensor {
    let keys = try keys(seed)
    let extents = Tensor(NDArray(shape.map(Int64.init), [shape.count]))
    let bounds = [low, high].map { $0.map { Tensor(NDArray(scalar: Int64($0))) } }
    return try Dispatch.one(CounterRandomOp(distribution, dtype: dtype), extents, keys.key, keys.counter, bounds[0], bounds[1])
  }
}
