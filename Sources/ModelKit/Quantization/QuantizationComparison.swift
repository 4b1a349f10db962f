import ModelGraph
import ModelOps
import ModelPasses
import ModelRuntime
import ModelSupport
import ModelTensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How far numbers are from what they should be.
public struct ErrorStatistics: Sendable {
  public private(set) var count = 0
  public private(set) var maxAbsolute = 0.0
  private var absolute = 0.0, noise = 0.0, signal = 0.0, product = 0.0, other = 0.0
  public init() {}

  public var meanAbsolute: Double { count > 0 ? absolute / Double(count) : 0 }
  /// The root of the mean squared error, relative to that of the float values; 0 where both are zero.
  public var relative: Double { noise == 0 ? 0 : signal == 0 ? .infinity : (noise / signal).squareRoot() }
  /// In decibels; infinite without an error.
  public var signalToNoise: Double { noise == 0 ? .infinity : 10 * log10(signal / noise) }
  public var cosine: Double? {
    guard signal > 0, other > 0 else { return signal == other ? 1 : nil }
    return product / (signal * other).squareRoot()
  }

  mutating func add(_ expected: NDArray, _ found: NDArray) {
    guard expected.dtype == .float32, found.dtype == .float32, expected.count == found.count else { return }
    expected.with(Float.self) { x in
      found.with(Float.self) { y in
        for i in x.indices where x[i].isFinite {
          // A number that has become none is an error without limit, not one to leave out.
          guard y[i].isFinite else {
            (maxAbsolute, absolute, noise) = (.infinity, .infinity, .infinity)
            continue
          }
          let a = Double(x[i]), b = Double(y[i]), difference = abs(a - b)
          maxAbsolute = max(maxAbsolute, difference)
          absolute += difference
          noise += difference * difference
          signal += a * a
          other += b * b
          product += a * b
        }
        count += x.count
      }
    }
  }
}

/// Runs a float model and a quantised one on the same few samples, and compares layer by layer.
struct QuantizationComparison {
  struct Statistics: Sendable {
    /// By the value of the float graph: what has come together up to a layer, and what it does to exact inputs itself.
    var layers: [ValueID: ErrorStatistics] = [:]
    var own: [ValueID: ErrorStatistics] = [:]
    var outputs: [(name: String, statistics: ErrorStatistics)] = []
    var agreement: (same: Int, count: Int)?
    var samples = 0
    /// The largest relative error of an output.
    var error: Double { outputs.map(\.statistics.relative).max() ?? 0 }
  }

  let float: Executor
  private let main: GraphID
  let samples: [[NDArray]]
  private let options: ExecutionOptions
  private let context: ExecutionContext

  init(_ model: Model, _ data: RepresentativeData, limit: Int, _ options: ExecutionOptions) throws {
    var options = options
    options.fuses = false
    float = try Executor(model, options: options)
    main = model.main
    self.options = options
    context = float.makeContext()
    samples = try data.first(max(1, limit), float.inputs)
    guard !samples.isEmpty else {
      throw FormatError(
        .invalidValue,
        "the representative data gives no samples to compare with: a sequence that can be walked once only has to be given as the same RepresentativeData that calibrated"
      )
    }
  }

