import ModelGraph
import ModelRuntime
import ModelSupport
import ModelTensor
import ModelVerify

/// Samples of what a model will see: arrays of a file, or a sequence of the caller's, of which one sample is in memory at a time.
public struct RepresentativeData {
  public typealias Sample = [(name: String, array: NDArray)]
  /// Gives the next inputs of a model, in the order of its ports, until there are none.
  private let start: ([Executor.Port]) throws -> () throws -> [NDArray]?
  /// The first samples of the walk that calibrated, for whoever comes later: a sequence may let itself be walked once only.
  private final class Memory {
    var samples: [[NDArray]] = []
    var isComplete = false
  }
  private let memory = Memory()

  /// Arrays by input name whose first axis is the sample axis.
  public init(_ arrays: Sample) { self.init(tensors: arrays.map { ($0.name, Tensor($0.array)) }) }

  /// Tensors of a file by input name whose first axis is the sample axis. One sample is read at a time, and let go of afterwards.
  public init(tensors: [(name: String, tensor: Tensor)]) {
    start = { ports in
      guard !tensors.isEmpty else { throw FormatError(.invalidValue, "expected arrays of representative samples, found none") }
      let picked = try ports.places(among: tensors.map(\.name)).map { tensors[$0] }
      let counts = zip(picked, ports).compactMap { $1.type.shape.rank ?? 1 > 0 ? $0.tensor.extents.first : nil }
      let count = counts.min() ?? 1
      guard counts.allSatisfy({ $0 == count }) else {
        let found = zip(ports, picked).map { "\($1.tensor.extents.first ?? 1) for '\($0.name)'" }.joined(separator: ", ")
        throw FormatError(.sizeMismatch, "expected as many samples for each input, found \(found)")
      }
      guard count > 0 else { throw FormatError(.invalidValue, "expected representative samples, the arrays hold none") }
      // Samples with an axis more than the port are whole inputs each, also where the port's own first axis is fixed.
      let areWhole = zip(picked, ports).map { $0.tensor.extents.count == ($1.type.shape.rank ?? -2) + 1 }
      let fixed = zip(ports, areWhole).compactMap { $1 ? nil : $0.type.shape.dims?.first?.value }.min() ?? 1
      guard count >= fixed else {
        throw FormatError(.sizeMismatch, "expected \(fixed) samples or more, as many as the model takes at a time, found \(count)")
      }
      for (entry, port) in zip(picked, ports) { try Self.check(entry.tensor.extents, port) }
      if fixed > 1, let place = areWhole.firstIndex(of: true) {
        throw FormatError(
          .sizeMismatch, "expected \(fixed) samples at a time for each input, '\(ports[place].name)' has an axis of its own for them")
      }
      var place = 0, read: [Tensor] = []
      return {
        for tensor in read { tensor.source.release(0..<tensor.source.byteCount) }
        read = []
        guard place + fixed <= count else { return nil }
        defer { place += fixed }
        return try zip(picked, ports).map { entry, port in
          guard let rank = port.type.shape.rank, rank > 0, entry.tensor.extents.count > 0, entry.tensor.dtype != .string else {
            return try [port].pick(from: [(entry.name, try entry.tensor.array())])[0]
          }
          let rows = entry.tensor.rows(place..<(place + fixed))
          read.append(rows)
          let part = try [port].pick(from: [(entry.name, try rows.array())])[0]
          return part.rank == rank ? part : part.reshaped(Array(part.shape.dropFirst()))
        }
      }
    }
  }

  /// One set of inputs by name after the other, each as the model takes it. The sequence may be one that can be walked once only: what the
  /// report is made with is remembered when it calibrates.
  public init<S: Sequence>(_ samples: S) where S.Element == Sample {
    start = { ports in
      var iterator = samples.makeIterator()
      return {
        guard let sample = iterator.next() else { return nil }
        let picked = try ports.pick(from: sample)
        for (array, port) in zip(picked, ports) { try Self.check(array.shape, port, isWhole: true) }
        return picked
      }
    }
  }

  /// Calls `body` with the inputs of one sample after the other, and remembers the first of them.
  func forEach(_ ports: [Executor.Port], remembering limit: Int, _ body: ([NDArray]) throws -> Void) throws {
    memory.samples = []
    memory.isComplete = false
    try forEach(ports) { inputs in
      try body(inputs)
      if memory.samples.count < limit { memory.samples.append(inputs) }
    }
    memory.isComplete = memory.samples.count < limit
  }

  /// The first samples, up to `limit`: those that are remembered, where they do.
  func first(_ limit: Int, _ ports: [Executor.Port]) throws -> [[NDArray]] {
    if memory.isComplete || memory.samples.count >= limit { return Array(memory.samples.prefix(limit)) }
    var kept: [[NDArray]] = []
    let next = try start(ports)
    while kept.count < limit, let inputs = try next() { kept.append(inputs) }
    return kept.count < memory.samples.count ? memory.samples : kept
  }

  /// Calls `body` with the inputs of one sample after the other.
  func forEach(_ ports: [Executor.Port], _ body: ([NDArray]) throws -> Void) throws {
    let next = try start(ports)
    while let inputs = try next() { try body(inputs) }
  }

  private static func check(_ extents: [Int], _ port: Executor.Port, isWhole: Bool = false) throws {
    guard let dims = port.type.shape.dims else { return }
    let fits =
      extents.count == dims.count
      && zip(extents, dims).enumerated().allSatisfy { index, pair in
        pair.1.value == nil || pair.1.value == pair.0 || (index == 0 && !isWhole)
      }
    // A model without a batch axis takes one of them at a time.
    let fitsWithout = !isWhole && extents.count == dims.count + 1 && zip(extents.dropFirst(), dims).allSatisfy { $1.value ?? $0 == $0 }
    guard fits || fitsWithout else {
      throw FormatError(
        .sizeMismatch, "the representative data for '\(port.name)' has the shape \(extents), expected \(port.type.shape)")
    }
  }
}
