import ModelGraph
import ModelLayers
import ModelOps
import ModelPasses
import ModelSupport
import ModelTensor
import ModelVerify
import TFLiteFormat
import TensorFlowGraph

/// Converts models between formats, and proves each result against its source.
///
/// ```swift
/// let report = try Converter().convert("model.keras", to: "model.onnx")
/// print(report.verification?.isEquivalent ?? false, report.notes)
/// ```
public struct Converter: Sendable {
  public var options: ConversionOptions
  public init(options: ConversionOptions = ConversionOptions()) { self.options = options }

  /// Reads `source`, writes it beside `destination`, reads that back, compares both, and puts it in place.
  /// - Throws: `VerificationFailure` when the result computes something else; `UnsupportedError` with the complete
  ///   list of what the target can't express; `StorageError`, `FormatError`, `UsageError`.
  public func convert(_ source: String, to destination: String) throws -> ConversionReport {
    let start = ContinuousClock.now
    let target = try targetFormat(destination)
    let sourceFormat = try options.sourceFormat ?? FormatRegistry.detect(source)
    let output = try StagedOutput(destination: destination, replaceExisting: options.replacesExisting)
    var report = ConversionReport(source: source, destination: destination, sourceFormat: sourceFormat, format: target)

    options.onStep?("reading")
    let writer = try FormatRegistry.handler(for: target)
    do {
      var model = try FormatRegistry.open(source, as: sourceFormat, options: options.read)
      if options.dequantizes { try dequantize(&model) }
      if sourceFormat != target { try ShareEntryPoints().run(&model) }
      var losses: [Loss] = []
      if let request = options.quantization { losses = try quantize(&model, request, &report) }
      options.onStep?("writing")
      if sourceFormat == target, !options.dequantizes, options.quantization == nil,
        try writer.rewrite(source, to: output.path, options.write)
      {
        // Everything was carried over as it is.
      } else {
        let graph = model.residue[TensorFlowResidue.key] as? TensorFlowResidue
        let operators = model.residue[TFLiteResidue.key] as? TFLiteResidue
        losses += (graph?.notes ?? []) + (operators?.notes ?? [])
        let isOfLayers = [ModelFormat.keras, .h5, .tfjsLayers].contains(target)
        func layersAlone() throws -> ConversionReport? {
          guard var kept = try writeLayers(of: model, with: writer, source, output.path, losses, report) else { return nil }
          return try finish(&kept, output, since: start)
        }
        if isOfLayers, let kept = try layersAlone() { return kept }
        do { losses += try write(model, with: writer, to: output.path) } catch let error as UnsupportedError {
          guard !isOfLayers, let kept = try layersAlone() else { throw error }
          return kept
        }
        losses += model.layersLeftOut(of: target)
      }
      report.notes += losses.map(\.description)
      if let verification = options.verification {
        options.onStep?("verifying")
        try verify(model, source, output.path, verification, &report)
      }
    } catch let error as UnsupportedError where sourceFormat == target && options.quantization == nil && !options.dequantizes {
      // What nobody can execute can still be carried over as it is.
      guard options.verification == nil || ((try? WeightsComparison.holdsWeightsAlone(source)) ?? false),
        try writer.rewrite(source, to: output.path, options.write)
      else { throw error }
      if let verification = options.verification {
        report.verification = try WeightsComparison.compare(source, output.path, verification)
        guard report.verification?.isEquivalent ?? true else { throw VerificationFailure(report: report) }
      }
    }
    return try finish(&report, output, since: start)
  }

  private func finish(
    _ report: inout ConversionReport, _ output: StagedOutput, since start: ContinuousClock.Instant
  ) throws -> ConversionReport {
    report.bytes = output.byteCount
    report.quantization?.bytesAfter = report.bytes
    try output.commit()
    report.seconds = start.duration(to: .now).seconds
    return report
  }

