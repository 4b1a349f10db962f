import ModelGraph
import ModelOps
import ModelPasses
import ModelSupport
import ModelTensor

/// Runs a model on one sample after the other and remembers which range each of its values takes.
public final class Calibrator {
  public let executor: Executor
  public let method: CalibrationMethod
  public private(set) var sampleCount = 0
  private var observers: [ValueID: RangeObserver] = [:]
  private let main: GraphID
  /// LSTMs, whose cell states of all steps have a range.
  private let cells: [Node]
  private let context: ExecutionContext

  /// - Throws: `UnsupportedError` when the model can't be executed.
  public init(_ model: Model, method: CalibrationMethod = .minMax, options: ExecutionOptions = ExecutionOptions()) throws {
    var options = options
    options.fuses = false
    // Ranges that another runtime finds differ from these by its rounding alone, not by that and ours.
    options.compensates = true
    executor = try Executor(model, options: options)
    self.method = method
    main = model.main
    cells = executor.model.mainGraph.nodeSlots.compactMap { $0?.op is SequenceLSTMOp ? $0 : nil }
    context = executor.makeContext()
  }

  /// - Throws: `FormatError.invalidValue` for a value that is not a number, `ExecutionError` of the run.
  public func observe(_ inputs: [NDArray]) throws {
    for (array, port) in zip(inputs, executor.inputs) where array.dtype == .float32 {
      guard !array.with(Float.self, { $0.contains(where: \.isNaN) }) else {
        throw FormatError(.invalidValue, "expected numbers for '\(port.name)', found NaN in sample \(sampleCount)")
      }
    }
    let sample = sampleCount
    var seen: [ValueID: NDArray] = [:]
    let wanted = Set(cells.flatMap { $0.inputs.compactMap { $0 } })
    _ = try executor.run(inputs) { [self] value in
      guard value.graph == main, value.array.dtype == .float32 else { return }
      if wanted.contains(value.value) { seen[value.value] = value.array }
      guard observers[value.value, default: RangeObserver(method)].observe(value.array) else {
        throw FormatError(.invalidValue, "sample \(sample) makes a NaN of '\(value.name)' (\(value.path)): it has no range")
      }
    }
    for cell in cells { try observeCell(cell, seen) }
    sampleCount += 1
  }

  private func observeCell(_ node: Node, _ seen: [ValueID: NDArray]) throws {
    guard let op = node.op as? SequenceLSTMOp, node.outputs.count == 3 else { return }
    let inputs = try node.inputs.map { value -> NDArray? in
      guard let value else { return nil }
      return try seen[value] ?? executor.model.tensor(value, in: executor.model.mainGraph)?.array()
    }
    _ = observers[node.outputs[2], default: RangeObserver(method)].observe(try op.cellStates(inputs, in: context))
  }

  /// - Throws: `FormatError.invalidValue` when there was no sample.
  public func result() throws -> CalibrationResult {
    guard sampleCount > 0 else { throw FormatError(.invalidValue, "expected representative samples, found none") }
    var ranges = observers.compactMapValues { $0.range() }
    if method == .minMax {
      let model = executor.model, found = ranges
      for (operand, result) in StorageSharing(model.mainGraph, isConstant: { model.tensor($0, in: model.mainGraph) != nil }).replaced {
        if let range = found[result] { ranges[operand] = ranges[operand]?.union(range) }
      }
    }
    return CalibrationResult(ranges: ranges, samples: sampleCount, in: executor.model)
  }
}

/// The ranges of the values of a model's main graph, which can be kept and used again.
public struct CalibrationResult: Sendable, Equatable {
  /// By name of value, in alphabetical order.
  public var ranges: [(name: String, range: ValueRange)]
  public var samples: Int

  public init(ranges: [(name: String, range: ValueRange)], samples: Int) {
    self.ranges = ranges
    self.samples = samples
  }

  init(ranges: [ValueID: ValueRange], samples: Int, in model: Model) {
    let names = Self.names(model)
    self.ranges = ranges.compactMap { value, range in names[value].map { ($0, range) } }.sorted { $0.0 < $1.0 }
    self.samples = samples
  }

  public static func == (a: CalibrationResult, b: CalibrationResult) -> Bool {
    a.samples == b.samples && a.ranges.elementsEqual(b.ranges) { $0.name == $1.name && $0.range == $1.range }
  }

  /// The ranges by value of a model's main graph.
  public func ranges(in model: Model) -> [ValueID: ValueRange] {
    let known = Dictionary(ranges.map { ($0.name, $0.range) }) { first, _ in first }
    return Self.names(model).compactMapValues { known[$0] }
  }

  /// The name of each value, with a number behind it where an earlier one is called so.
  private static func names(_ model: Model) -> [ValueID: String] {
    let graph = model.mainGraph
    var result: [ValueID: String] = [:], counts: [String: Int] = [:]
    for id in graph.valueIDs {
      let name = graph[id].name, count = counts[name, default: 0]
      counts[name] = count + 1
      result[id] = count == 0 ? name : "\(name)#\(count + 1)"
    }
    return result
  }
}

extension CalibrationResult {
  static let kind = "modelctl calibration"

  /// As it is kept in a file.
  public var json: JSONValue {
    var entries: JSONValue = [:]
    for (name, range) in ranges { entries[name] = .array([.double(Double(range.low)), .double(Double(range.high))]) }
    return ["kind": .string(Self.kind), "version": .int(1), "samples": .int(samples), "ranges": entries]
  }

  /// - Throws: `FormatError` naming what is wrong.
  public init(_ json: JSONValue) throws {
    guard case .object(let object) = json, object["kind"]?.stringValue == Self.kind else {
      throw FormatError(.invalidStructure, "expected the saved ranges of a calibration, found something else")
    }
    guard case .object(let entries)? = object["ranges"] else {
      throw FormatError(.missingReference, "expected 'ranges', found none")
    }
    samples = object["samples"]?.intValue ?? 0
    ranges = try entries.map { name, value in
      guard case .array(let pair) = value, pair.count == 2, let low = pair[0].doubleValue, let high = pair[1].doubleValue, low.isFinite,
        high.isFinite,
        low <= high, Float(low).isFinite, Float(high).isFinite
      else { throw FormatError(.invalidValue, "expected the least and the greatest number of '\(name)'") }
      return (name, ValueRange(low: Float(low), high: Float(high)))
    }
  }
}

extension Executor {
  /// Somewhere single ops can be evaluated with the loops that this executor uses.
  public func makeContext() -> ExecutionContext { ExecutionContext(primitives: primitives, seed: options.seed) }
}
