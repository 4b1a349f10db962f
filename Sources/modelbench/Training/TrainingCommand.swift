import ArgumentParser
import CAllocationCount
import ModelSupport
import ModelTraining

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Measures how fast a network of the list learns, and what memory a step takes.
struct TrainingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training", abstract: "Measure how many samples a second a network learns from.")

  @Argument(help: "The network: \(TrainedNetwork.allCases.map(\.rawValue).joined(separator: ", ")).")
  var network: TrainedNetwork
  @Option(help: "Measured epochs; the median counts.")
  var epochs = 5
  @Option(help: "Samples in an epoch.")
  var samples: Int?
  @Flag(help: "Show which nodes of a step take the time.")
  var profile = false
  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...10_000).contains(epochs), samples.map({ (1...1_000_000).contains($0) }) ?? true else {
      throw ValidationError("--epochs and --samples must be positive.")
    }
  }

  func run() throws {
    let count = samples ?? network.samples, steps = (count + network.batch - 1) / network.batch
    let model = try network.model()
    let (x, y) = try network.data(count)
    try model.compile(
      optimizer: Adam(), loss: Losses.SparseCategoricalCrossentropy(), metrics: [Metrics.SparseCategoricalAccuracy()])
    func epoch() throws { try model.fit(x, y, batchSize: network.batch, epochs: 1, verbose: 0, shuffle: true, seed: 1) }
    let before = residentPeak()
    for _ in 0..<2 { try epoch() }
    let clock = ContinuousClock(), start = ca_allocations()
    let times = try (0..<epochs).map { _ in try clock.measure { try epoch() } / .seconds(1) }.sorted()
    let end = ca_allocations(), all = Double(epochs * steps)
    let rate = Double(count) / times[times.count / 2]
    let blocks = Double(end.blocks - start.blocks) / all, large = Double(end.large_blocks - start.large_blocks) / all
    let bytes = Double(end.bytes - start.bytes) / all
    model.startStepMemory()
    try epoch()
    let memory = model.endStepMemory(), ratio = Double(memory.held) / Double(max(1, memory.needed))
    if json {
      let result: JSONValue = [
        "samples_per_second": .double(rate), "peak_mb": .double(residentPeak()), "before_mb": .double(before),
        "allocations_per_step": .double(blocks), "large_allocations_per_step": .double(large), "bytes_per_step": .double(bytes),
        "needed_mb": .double(Double(memory.needed) / 1e6), "held_mb": .double(Double(memory.held) / 1e6), "held_to_needed": .double(ratio),
      ]
      print(result.text(.indented))
    } else {
      print("\(Int(rate)) samples a second, at most \(Int(residentPeak())) MB resident (\(Int(before)) MB before the first step)")
      print("a step asks for \(Int(blocks.rounded(.up))) blocks, \(large) of them of \(CA_LARGE) bytes or more, \(Int(bytes)) bytes in all")
    }
    if !json {
      let text = [memory.needed, memory.held].map { "\(Double($0 / 1000) / 1000) MB" }
      print(
        "a step needs \(text[0]) for weights, activations and gradients, and holds \(text[1]): \((ratio * 100).rounded() / 100) times that")
    }
    guard profile else { return }
    model.startStepProfile()
    try epoch()
    for (place, seconds) in model.endStepProfile().prefix(60) { print("\(Int(seconds / Double(steps) * 1e6)) µs  \(place)") }
  }

  /// The most megabytes that were resident.
  private func residentPeak() -> Double {
    var usage = rusage()
    getrusage(numericCast(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1024
  }
}
