import ModelSupport
import ModelTensor

/// The groups of weights that `model.json` lists, each with the files its bytes are spread over.
public struct WeightsManifest: Sendable {
  /// Weights one after the other, in files one after the other; a file may end in the middle of a weight.
  public struct Group: Sendable {
    /// Paths beside `model.json`, or `data:` URLs.
    public var paths: [String]
    public var weights: [ManifestWeight]
    public init(paths: [String], weights: [ManifestWeight]) {
      self.paths = paths
      self.weights = weights
    }
  }

  public var groups: [Group]
  public init(groups: [Group] = []) { self.groups = groups }

  /// - Throws: `FormatError` with the place inside the manifest.
  public init(_ json: JSONValue) throws {
    guard let list = json.arrayValue else { throw Self.mismatch("a list of groups", json) }
    groups = try list.enumerated().map { index, group in
      try within("group \(index + 1)") {
        guard group.objectValue != nil else { throw Self.mismatch("an object with 'paths' and 'weights'", group) }
        let paths = try (group["paths"]?.arrayValue ?? []).map { path in
          guard let text = path.stringValue else { throw Self.mismatch("a path", path) }
          return text
        }
        return Group(paths: paths, weights: try Self.weights(group["weights"] ?? .null))
      }
    }
  }

  /// The weights of one group, as `weights` of a manifest or `weightSpecs` of a document in one piece list them.
  static func weights(_ json: JSONValue) throws -> [ManifestWeight] {
    guard let list = json.arrayValue else { throw mismatch("a list of weights", json) }
    return try list.enumerated().map { index, entry in
      try within("weight \(entry["name"]?.stringValue.map { "'\($0)'" } ?? String(index))") { try ManifestWeight(entry) }
    }
  }

  static func mismatch(_ expected: String, _ found: JSONValue) -> FormatError {
    let text = found.text()
    return FormatError(.invalidStructure, "expected \(expected), found \(text.utf8.count > 60 ? String(text.prefix(57)) + "…" : text)")
  }
}

/// One weight of a manifest: what it is called, and how its bytes are to be understood.
public struct ManifestWeight: Sendable {
  public var name: String
  /// Its type once it is dequantised.
  public var dtype: DType
  public var shape: [Int]
  public var quantization: WeightQuantization?
  /// What it belongs to, when that is not the model: `optimizer`.
  public var group: String?

  public init(name: String, dtype: DType, shape: [Int], quantization: WeightQuantization? = nil) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.quantization = quantization
  }

  /// What TF.js and its Python package store (`_OUTPUT_DTYPES` of `write_weights.py`).
  static let dtypes: Set<DType> = [.float32, .int32, .bool, .string, .complex64, .uint8, .uint16, .float16]

  init(_ json: JSONValue) throws {
    guard let name = json["name"]?.stringValue else { throw WeightsManifest.mismatch("a weight with a name", json) }
    guard let dtype = json["dtype"]?.stringValue.flatMap(DType.init(rawValue:)), Self.dtypes.contains(dtype) else {
      let known = Self.dtypes.map(\.rawValue).sorted().joined(separator: ", ")
      throw FormatError(.invalidValue, "expected as dtype one of \(known), found \(json["dtype"]?.text() ?? "none")")
    }
    guard let extents = json["shape"]?.arrayValue else { throw WeightsManifest.mismatch("a list as shape", json["shape"] ?? .null) }
    guard extents.count <= 32 else { throw FormatError(.limitExceeded, "a shape of \(extents.count) axes") }
    shape = try extents.map { extent in
      guard let value = extent.intValue, value >= 0 else { throw WeightsManifest.mismatch("an extent", extent) }
      return value
    }
    self.name = name
    self.dtype = dtype
    group = json["group"]?.stringValue
    if let quantization = json["quantization"], !quantization.isNull {
      self.quantization = try within("quantization") { try WeightQuantization(quantization, of: dtype) }
    }
  }

  /// The number of elements.
  /// - Throws: `FormatError.limitExceeded` when it does not fit an integer.
  public func elementCount() throws -> Int {
    guard let count = checkedProduct(shape) else { throw FormatError(.limitExceeded, "the shape \(shape) has too many elements") }
    return count
  }

  /// The bytes in the file; `nil` for strings, whose lengths stand between them.
  public func byteCount() throws -> Int? {
    let stored = quantization?.dtype ?? dtype
    guard stored != .string else { return nil }
    guard let count = stored.byteCount(of: try elementCount()) else {
      throw FormatError(.limitExceeded, "the shape \(shape) of \(stored) takes too many bytes")
    }
    return count
  }

  var json: JSONValue {
    var result: JSONValue = [
      "name": .string(name), "shape": .array(shape.map { .int($0) }), "dtype": .string(dtype.rawValue),
    ]
    if let quantization { result["quantization"] = quantization.json }
    return result
  }
}
