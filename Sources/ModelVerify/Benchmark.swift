import ModelGraph
import ModelRuntime
import ModelSupport
import ModelTensor

/// Measures how long one run of a model takes on made-up inputs.
public struct Benchmark {
  public struct Result: Sendable {
    public var medianMilliseconds: Double
    public var p90Milliseconds: Double
    public var runs: Int
    public var batch: Int
    public var threads: Int

    public var json: JSONValue {
      [
        "median_ms": .double(medianMilliseconds), "p90_ms": .double(p90Milliseconds), "runs": .int(runs),
        "batch": .int(batch), "threads": .int(threads),
      ]
    }
  }

  private let executor: Executor
  private let batch: Int
  private let threads: Int

  /// - Parameter batch: the extent of open first axes.
  public init(_ model: Model, batch: Int = 1, threads: Int? = nil) throws {
    executor = try Executor(model, options: ExecutionOptions(threads: threads))
    self.batch = batch
    self.threads = threads ?? Self.cores
  }

  /// Warms up, then runs for about two seconds: at least 10 times, at most 1000.
  public func measure() throws -> Result {
    let inputs = try acceptedInputs()
    for _ in 0..<2 { _ = try executor.run(inputs) }
    let clock = ContinuousClock(), start = clock.now
    var times: [Double] = []
    while times.count < 1000, times.count < 10 || start.duration(to: clock.now) < .seconds(2) {
      let begin = clock.now
      _ = try executor.run(inputs)
      let parts = begin.duration(to: clock.now).components
      times.append(Double(parts.seconds) * 1e3 + Double(parts.attoseconds) * 1e-15)
    }
    times.sort()
    return Result(
      medianMilliseconds: times[times.count / 2], p90Milliseconds: times[min(times.count - 1, times.count * 9 / 10)],
      runs: times.count, batch: actualBatch(inputs), threads: threads)
  }

  private func acceptedInputs() throws -> [NDArray] {
    let constraints = executor.model.inputConstraints(of: executor.graph), generator = SampleGenerator(seed: 0)
    var firstError: (any Error)?
    for choice in ShapeChoice.alternatives {
      let extents = choice.extents(of: executor.inputs.map(\.type.shape), batch: batch)
      do {
        let inputs = try executor.inputs.indices.map { index in
          try generator.array(
            executor.inputs[index].name, executor.inputs[index].type, extents: extents[index],
            constraint: constraints[index], integers: choice.integers, batch: batch, sample: 0)
        }
        _ = try executor.run(inputs)
        return inputs
      } catch  where error.isAboutValues { firstError = firstError ?? error }
    }
    throw firstError ?? ExecutionError(.invalidInput, "the model takes none of the inputs that were made up")
  }

  /// The batch that was run: the model may fix it.
  private func actualBatch(_ inputs: [NDArray]) -> Int { inputs.first { $0.rank > 0 }?.shape[0] ?? batch }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Benchmark {
  /// The cores this process may use.
  static var cores: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
