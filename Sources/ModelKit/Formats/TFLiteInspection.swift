import FlatBufferWire
import ModelSupport
import ModelTensor
import TFLiteFormat

/// Walks the tables of a TensorFlow Lite file once and gathers what `inspect` shows.
struct TFLiteInspection {
  private let file: TFLiteFile
  private(set) var result: Inspection

  init(_ file: TFLiteFile) {
    self.file = file
    result = Inspection(format: .tflite, path: file.path)
    result.fileBytes = file.source.byteCount
    result.name = file.subgraphs.first?.name ?? ""
    result.versions["schema"] = String(file.model.version)
    if let version = file.minimumRuntimeVersion { result.versions["min runtime"] = version }
    addInterfaces()
    addOperators()
    addMetadata()
    addWeights()
    if file.unknownFieldCount > 0 {
      result.warnings.append("\(file.unknownFieldCount) fields belong to a newer schema and are not shown")
    }
    let file = file
    result.graphText = { TFLiteGraphText(file).text }
  }

  // MARK: Interfaces

  private mutating func addInterfaces() {
    let main = file.entryPoint(subgraph: 0)
    (result.inputs, result.outputs) = (main.inputs.map { port($0, 0) }, main.outputs.map { port($0, 0) })
    result.signatures = file.signatures.map { signature in
      SignatureSummary(
        name: signature.key ?? "", inputs: signature.inputs.map { port($0, signature.subgraph) },
        outputs: signature.outputs.map { port($0, signature.subgraph) })
    }
  }

  private mutating func port(_ port: TFLiteSignature.Port, _ subgraph: Int) -> PortSummary {
    let tensor = file.subgraphs[subgraph].tensors?[port.tensor]
    do {
      let type = try file.tensorType(port.tensor, subgraph: subgraph)
      return PortSummary(name: port.name, type: type)
    } catch {
      result.warnings.append(String(describing: error))
      return PortSummary(name: port.name, dtype: tensor?.type.name ?? "?", shape: .unranked)
    }
  }

  // MARK: Operators

  private mutating func addOperators() {
    var operators = Tally(), unnamed = 0
    for op in file.subgraphs.lazy.flatMap({ $0.operators ?? [] }) {
      operators.add(file.displayName(of: op))
      if file.opcode(of: op).builtin.knownName == nil { unnamed += 1 }
    }
    result.operators = operators.ordered
    if unnamed > 0 { result.warnings.append("\(unnamed) operators have numbers that the schema does not name") }
  }

  // MARK: Metadata

  private mutating func addMetadata() {
    if let text = file.model.description, !text.isEmpty { result.metadata["description"] = text }
    if file.subgraphs.count > 1 { result.metadata["subgraphs"] = String(file.subgraphs.count) }
    do {
      if let conversion = try file.conversionMetadata() { add(conversion) }
    } catch { result.warnings.append(String(describing: error)) }
    if result.producer.isEmpty { result.producer = file.model.description ?? "" }
    do {
      if let metadata = try file.modelMetadata() { add(metadata) }
    } catch { result.warnings.append(String(describing: error)) }
    do {
      let packed = try file.associatedFiles().filter { !$0.isDirectory }
      if !packed.isEmpty { result.metadata["packed files"] = packed.map { "\($0.name) (\($0.size) bytes)" }.joined(separator: ", ") }
      if packed.isEmpty, let rest = file.trailer { result.warnings.append("\(rest.count) bytes of unknown use stand behind the model") }
    } catch { result.warnings.append(String(describing: error)) }
    let known: Set<String> = ["min_runtime_version", "CONVERSION_METADATA"]
    for (name, content) in file.metadata where !known.contains(name) {
      if result.metadata[name] == nil { result.metadata[name] = "\(content.count) bytes" }
    }
    if let runtime = file.minimumRuntimeVersion { result.metadata["min_runtime_version"] = runtime }
  }

  private mutating func add(_ conversion: ConversionMetadata) {
    if let environment = conversion.environment {
      if let version = environment.tensorflowVersion, !version.isEmpty {
        result.producer = "TensorFlow Lite converter (TensorFlow \(version))"
      }
      if environment.modelType != .none { result.metadata["converted from"] = environment.modelType.name }
    }
    guard let options = conversion.options else { return }
    let modes = (options.modelOptimizationModes ?? []).map { ConverterOptions.modeNames[$0] ?? String($0) }
    if !modes.isEmpty { result.metadata["optimisation"] = modes.joined(separator: ", ") }
    let allowed = [
      (options.allowCustomOps, "custom operators"), (options.enableSelectTfOps, "TensorFlow operators"),
      (options.forceSelectTfOps, "TensorFlow operators only"),
    ].filter(\.0).map(\.1)
    if !allowed.isEmpty { result.metadata["converter allowed"] = allowed.joined(separator: ", ") }
  }