  /// Writes and verifies the layers that a SavedModel tells of beside its operators: for formats of layers, and where a format of
  /// operators does not take its operators. The operators remain what the result is held against.
  /// - Returns: the report; `nil` when there are no layers, or nothing was made of them.
  private func writeLayers(
    of model: Model, with writer: any FormatHandler, _ source: String, _ path: String, _ losses: [Loss], _ report: ConversionReport
  ) throws -> ConversionReport? {
    guard options.quantization == nil, !options.dequantizes, writer.format != .savedmodel, options.write.layout == .keep,
      let layers = model.savedLayers(for: writer.format)
    else { return nil }
    let isOfLayers = [ModelFormat.keras, .h5, .tfjsLayers].contains(writer.format)
    FileSystem.remove(path)
    var report = report
    do {
      var main = model
      report.notes += (losses + main.keepMainEntryPoint()).map(\.description)
      report.notes += try write(layers, with: writer, to: path).map(\.description)
      if !isOfLayers { report.notes.append("written from the layers that keras_metadata.pb tells of") }
      if let verification = options.verification {
        options.onStep?("verifying")
        try verify(model, source, path, verification, &report)
      }
      return report
    } catch let error where error is UnsupportedError || error is VerificationFailure {
      // The operators are what the model is: whatever the layers were good for.
      FileSystem.remove(path)
      return nil
    }
  }

  /// The source is sound, it has been read: what the passes or the writer can't do is not supported.
  private func write(_ model: Model, with writer: any FormatHandler, to path: String) throws -> [Loss] {
    var model = model
    let dropped = writer.format.holdsSignatures ? [] : model.keepMainEntryPoint()
    do {
      let (legal, losses) = try model.legalizingEntryPoints { try writer.legalize($0, options.write) }
      return dropped + losses + (try writer.write(legal, to: path, options.write))
    } catch let error as GraphError {
      throw UnsupportedError("this model can't be written as \(writer.format.rawValue): \(error.description)")
    }
  }

  /// Quantises what is about to be written; what is written is then held against this.
  private func quantize(_ model: inout Model, _ request: QuantizationRequest, _ report: inout ConversionReport) throws -> [Loss] {
    let quantizer = Quantizer(request.options)
    let dropped = model.keepMainEntryPoint()
    let prepared = try quantizer.prepare(model, layout: options.write.layout)
    let data = try request.data()
    var calibration = try request.ranges.map { try CalibrationFile.read($0) }
    if calibration == nil, request.options.mode.needsRanges, let data {
      options.onStep?("calibrating")
      do { calibration = try quantizer.calibrate(prepared, data) } catch let error as FormatError {
        throw request.representative.map { error.inFile($0) } ?? error
      }
    }
    if let calibration, let path = request.savedRanges { try CalibrationFile.write(calibration, to: path) }
    options.onStep?("quantising")
    let result = try quantizer.quantize(prepared, calibration, data)
    model = result.model
    report.quantization = result.report
    report.notes.append(contentsOf: result.report.notes)
    return dropped + prepared.losses
  }

  private func dequantize(_ model: inout Model) throws {
    do { try Dequantize().run(&model) } catch let error as GraphError {
      throw UnsupportedError("this model can't be dequantised: \(error.description)")
    }
  }

  private func targetFormat(_ destination: String) throws -> ModelFormat {
    if let format = options.format { return format }
    if let format = ModelFormat(destination: destination) { return format }
    throw UsageError(
      "'\(destination)' has no extension that tells its format (.keras, .h5, .hdf5, .tflite, .onnx); give --to "
        + ModelFormat.allCases.map(\.rawValue).joined(separator: "|"))
  }

  private func verify(
    _ model: Model, _ source: String, _ written: String, _ options: VerificationOptions, _ report: inout ConversionReport
  ) throws {
    guard !model.mainGraph.openOutputs.isEmpty else {
      report.notes.append("not verified: the model has no outputs")
      return
    }
    if report.format == .h5, try WeightsComparison.holdsWeightsAlone(written) {
      return try verifyWeights(of: model, written, options, &report)
    }
    // The entry point that was asked for is the one to compare, where the target holds several.
    var result = try FormatRegistry.open(
      written, as: report.format, options: ReadOptions(signature: self.options.read.signature), signatureIsOptional: true)
    result.choosesMain(of: model)
    try verify(model, result, source, written, options, &report)
    guard report.verification?.method != .structure else { return }
    for pair in SharedSignatures(model, result).pairs {
      guard !pair.reference.mainGraph.openOutputs.isEmpty else {
        report.notes.append("signature '\(pair.name)' not verified: it has no outputs")
        continue
      }
      try verify(pair, source, written, options, &report)
    }
    report.verification?.signature = model.mainSignature
    guard report.verification?.isEquivalent ?? true else { throw VerificationFailure(report: report) }
  }

