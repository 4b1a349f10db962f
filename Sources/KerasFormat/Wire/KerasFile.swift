import HDF5Container
import KerasConfig
import KerasStorage
import ModelSupport
import ModelTensor
import ZipContainer

/// A `.keras` archive as it stands: metadata, configuration, the tree of weights, assets.
///
/// Opening reads the configuration and no weights. Usable without the rest of the toolchain:
/// ```swift
/// let file = try KerasFile(path: "model.keras")
/// print(file.version ?? "", file.config["class_name"] ?? .null)
/// let kernel = try file.variable("layers/dense/vars/0")?.array()
/// ```
public struct KerasFile: Sendable {
  public let path: String
  public let archive: ZipArchive
  /// `metadata.json`: the version, and when the model was saved.
  public let metadata: JSONValue
  /// `config.json`: the serialised model.
  public let config: JSONValue
  /// `model.weights.h5`, read in place when it is stored uncompressed; `nil` when there is none.
  public let weights: HDF5File?

  static let metadataName = "metadata.json", configName = "config.json", weightsName = "model.weights.h5"
  static let assetsPrefix = "assets/"
  /// Longer configurations are refused.
  static let textLimit = 256 << 20

  /// - Throws: `StorageError` when the file can't be opened, `FormatError` when it is no sound archive of Keras.
  public init(path: String) throws {
    self.path = path
    let archive = try ZipArchive(path: path)
    self.archive = archive
    config =
      try Self.json(Self.configName, in: archive)
      ?? {
        throw FormatError(
          .unrecognized, "expected an archive of Keras, found no '\(Self.configName)' in it", at: SourceLocation(file: path))
      }()
    metadata = try Self.json(Self.metadataName, in: archive) ?? .object([:])
    weights = try archive.source(Self.weightsName).map {
      try HDF5File(source: $0, name: "\(path)/\(Self.weightsName)")
    }
    if weights == nil, archive["model.weights.npz"] != nil {
      throw FormatError(
        .invalidValue, "the weights are in 'model.weights.npz', which holds Python objects; save the model with weights_format='h5'",
        at: SourceLocation(file: path))
    }
  }

  private static func json(_ name: String, in archive: ZipArchive) throws -> JSONValue? {
    guard let source = try archive.source(name) else { return nil }
    guard source.byteCount <= textLimit else {
      throw FormatError(.limitExceeded, "\(source.byteCount) bytes of text", at: SourceLocation(file: archive.path, path: [name]))
    }
    do {
      var result = JSONValue.null
      try source.withBytes(in: 0..<source.byteCount) { result = try JSONValue(parsing: $0) }
      return result
    } catch let error as FormatError { throw error.within(name).inFile(archive.path) }
  }

  /// The version of Keras that wrote the file: `3.15.0`.
  public var version: String? { metadata["keras_version"]?.stringValue }

  /// The weights by group.
  public func weightTree() throws -> KerasWeightTree? { try weights.map { try KerasWeightTree($0) } }

  /// The variable at a path such as `layers/dense/vars/0`.
  public func variable(_ path: String) throws -> Tensor? {
    guard let weights, case .dataset(let dataset)? = try weights.root.member(path) else { return nil }
    return try dataset.kerasTensor()
  }

  /// Files that layers keep beside their weights, such as vocabularies.
  public var assets: [ZipArchive.Entry] {
    archive.entries.filter { $0.name.hasPrefix(Self.assetsPrefix) && !$0.isDirectory }
  }

  /// Whether a zip archive is one of Keras.
  public static func matches(_ archive: ZipArchive) -> Bool { archive[configName] != nil && archive[weightsName] != nil }
}
