import ModelPasses
import ModelSupport
import ModelTensor

/// What quantising a model saves and costs.
public struct QuantizationReport: Sendable {
  public struct Layer: Sendable {
    public var name: String
    public var op: String
    public var scheme: String
    public var reason: String?
    /// Against the float model, with everything that came together up to here; `nil` without samples.
    public var error: ErrorStatistics?
    /// What the layer does to exact operands, alone.
    public var own: ErrorStatistics?
  }
  /// A step of the repair.
  public struct Step: Sendable {
    public var layer: String
    public var op: String
    public var scheme: LayerScheme
    /// The error of the outputs after it.
    public var error: Double
    /// Whether it was taken back, as it did not help or was not needed in the end.
    public var isUndone = false
  }
  public var mode: QuantizationMode
  public var bytesBefore: Int
  public var bytesAfter = 0
  public var calibrationSamples = 0
  /// How many samples the figures are from.
  public var samples = 0
  /// Worst first: by signal to noise of the layer alone.
  public var layers: [Layer] = []
  public var outputs: [(name: String, statistics: ErrorStatistics)] = []
  /// How many rows of the first output have their largest element in the same place.
  public var agreement: (same: Int, count: Int)?
  public var target: Double?
  public var trail: [Step] = []

  init(_ mode: QuantizationMode, bytesBefore: Int) {
    self.mode = mode
    self.bytesBefore = bytesBefore
  }

  /// The largest relative error of an output.
  public var error: Double? { outputs.map(\.statistics.relative).max() }
  /// Layers that stay float although they were to be quantised.
  public var floats: [Layer] { layers.filter { $0.reason != nil } }

  mutating func add(_ outcome: QuantizationOutcome) { add(.init(), outcome) }

  mutating func add(_ statistics: QuantizationComparison.Statistics, _ outcome: QuantizationOutcome) {
    samples = statistics.samples
    outputs = statistics.outputs
    agreement = statistics.agreement
    layers = outcome.layers.map {
      Layer(
        name: $0.name, op: $0.op, scheme: $0.note ?? $0.scheme.rawValue, reason: $0.reason, error: statistics.layers[$0.original],
        own: statistics.own[$0.original])
    }
    func noise(_ layer: Layer) -> Double { (layer.own ?? layer.error)?.signalToNoise ?? .infinity }
    layers = layers.enumerated().sorted { (noise($0.element), $0.offset) < (noise($1.element), $1.offset) }.map(\.element)
  }

  /// What a conversion notes.
  var notes: [String] {
    var counts: [(op: String, reason: String, count: Int)] = []
    for layer in floats {
      let reason = layer.reason ?? ""
      if let index = counts.firstIndex(where: { $0.op == layer.op && $0.reason == reason }) {
        counts[index].count += 1
      } else {
        counts.append((layer.op, reason, 1))
      }
    }
    var result = counts.map { "\($0.op) × \($0.count) stays float: \($0.reason)" }
    if let target, let error, error > target {
      result.append("the error \(Float(error)) is above \(Float(target)) whatever layers are moved: what is float already stays what it is")
    }
    return result
  }

  // MARK: JSON

  /// What `convert --json` says under `quantization`.
  public var json: JSONValue {
    var result: JSONValue = [
      "mode": .string(mode.rawValue), "bytes_before": .int(bytesBefore), "bytes_after": .int(bytesAfter),
      "calibration_samples": .int(calibrationSamples), "samples": .int(samples), "error": .finite(error),
      "outputs": .array(outputs.map { Self.json($0.statistics, ["name": .string($0.name)]) }),
      "layers": .array(layers.map(\.json)),
      "float": .array(floats.map { ["name": .string($0.name), "operator": .string($0.op), "reason": .string($0.reason ?? "")] }),
    ]
    if let agreement { result["agreement"] = .double(Double(agreement.same) / Double(max(1, agreement.count))) }
    if let target {
      result["max_error"] = .double(target)
      result["trail"] = .array(
        trail.map {
          [
            "layer": .string($0.layer), "operator": .string($0.op), "scheme": .string($0.scheme.rawValue), "error": .finite($0.error),
            "undone": .bool($0.isUndone),
          ]
        })
    }
    return result
  }

  static func json(_ statistics: ErrorStatistics, _ head: JSONValue) -> JSONValue {
    var result = head
    result["snr_db"] = .finite(statistics.signalToNoise)
    result["max_abs"] = .double(statistics.maxAbsolute)
    result["mean_abs"] = .double(statistics.meanAbsolute)
    result["relative"] = .finite(statistics.relative)
    result["cosine"] = .finite(statistics.cosine)
    return result
  }
}

extension QuantizationReport.Layer {
  var json: JSONValue {
    let head: JSONValue = ["name": .string(name), "operator": .string(op), "scheme": .string(scheme)]
    var result = error.map { QuantizationReport.json($0, head) } ?? head
    if let own {
      result["own_snr_db"] = .finite(own.signalToNoise)
      result["own_max_abs"] = .double(own.maxAbsolute)
    }
    if let reason { result["reason"] = .string(reason) }
    return result
  }
}