  /// - Parameter isDetailed: whether layers are compared, too.
  func run(_ model: Model, _ outcome: QuantizationOutcome, isDetailed: Bool = true) throws -> Statistics {
    let quantized = try Executor(model, options: options)
    var result = Statistics(), constants: [ValueID: NDArray] = [:]
    result.samples = samples.count
    result.outputs = float.outputs.map { ($0.name, ErrorStatistics()) }
    var real: [ValueID: (original: ValueID, type: QuantizedType?)] = [:]
    for (value, source) in outcome.sources { real[value] = (source.original, source.type) }
    for layer in outcome.layers where layer.type == nil { if let value = layer.value { real[value] = (layer.original, nil) } }
    let results = Set(outcome.layers.compactMap(\.value))
    for sample in samples {
      var values: [ValueID: NDArray] = [:]
      let expected = try float.run(sample, probe: isDetailed ? { if $0.graph == main { values[$0.value] = $0.array } } : nil)
      let inputs = try zip(sample, quantized.inputs).map { array, port in try stored(array, port.type) }
      let found = try quantized.run(
        inputs,
        probe: isDetailed
          ? { probed in
            guard probed.graph == main, results.contains(probed.value), let (original, type) = real[probed.value],
              let exact = values[original]
            else { return }
            result.layers[original, default: ErrorStatistics()].add(exact, try dequantized(probed.array, type))
          } : nil)
      for index in expected.indices where index < found.count {
        let type = index < quantized.outputs.count ? QuantizedType(quantized.outputs[index].type) : nil
        let array = try dequantized(found[index], type)
        result.outputs[index].statistics.add(expected[index], array)
        if index == 0 { result.agree(expected[index], array) }
      }
      if isDetailed { try addOwn(model, outcome, values, &constants, &result) }
    }
    return result
  }

  /// What each operator makes of exact operands, alone.
  private func addOwn(
    _ model: Model, _ outcome: QuantizationOutcome, _ values: [ValueID: NDArray], _ constants: inout [ValueID: NDArray],
    _ result: inout Statistics
  ) throws {
    let graph = model.mainGraph
    for layer in outcome.layers {
      guard let type = layer.type, let value = layer.value, let producer = graph.producer(of: value), let exact = values[layer.original],
        let op = graph[producer].op as? any PrimitiveOp
      else { continue }
      var inputs: [NDArray?] = [], isComplete = true
      for input in graph[producer].inputs {
        guard let input else {
          inputs.append(nil)
          continue
        }
        if let tensor = model.tensor(input, in: graph) {
          let array = try constants[input] ?? tensor.array()
          constants[input] = array
          inputs.append(array)
        } else if let (original, type) = outcome.sources[input], let array = values[original] {
          inputs.append(try QuantizedOp(IdentityOp(), inputs: [nil], outputs: [type]).evaluate([array], in: context)[0])
        } else if let array = values[input] {
          inputs.append(array)
        } else {
          isComplete = false
        }
      }
      guard isComplete, let found = try op.evaluate(inputs, in: context).first else { continue }
      let stored = (op as? QuantizedOp)?.outputs.first.flatMap { $0 } ?? type
      result.own[layer.original, default: ErrorStatistics()].add(exact, try dequantized(found, stored))
    }
  }

  private func stored(_ array: NDArray, _ type: TensorType) throws -> NDArray {
    guard let quantized = QuantizedType(type), array.dtype == .float32 else { return array }
    return try QuantizedOp(IdentityOp(), inputs: [nil], outputs: [quantized]).evaluate([array], in: context)[0]
  }

  private func dequantized(_ array: NDArray, _ type: QuantizedType?) throws -> NDArray {
    guard let type, array.dtype == type.dtype else { return array }
    return try QuantizedOp(IdentityOp(), inputs: [type], outputs: [nil]).evaluate([array], in: context)[0]
  }
}

extension QuantizationComparison.Statistics {
  /// Counts the rows whose largest element is the same one: what a classifier would answer.
  fileprivate mutating func agree(_ expected: NDArray, _ found: NDArray) {
    guard let width = expected.shape.last, expected.rank == 2, width > 1, found.shape == expected.shape, expected.dtype == .float32,
      found.dtype == .float32
    else { return }
    let x = expected.values(Float.self), y = found.values(Float.self)
    func first(_ values: [Float], _ row: Int) -> Int {
      (0..<width).max { values[row * width + $0] < values[row * width + $1] } ?? 0
    }
    var (same, count) = agreement ?? (0, 0)
    for row in 0..<expected.shape[0] {
      count += 1
      // Equal scores are no disagreement.
      let a = first(x, row), b = first(y, row)
      if a == b || y[row * width + a] == y[row * width + b] { same += 1 }
    }
    agreement = (same, count)
  }
}
