import ModelSupport
import TFJSFormat

extension FormatCandidate {
  /// What kind of model of TensorFlow.js it is: the document says it in its `format`, or its topology shows it.
  var tfjsKind: TFJSFile.Kind? {
    guard let file, let first = file.bytes.first(where: { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }), first == UInt8(ascii: "{"),
      mentions("modelTopology") || mentions("weightsManifest"), let json = try? JSONValue(parsing: file.bytes, file: nil)
    else { return nil }
    return TFJSFile.kind(of: json)
  }
}

extension Inspection {
  /// What both kinds of models of TensorFlow.js say beside their topology.
  mutating func describe(_ file: TFJSFile) {
    let shards = file.shardPaths.compactMap { try? containedPath($0, in: file.directory) }
    fileBytes = file.documentBytes + shards.map(FileSystem.byteCount).reduce(0, +)
    let words = ["generatedBy", "convertedBy"].compactMap { file.document[$0]?.stringValue }
    producer = words.isEmpty ? "TensorFlow.js" : words.joined(separator: ", ")
    for (key, value) in file.document["userDefinedMetadata"]?.objectValue ?? [:] where key != "signature" {
      metadata[key] = value.stringValue ?? value.text()
    }
    let quantized = file.manifest.groups.flatMap(\.weights).compactMap(\.quantization?.dtype.rawValue)
    if !quantized.isEmpty { metadata["quantisation"] = Set(quantized).sorted().joined(separator: ", ") }
    if !file.shardPaths.isEmpty { metadata["shards"] = String(file.shardPaths.count) }
  }
}
