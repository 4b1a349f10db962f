import KerasConfig
import KerasStorage
import ModelSupport
import ModelTensor

/// Vocabularies that a layer learnt (`adapt`) stand beside its weights, `assets/layers/string_lookup/vocabulary.txt`; those it was made
/// with are in the configuration. Here the former are put there too.
struct Vocabularies {
  let file: KerasFile
  let tree: KerasWeightTree?
  /// A longer one is left where it is.
  private static let limit = 64 << 20

  /// The configuration with all vocabularies in it.
  func completed() throws -> JSONValue {
    guard file.assets.contains(where: { $0.name.hasSuffix("/vocabulary.txt") }) else { return file.config }
    return try completed(file.config, path: "", depth: 0)
  }

  private func completed(_ model: JSONValue, path: String, depth: Int) throws -> JSONValue {
    guard depth < 32, let layers = model["config"]?["layers"]?.arrayValue, var config = model["config"] else { return model }
    var counts: [String: Int] = [:], result = model
    config["layers"] = .array(
      try layers.map { layer in
        guard let name = layer["class_name"]?.stringValue else { return layer }
        let stem = Self.snake(name), place = counts[stem, default: 0]
        counts[stem] = place + 1
        let own = "\(path)layers/\(stem)" + (place == 0 ? "" : "_\(place)")
        if layer["config"]?["layers"] != nil { return try completed(layer, path: own + "/", depth: depth + 1) }
        return try filled(layer, own)
      })
    result["config"] = config
    return result
  }

  private func filled(_ layer: JSONValue, _ path: String) throws -> JSONValue {
    guard var config = layer["config"], config["output_mode"] != nil, config["vocabulary"]?.isNull != false,
      let source = try file.archive.source("assets/\(path)/vocabulary.txt"), source.byteCount <= Self.limit
    else { return layer }
    var bytes: [UInt8] = []
    try source.withBytes(in: 0..<source.byteCount) { bytes = Array($0) }
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true, lines.count > 1 { lines.removeLast() }
    let isText = layer["class_name"] != "IntegerLookup"
    config["vocabulary"] = .array(
      lines.map { line in
        let text = String(decoding: line, as: UTF8.self)
        return isText ? .string(text) : Int(text).map { .int($0) } ?? .string(text)
      })
    if let weights = try tree?.variables(at: "\(path)/vars").first(where: { $0.name == "idf_weights" }) {
      config["idf_weights"] = .array(try weights.tensor.array().doubles().map { .double($0) })
    }
    var layer = layer
    layer["config"] = config
    return layer
  }

  /// `StringLookup` as `string_lookup`, the way Keras names groups.
  private static func snake(_ name: String) -> String {
    var result = ""
    let letters = Array(name)
    for (index, letter) in letters.enumerated() {
      let follows = index > 0 && letter.isUppercase
      let endsRun = index + 1 < letters.count && letters[index + 1].isLowercase
      if follows, !letters[index - 1].isUppercase || endsRun { result += "_" }
      result += letter.lowercased()
    }
    return result
  }
}
