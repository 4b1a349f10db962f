import ModelGraph
import ModelLayers
import ModelOps
import ModelPasses
import ModelRuntime
import ModelSupport
import ModelTensor
import TFLiteFormat

/// Makes a model of integers of a float one, by samples of what it will see.
///
/// ```swift
/// let quantizer = Quantizer(QuantizationOptions(.int8))
/// let float = try quantizer.prepare(model)
/// let ranges = try quantizer.calibrate(float, RepresentativeData(samples))
/// let result = try quantizer.quantize(float, ranges, RepresentativeData(samples))
/// try TFLiteWriter().write(result.model, to: "model.tflite")
/// ```
/// What is quantised is the model as TFLite has it: batch normalisations folded into weights, activations fused, so that ranges are
/// those of the tensors that LiteRT computes.
public struct Quantizer: Sendable {
  public var options: QuantizationOptions
  public init(_ options: QuantizationOptions) { self.options = options }

  /// A float model with one node for each operator of LiteRT.
  public struct Prepared: Sendable {
    public internal(set) var model: Model
    /// Of the float model as a TFLite file.
    public let byteCount: Int
    /// What TFLite can't carry.
    public let losses: [Loss]
  }

  /// - Throws: `UnsupportedError` for what can't be written as TFLite, and for models that are quantised already.
  public func prepare(_ model: Model, layout: IOLayout = .keep) throws -> Prepared {
    do {
      var legalizer = Legalizer(TFLiteWriter.profile(), ioLayout: layout, foldsWeights: true)
      legalizer.leavesLegal = model.format == ModelFormat.tflite.rawValue
      if options.mode.needsRanges, model.isRecurrent {
        legalizer.whereCellsAreKnown = [UnrollRecurrent(includesLSTM: options.mode == .int16x8)]
      }
      // GELU by its hyperbolic tangent, which TFLite could hold as it is.
      var whole = model
      try RecognizeComposites(activationsOnly: true).run(&whole)
      // Cells that start with zeros made for the batch start with none.
      if whole.hasRecurrentOps { try FoldConstants().run(&whole) }
      let (legal, losses) = try legalizer.run(whole)
      try refuseQuantized(legal)
      let file = try TFLiteWriter().encode(legal)
      var reader = TFLiteReader(try TFLiteFile(file))
      reader.keepsOperators = true
      var prepared = try reader.read()
      prepared.residue = [:]
      // Weights that the reader puts together are weights again.
      try FoldConstants().run(&prepared)
      try DropNeutralTerms(includesTrainable: true).run(&prepared)
      if options.mode.needsRanges {
        let isNarrow = options.mode == .int8 && options.recipes.allSatisfy { $0.scheme != .int16x8 }
        try PreferIntegerKernels(joinsSquares: isNarrow).run(&prepared)
        try SpreadNormalization().run(&prepared)
      }
      try FuseReshapedBias().run(&prepared)
      prepared.name = model.name
      return Prepared(model: prepared, byteCount: try TFLiteWriter().byteCount(of: file), losses: losses)
    } catch let error as GraphError {
      throw UnsupportedError("this model can't be written as tflite: \(error.description)")
    }
  }

  private func refuseQuantized(_ model: Model) throws {
    for graph in model.graphs.values {
      for case let node? in graph.nodeSlots where node.op.isQuantized {
        throw UnsupportedError(
          "the model is quantised already (\(node.op.displayName) '\(node.name)'); --dequantize makes a float one of it, which can be quantised"
        )
      }
    }
  }

  /// The ranges of a prepared model's values.
  /// - Throws: `FormatError` for data that does not fit or holds NaN, and for none at all.
  public func calibrate(_ prepared: Prepared, _ data: RepresentativeData) throws -> CalibrationResult {
    let calibrator = try Calibrator(prepared.model, method: options.calibration, options: options.execution)
    try data.forEach(calibrator.executor.inputs, remembering: max(1, options.reportSamples)) { inputs in
      try calibrator.observe(inputs)
      options.progress?("calibrating", 0)
    }
    return try calibrator.result()
  }

