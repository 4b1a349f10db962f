import ModelSupport

/// The files with labels for the rows of embeddings: one for all, or one for each layer by name.
public enum EmbeddingsMetadata: Sendable, ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral {
  case all(String)
  case layers([String: String])
  public init(stringLiteral value: String) { self = .all(value) }
  public init(dictionaryLiteral elements: (String, String)...) { self = .layers(Dictionary(elements) { $1 }) }
}

extension TensorBoard {
  /// Tells the projector which weights are embeddings, in Keras's words.
  /// - Throws: `TensorError` for labels of a layer that is no `Embedding` of the model.
  func configureEmbeddings() throws {
    let layers = model?.layers.filter { $0.className == "Embedding" } ?? []
    if case .layers(let paths) = embeddingsMetadata,
      let stranger = paths.keys.sorted().first(where: { name in !layers.contains { $0.name == name } })
    {
      throw TensorError(.invalidArgument, "TensorBoard: embeddingsMetadata names '\(stranger)', which is no Embedding of the model")
    }
    var text = ""
    for layer in layers {
      text += "embeddings {\n  tensor_name: \"layer_with_weights-0/embeddings/.ATTRIBUTES/VARIABLE_VALUE\"\n"
      let path: String?
      switch embeddingsMetadata {
      case .all(let one): path = one
      case .layers(let paths): path = paths[layer.name]
      }
      if let path { text += "  metadata_path: \(JSONValue.string(path).text())\n" }
      text += "}\n"
    }
    let output = try AtomicOutput(destination: "\(logDirectory)/projector_config.pbtxt", replaceExisting: true)
    let file = try OutputFile(creating: output.temporaryPath)
    try file.append(Array(text.utf8))
    try file.finish()
    try output.commit()
  }
}
