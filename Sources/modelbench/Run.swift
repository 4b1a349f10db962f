import ArgumentParser
import ModelKit
import ModelRuntime
import ModelSupport
import ModelTensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Measures how long one run takes, and where the time goes.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Measure how long a model takes for one run.")

  @Argument(help: "The model.")
  var model: String
  @Option(help: "The extent of unknown first axes.")
  var batch = 1
  @Option(help: "Threads; by default one for each core.")
  var threads: Int?
  @Option(help: "Measured runs.")
  var runs = 30
  @Flag(help: "Run each node by itself, without fusing.")
  var unfused = false
  @Flag(help: "Show which ops take the time.")
  var profile = false
  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...65536).contains(batch), (1...100_000).contains(runs), threads.map({ (1...256).contains($0) }) ?? true else {
      throw ValidationError("--batch, --runs and --threads must be positive.")
    }
  }

  func run() throws {
    let executor = try Executor(
      FormatRegistry.open(model), options: ExecutionOptions(threads: threads, fuses: !unfused))
    let inputs = executor.inputs.map { port -> NDArray in
      let dims = port.type.shape.dims ?? []
      let shape = dims.enumerated().map { $1.value ?? ($0 == 0 ? batch : 8) }
      guard port.type.dtype == .float32, let count = checkedProduct(shape) else { return NDArray(zeros: port.type.dtype, shape) }
      return NDArray((0..<count).map { Float(($0 &* 2_654_435_761) >> 7 & 1023) / 1024 - 0.5 }, shape)
    }
    for _ in 0..<3 { _ = try executor.run(inputs) }
    let clock = ContinuousClock(), processorStart = processorMilliseconds()
    let times = try (0..<runs).map { _ in
      try clock.measure { _ = try executor.run(inputs) } / .milliseconds(1)
    }.sorted()
    let processor = (processorMilliseconds() - processorStart) / Double(runs)
    let median = times[times.count / 2], p90 = times[min(times.count - 1, times.count * 9 / 10)]
    if json {
      let result: JSONValue = [
        "median_ms": .double(median), "p90_ms": .double(p90), "processor_ms": .double(processor), "runs": .int(runs), "batch": .int(batch),
      ]
      print(result.text(.indented))
    } else {
      print("median \(median.rounded(to: 3)) ms, 90 % below \(p90.rounded(to: 3)) ms, \(processor.rounded(to: 3)) ms of processor time")
    }
    guard profile else { return }
    executor.startProfile()
    for _ in 0..<runs { _ = try executor.run(inputs) }
    for (place, seconds) in executor.endProfile().prefix(40) {
      print("\((seconds / Double(runs) * 1e3).rounded(to: 4)) ms  \(place)")
    }
  }
}

/// The processor time that this process has used, over all threads: it hardly depends on what else the machine does.
private func processorMilliseconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) * 1e3 }

extension Double {
  fileprivate func rounded(to digits: Int) -> Double {
    let scale = (0..<digits).reduce(1.0) { value, _ in value * 10 }
    return (self * scale).rounded() / scale
  }
}
