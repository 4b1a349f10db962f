import FlatBufferWire
import ModelSupport
import ZipContainer

extension TFLiteFile {
  /// The oldest runtime that executes the model, as its converter found; `nil` when it says nothing.
  public var minimumRuntimeVersion: String? {
    guard let content = metadata(named: "min_runtime_version"), content.count <= 256, let bytes = try? content.bytes() else { return nil }
    let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    return text.isEmpty ? nil : text
  }

  /// What the converter tells of itself.
  /// - Throws: `FormatError` when it is there and damaged.
  public func conversionMetadata() throws -> ConversionMetadata? {
    guard let content = metadata(named: "CONVERSION_METADATA") else { return nil }
    return try within("metadata CONVERSION_METADATA") { try ConversionMetadata(reading: content.source) }
  }

  /// The description for people and code generators.
  /// - Throws: `FormatError` when it is there and damaged.
  public func modelMetadata() throws -> ModelMetadata? {
    guard let content = metadata(named: "TFLITE_METADATA") else { return nil }
    return try within("metadata TFLITE_METADATA") { try ModelMetadata(reading: content.source) }
  }

  /// The files packed behind the model: labels, vocabularies. Empty when nothing is packed.
  /// - Throws: `FormatError` when the archive is damaged.
  public func associatedFiles() throws -> [ZipArchive.Entry] {
    guard let trailer, trailer.count >= 22, !path.isEmpty else { return [] }
    let start = try trailer.source.slice(0..<min(trailer.count, 64)).bytes()
    guard start.indices.contains(where: { start[$0...].starts(with: [0x50, 0x4B, 3, 4]) }) else { return [] }
    return try ZipArchive(path: path).entries
  }
}