  /// Compares an entry point beside the main one, and adds what was found to the report.
  /// - Throws: `VerificationFailure` only where there is no report of the main one to add it to.
  private func verify(
    _ pair: SharedSignatures.Pair, _ source: String, _ written: String, _ options: VerificationOptions, _ report: inout ConversionReport
  ) throws {
    var options = options, part = report
    let note = SharedSignatures.suit(&options, to: pair.reference)
    (part.verification, part.notes) = (nil, note.map { [$0] } ?? [])
    do { try verify(pair.reference, pair.candidate, source, written, options, &part) } catch let failure as VerificationFailure {
      part = failure.report
    } catch  where error.saysNothingOfOthers {
      part.notes.append("not verified: \(error)")
    }
    report.notes += part.notes.filter { !report.notes.contains($0) }.map { "signature '\(pair.name)': \($0)" }
    guard let found = part.verification else { return }
    guard report.verification != nil else {
      guard found.isEquivalent else {
        report.verification = found
        throw VerificationFailure(report: report)
      }
      report.notes.append("signature '\(pair.name)' was verified")
      return
    }
    report.verification?.signatures.append(SignatureVerification(name: pair.name, report: found))
  }

  private func verify(
    _ model: Model, _ result: Model, _ source: String, _ written: String, _ options: VerificationOptions, _ report: inout ConversionReport
  ) throws {
    var changed = try FormatRegistry.handler(for: report.format).reference(for: model, self.options.write), options = options
    let quantized = changed == nil && !self.options.dequantizes ? try QuantizedVerification(source: model, result: result) : nil
    if let quantized {
      return try verify(quantized, options, &report) {
        try QuantizedVerification(source: model, result: result, prefersSigned: false)
      }
    } else if changed == nil, report.format != .tflite, let unwrapped = try model.unwrappedReference() {
      changed = unwrapped
      // Floats added in another order may be rounded to the step beside.
      options.outputSteps = model.outputSteps
    }
    if !report.sourceFormat.isLike(report.format), let narrow = model.narrowPrecision, options.rtol < narrow.tolerance {
      (options.atol, options.rtol) = (max(options.atol, narrow.tolerance), narrow.tolerance)
      report.notes.append(
        "verified within \(narrow.tolerance): the source computes in \(narrow.dtype), which rounds after other steps in each format")
    }
    if self.options.dequantizes { report.notes.append("verified against the source dequantised, which is what --dequantize asks for") }
    if let changed { report.notes.append(changed.note) }
    do {
      report.verification = try compare(changed?.model ?? model, result, options)
      if let note = report.verification?.stepNote { report.notes.append(note) }
    } catch let error as UnsupportedError where report.sourceFormat.isLike(report.format) {
      // What can't be executed can still be proven to be carried over as it was.
      let comparison = try StructureComparison(source, written, report, options).result
      guard comparison.isEquivalent else {
        guard error.isAboutInputs || !model.randomOps.isEmpty else { throw error }
        report.notes.append("not verified: \(error)")
        return
      }
      let list = error.items.map { "\($0.name) × \($0.count)" }.joined(separator: ", ")
      report.notes.append("verified by structure and weights, not by running it: \(error.message) \(list)")
      report.verification = comparison
    } catch let error as UnsupportedError where error.isAboutInputs || !model.randomOps.isEmpty {
      report.notes.append("not verified: \(error)")
    }
    guard report.verification?.isEquivalent ?? true else { throw VerificationFailure(report: report) }
  }

