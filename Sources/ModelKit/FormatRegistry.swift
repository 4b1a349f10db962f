import ModelGraph
import ModelSupport
import TFJSFormat
import TFLiteFormat

/// All formats: which one a path holds, and how to open and write it.
public enum FormatRegistry {
  /// In the order in which they are tried: unmistakable signatures first.
  static let handlers: [any FormatHandler] = [
    SavedModelHandler(), KerasHandler(), KerasH5Handler(), TFLiteHandler(), TFJSLayersHandler(), TFJSGraphHandler(),
    ONNXHandler(),
  ]

  static func handler(for format: ModelFormat) throws -> any FormatHandler {
    guard let handler = handlers.first(where: { $0.format == format }) else {
      throw UnsupportedError("'\(format.rawValue)' models are not supported by this version")
    }
    return handler
  }

  /// The format of what stands at `path`, found in its contents, never in its name alone.
  /// - Throws: `StorageError` when there is nothing to read, `FormatError.unrecognized` otherwise.
  public static func detect(_ path: String) throws -> ModelFormat {
    let candidate = try FormatCandidate(path: path)
    if let handler = handlers.first(where: { $0.matches(candidate) }) { return handler.format }
    // A document that is cut or broken says best itself what is wrong with it.
    if candidate.entries?.contains(TFJSFile.documentName) == true { _ = try TFJSFile(path: path) }
    try explainByName(candidate)
    throw FormatError(.unrecognized, candidate.explanation, at: SourceLocation(file: path))
  }

  /// Contents that are no format's may be a damaged file of the format that the name ends with: that one says where.
  /// - Throws: what is wrong with it; nothing when the name says nothing, or the first bytes tell enough.
  private static func explainByName(_ candidate: FormatCandidate) throws {
    guard let file = candidate.file, file.count > 0, !candidate.isDirectory, !candidate.isPointer, !candidate.mayBeOther,
      let format = ModelFormat(destination: candidate.path)
    else { return }
    do { _ = try handler(for: format).inspect(candidate.path) } catch let error as FormatError {
      throw FormatError(
        error.code, "expected \(format.title), as the name ends; \(error.message)", at: error.inFile(candidate.path).location)
    }
  }

  /// Reads the model at `path`; weights stay where they are until they are asked for.
  /// - Parameters:
  ///   - format: what to read it as; `nil` looks at the contents.
  ///   - signatureIsOptional: whether a model without the signature is read with its usual entry point.
  public static func open(
    _ path: String, as format: ModelFormat? = nil, options: ReadOptions = ReadOptions(), signatureIsOptional: Bool = false
  ) throws -> Model {
    let format = try format ?? detect(path)
    var model = try handler(for: format).open(path, options)
    if let signature = options.signature,
      !signatureIsOptional || model.signatures.contains(where: { $0.name == signature })
    {
      try model.select(signature: signature)
    }
    return model
  }

  /// What stands at `path`, without reading weights.
  public static func inspect(_ path: String, as format: ModelFormat? = nil) throws -> Inspection {
    let format = try format ?? detect(path)
    return try handler(for: format).inspect(path)
  }

  /// Legalises `model` for `format` and writes it to `path`, which must not exist.
  /// - Returns: everything the format could not carry.
  @discardableResult
  public static func write(
    _ model: Model, as format: ModelFormat, to path: String, options: WriteOptions = WriteOptions()
  ) throws -> [Loss] {
    let handler = try handler(for: format)
    let (legal, losses) = try handler.legalize(model, options)
    return losses + (try handler.write(legal, to: path, options))
  }
}

extension FormatRegistry {
  public static let pointerExplanation = "found a Git LFS pointer instead of the model; 'git lfs pull' fetches it"

  /// Whether the file, of a model or a part of one, stands for one that has not been fetched.
  public static func isPointer(_ path: String) -> Bool {
    guard FileSystem.kind(path) == .file, let candidate = try? FormatCandidate(path: path) else { return false }
    return candidate.isPointer
  }
}

extension FormatCandidate {
  /// Whether this stands for a model that has not been fetched.
  var isPointer: Bool { has(Array("version https://git-lfs".utf8), at: 0) }

  /// Whether the first bytes are those of another kind of file, which says more than its name.
  var mayBeOther: Bool { has([0x50, 0x4B, 0x03, 0x04], at: 0) || file.map(TFLiteFile.isUnmarked) ?? false }

  /// Why nothing matched, as far as the first bytes tell.
  var explanation: String {
    let known = "expected one of " + ModelFormat.allCases.map(\.rawValue).joined(separator: ", ")
    if isDirectory { return "\(known); found a directory without saved_model.pb or model.json" }
    guard let file, file.count > 0 else { return "\(known); the file is empty" }
    if isPointer {
      return FormatRegistry.pointerExplanation
    }
    if has([0x50, 0x4B, 0x03, 0x04], at: 0) {
      return mentions(".npy")
        ? "\(known); found a NumPy archive" : "\(known); found a zip archive without config.json"
    }
    if TFLiteFile.isUnmarked(file) {
      return "found the tables of a TensorFlow Lite model without the identifier '\(TFLiteFile.identifier)' at byte 4"
    }
    let head = file.bytes.prefix(8).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return digits.count == 1 ? "0" + digits : digits
    }
    return "\(known); found \(file.count) bytes beginning with \(head.joined(separator: " "))"
  }
}