  private mutating func add(_ metadata: ModelMetadata) {
    let facts: [(String, String?)] = [
      ("metadata name", metadata.name), ("metadata description", metadata.description), ("metadata version", metadata.version),
      ("author", metadata.author), ("license", metadata.license), ("min_parser_version", metadata.minParserVersion),
    ]
    for case (let key, let text?) in facts where !text.isEmpty { result.metadata[key] = text }
    var files = metadata.associatedFiles ?? []
    for graph in metadata.subgraphMetadata ?? [] {
      for (kind, tensors) in [("input", graph.inputTensorMetadata), ("output", graph.outputTensorMetadata)] {
        for (index, tensor) in (tensors ?? []).enumerated() {
          let words = [tensor.name, tensor.description].compactMap { $0 }.filter { !$0.isEmpty }
          if !words.isEmpty { result.metadata["\(kind) \(index)"] = words.joined(separator: ": ") }
          files += tensor.associatedFiles ?? []
        }
      }
      files += graph.associatedFiles ?? []
    }
    if !files.isEmpty { result.metadata["associated files"] = files.map { $0.name ?? "?" }.joined(separator: ", ") }
  }

  // MARK: Weights

  private mutating func addWeights() {
    let weights = TFLiteWeights(file)
    for weight in weights.places {
      guard let tensor = file.subgraphs[weight.subgraph].tensors?[weight.tensor], let dtype = tensor.type.dtype else { continue }
      let elements = checkedProduct((tensor.shape ?? []).map { Int($0) }) ?? 0
      let sum = result.parameters.addingReportingOverflow(elements)
      guard !sum.overflow else { continue }
      result.parameters = sum.partialValue
      result.weightBytes += tensor.sparsity == nil ? dtype.byteCount(of: elements) ?? 0 : file.buffer(Int(tensor.buffer))?.count ?? 0
    }
    result.warnings += weights.problems
    result.weights = { weights.entries }
  }
}

/// The constants of a file that are weights: floating-point or quantised numbers. A buffer that several tensors share counts once.
struct TFLiteWeights {
  private let file: TFLiteFile
  private(set) var places: [(tensor: Int, subgraph: Int)] = []
  /// Constants that can't be read.
  private(set) var problems: [String] = []

  init(_ file: TFLiteFile) {
    self.file = file
    var seen: Set<UInt32> = []
    for (number, subgraph) in file.subgraphs.enumerated() {
      for (index, tensor) in (subgraph.tensors ?? []).enumerated() {
        guard tensor.buffer != 0 || tensor.externalBuffer != 0, let dtype = tensor.type.dtype, Self.isWeight(tensor, dtype),
          tensor.externalBuffer != 0 || file.buffer(Int(tensor.buffer))?.isEmpty == false
        else { continue }
        // A buffer that several tensors share.
        guard tensor.externalBuffer != 0 || seen.insert(tensor.buffer).inserted else { continue }
        places.append((index, number))
        let size = dtype.byteCount(of: checkedProduct((tensor.shape ?? []).map { Int($0) }) ?? -1)
        if tensor.sparsity == nil, tensor.externalBuffer == 0, size != file.buffer(Int(tensor.buffer))?.count, problems.count < 20 {
          problems.append(
            "weight '\(tensor.name ?? "")': expected \(size.map { String($0) } ?? "other") bytes, found \(file.buffer(Int(tensor.buffer))?.count ?? 0)"
          )
        }
      }
    }
  }

  private static func isWeight(_ tensor: TFLiteTensor, _ dtype: DType) -> Bool {
    if dtype.isFloatingPoint || dtype == .complex64 || dtype == .complex128 { return true }
    guard dtype.isInteger else { return false }
    let quantised = tensor.quantization.map { $0.scale?.isEmpty == false || $0.details != .none } ?? false
    return quantised || (dtype.bitWidth ?? 0) <= 8
  }

  var entries: [WeightEntry] {
    places.map { place in
      let name = file.subgraphs[place.subgraph].tensors?[place.tensor].name ?? ""
      return WeightEntry(name.isEmpty ? "tensor \(place.tensor)" : name, Result { try value(place) })
    }
  }

  private func value(_ place: (tensor: Int, subgraph: Int)) throws -> Tensor {
    guard let tensor = try file.tensor(place.tensor, subgraph: place.subgraph) else {
      throw FormatError(.missingReference, "expected a constant, found none")
    }
    return tensor
  }
}