  /// Compares both as they are; where that fails and outputs of the reference lie on the steps of a quantisation that it spells, with a
  /// step's patience: floats added in another order may be rounded to the one beside.
  private func compare(_ reference: Model, _ candidate: Model, _ options: VerificationOptions) throws -> VerificationReport {
    let report = try Verifier(options: options).verify(reference: reference, candidate: candidate)
    let steps = reference.outputSteps
    guard !report.isEquivalent, options.outputSteps.isEmpty, steps.contains(where: { $0 > 0 }) else { return report }
    var patient = options
    patient.outputSteps = steps
    let second = try Verifier(options: patient).verify(reference: reference, candidate: candidate)
    return second.isEquivalent ? second : report
  }

  /// Of a destination that gets weights alone: whether they are the source's.
  private func verifyWeights(
    of model: Model, _ written: String, _ options: VerificationOptions, _ report: inout ConversionReport
  ) throws {
    let weights = model.parameterIDs.map { (name: model[$0].name, tensor: model[$0].tensor) }
    let found = try WeightsComparison.tensors(FormatRegistry.inspect(written).weights())
    report.verification = try WeightsComparison.compare(weights, found, options)
    guard report.verification?.isEquivalent ?? true else { throw VerificationFailure(report: report) }
  }

  private func verify(
    _ first: QuantizedVerification, _ options: VerificationOptions, _ report: inout ConversionReport,
    otherwise: () throws -> QuantizedVerification?
  ) throws {
    var quantized = first
    do {
      var verification = try Verifier(options: options).verify(reference: quantized.reference, candidate: quantized.candidate)
      // What has no sign may really have none.
      if !verification.isEquivalent, quantized.isSpelledCandidate, let other = try otherwise() {
        let found = try Verifier(options: options).verify(reference: other.reference, candidate: other.candidate)
        if found.isEquivalent { (quantized, verification) = (other, found) }
      }
      if !verification.isEquivalent, let dynamic = try quantized.compareDynamic(options) { verification = dynamic }
      report.verification = verification
      if !verification.isEquivalent, let spelled = try? quantized.compareAsSpelled(options), spelled.isEquivalent {
        report.verification = spelled
        if let note = spelled.stepNote { report.notes.append(note) }
        return
      }
      report.notes.append(quantized.note)
      guard verification.isEquivalent else { throw VerificationFailure(report: report) }
      let (note, refutation) = try quantized.compareSpelled(options)
      report.notes.append(note)
      guard let refutation else { return }
      report.verification = refutation
      throw VerificationFailure(report: report)
    } catch let error as UnsupportedError where error.isAboutInputs {
      report.notes.append("not verified: \(error)")
    }
  }
}

extension Model {
  /// The model as targets without quantised operators compute it, with floats between integers; `nil` when there are none.
  fileprivate func unwrappedReference() throws -> (model: Model, note: String)? {
    guard graphs.values.contains(where: { $0.nodeSlots.contains { $0?.op is any WrappingOp } }) else { return nil }
    var result = self
    try UnwrapQuantized(.unwrapped).run(&result)
    return (
      result,
      "verified against the source's quantised operators as dequantise, float operator, quantise, which is how they are written: "
        + "LiteRT's integers may lie a step beside"
    )
  }
}

extension Model {
  /// The least precise dtype that the model computes in, and what its results may be off by after some layers: four steps.
  var narrowPrecision: (dtype: DType, tolerance: Double)? {
    var found: Set<DType> = []
    for graph in graphs.values {
      for case let node? in graph.nodeSlots {
        if let layer = node.op as? LayerOp {
          found.insert(layer.policy.compute)
        } else {
          found.formUnion(node.outputs.map { graph[$0].type.dtype })
        }
      }
    }
    if found.contains(.bfloat16) { return (.bfloat16, 0x1p-5) }
    return found.contains(.float16) ? (.float16, 0x1p-8) : nil
  }
}

extension UnsupportedError {
  /// Whether the models could be executed, on inputs that are not known.
  fileprivate var isAboutInputs: Bool { message == Verifier.noInputs }
}

extension Duration {
  /// The duration in seconds.
  public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