  /// Quantises a prepared model, and compares both on samples.
  ///
  /// - Parameter data: what the report is made with, and what `maxError` is held against.
  /// - Throws: `UnsupportedError` with the complete list of what stays float, where nothing may; `UsageError` for a recipe that
  ///   matches nothing.
  public func quantize(_ prepared: Prepared, _ calibration: CalibrationResult?, _ data: RepresentativeData?) throws -> QuantizationResult {
    switch options.mode {
    case .none: return QuantizationResult(model: prepared.model, report: QuantizationReport(options.mode, bytesBefore: prepared.byteCount))
    case .float16, .dynamic: return try weightsOnly(prepared, data)
    case .int8, .int16x8: break
    }
    // A model that was trained to be quantised knows its ranges.
    var float = prepared
    let known = calibration?.ranges(in: prepared.model) ?? [:]
    let trained = try TakeTrainedRanges(options.mode == .int8 ? .int8 : .int16).run(&float.model, known: known)
    guard calibration != nil || trained != nil else {
      throw UsageError("--quantize \(options.mode.rawValue) needs --representative data, or --ranges that were saved")
    }
    var integers = IntegerQuantizer(
      ranges: trained ?? known, scheme: options.mode == .int8 ? .int8 : .int16x8, recipes: options.recipes)
    integers.inputType = options.inputType
    integers.outputType = options.outputType
    var made = try quantized(float, integers)
    try checkRecipes(made.outcome)
    try checkFloats(made.outcome)
    var report = QuantizationReport(options.mode, bytesBefore: prepared.byteCount)
    report.calibrationSamples = calibration?.samples ?? 0
    if let data {
      let comparison = try QuantizationComparison(prepared.model, data, limit: options.reportSamples, options.execution)
      var statistics = try comparison.run(made.model, made.outcome)
      if let target = options.maxError {
        var repair = QuantizationRepair(quantizer: self, prepared: float, comparison: comparison, target: target)
        let repaired = try repair.run(integers, made, statistics)
        (made, statistics, report.trail, report.target) = (repaired.made, repaired.statistics, repair.trail, target)
      }
      report.add(statistics, made.outcome)
    } else {
      report.add(made.outcome)
    }
    return QuantizationResult(model: made.model, report: report)
  }

  /// A quantised model and what became of its layers.
  struct Made {
    var model: Model
    var outcome: QuantizationOutcome
  }

  func quantized(_ prepared: Prepared, _ quantizer: IntegerQuantizer) throws -> Made {
    var model = prepared.model
    do {
      let outcome = try quantizer.run(&model)
      try model.validate()
      return Made(model: model, outcome: outcome)
    } catch let error as GraphError {
      throw UnsupportedError("this model can't be quantised: \(error.description)")
    }
  }

  private func checkRecipes(_ outcome: QuantizationOutcome) throws {
    guard let idle = outcome.idleRecipes.first else { return }
    let names = outcome.layers.prefix(12).map(\.name).joined(separator: ", ")
    throw UsageError("no layer matches '\(idle)'; the first layers are: \(names)")
  }

  private func checkFloats(_ outcome: QuantizationOutcome) throws {
    guard options.isFullInteger else { return }
    var items: [UnsupportedError.Item] = []
    for layer in outcome.layers where layer.scheme == .float {
      let reason = layer.reason ?? "a recipe keeps it float"
      if let index = items.firstIndex(where: { $0.name == layer.op && $0.reason == reason }) {
        items[index].count += 1
      } else {
        items.append(.init(layer.op, reason: reason))
      }
    }
    guard !items.isEmpty else { return }
    let count = items.reduce(0) { $0 + $1.count }
    throw UnsupportedError("\(count) \(count == 1 ? "operator" : "operators") of this model would stay float:", items: items)
  }

  private func weightsOnly(_ prepared: Prepared, _ data: RepresentativeData?) throws -> QuantizationResult {
    var model = prepared.model
    var report = QuantizationReport(options.mode, bytesBefore: prepared.byteCount)
    let outcome: QuantizationOutcome
    do {
      outcome =
        options.mode == .float16
        ? try HalveWeights(recipes: options.recipes).run(&model) : try QuantizeWeights(recipes: options.recipes).run(&model)
      try model.validate()
    } catch let error as GraphError { throw UnsupportedError("this model can't be quantised: \(error.description)") }
    try checkRecipes(outcome)
    if let data {
      let comparison = try QuantizationComparison(prepared.model, data, limit: options.reportSamples, options.execution)
      report.add(try comparison.run(model, outcome), outcome)
    } else {
      report.add(outcome)
    }
    return QuantizationResult(model: model, report: report)
  }
}

/// A quantised model and what quantising it costs.
public struct QuantizationResult: Sendable {
  public var model: Model
  public var report: QuantizationReport
}

extension Model {
  fileprivate var hasRecurrentOps: Bool {
    graphs.values.contains { graph in
      graph.nodeSlots.contains { node in node.map { !($0.op is LayerOp) && type(of: $0.op).family == .recurrent } ?? false }
    }
  }
  /// Whether there is a loop, or an op that becomes one.
  fileprivate var isRecurrent: Bool {
    graphs.values.contains { graph in
      graph.nodeSlots.contains { node in
        guard let node else { return false }
        return node.op is LayerOp || type(of: node.op).family == .recurrent || !node.bodies.isEmpty
      }
    }
  }
}

extension Op {
  fileprivate var isQuantized: Bool {
    if let op = self as? QuantizedOp { return !op.isFloat }
    if let cell = self as? SequenceLSTMOp { return cell.quantization.contains { $0 != nil } }
    return self is HybridOp || self is QuantizeLinearOp || self is DequantizeLinearOp
  }
}
