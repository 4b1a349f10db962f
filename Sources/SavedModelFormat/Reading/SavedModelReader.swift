import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// Reads a SavedModel or a frozen graph as canonical ops: a graph for each signature.
public enum SavedModelReader {
  /// - Parameter tags: of the meta graph to read; empty for the one that serves, or the only one.
  /// - Throws: `FormatError` naming the file and the place; `StorageError`; `UnsupportedError` for state that can't be followed.
  public static func read(_ path: String, tags: [String] = []) throws -> Model {
    let file = try SavedModelFile(path: path)
    do { return try read(file, try file.metaGraph(tags: tags.isEmpty ? nil : tags)) } catch let error as FormatError {
      throw error.location.file == nil ? error.inFile(path) : error
    }
  }

  private static func read(_ file: SavedModelFile, _ meta: MetaGraph) throws -> Model {
    var model: Model
    if file.isFrozenGraph {
      model = try TensorFlowGraphReader(meta.graph).read([.inferred(from: meta.graph)])
    } else {
      let signatures = try meta.signatures.map { name, definition in
        try within("signature \(name)") { try meta.signature(name, definition) }
      }
      guard !signatures.isEmpty else {
        throw UnsupportedError("\(file.path): the SavedModel has no signatures: there is no entry point to read")
      }
      let main = signatures.first { $0.name == "serving_default" } ?? signatures[0]
      model = try TensorFlowGraphReader(meta.graph, variables: CheckpointVariables(meta)).read(signatures, main: main.name)
    }
    model.format = "savedmodel"
    if let layers = SavedKerasLayers(meta) { model.residue[SavedKerasLayers.residueKey] = layers }
    let assets = try SavedAssets(meta)
    if !assets.files.isEmpty { model.residue[SavedAssets.residueKey] = assets }
    if let version = meta.definition.metaInfoDef?.tensorflowVersion, !version.isEmpty { model.producer = "TensorFlow \(version)" }
    return model
  }
}

extension MetaGraph {
  /// A signature's ports in order: the file's own where modelctl wrote it; TensorFlow's lists have no order, so by name there, numbers
  /// by their value.
  ///
  /// Sparse and ragged tensors are the dense ones they are made of, named as TensorFlow 2 names them in a SavedModel of TensorFlow 1.
  public func ports(_ definition: SignatureDef) -> (inputs: [(key: String, info: TensorInfo)], outputs: [(key: String, info: TensorInfo)]) {
    let inputs = definition.inputs.flatMap { ($0.value ?? TensorInfo()).components(of: $0.key ?? "") }
    let outputs = definition.outputs.flatMap { ($0.value ?? TensorInfo()).components(of: $0.key ?? "") }
    if self.definition.metaInfoDef?.tensorflowGitVersion == SavedModelWriter.gitVersion { return (inputs, outputs) }
    func sorted(_ ports: [(key: String, info: TensorInfo)]) -> [(key: String, info: TensorInfo)] {
      ports.sorted { NaturalOrder.key($0.key) < NaturalOrder.key($1.key) }
    }
    return (sorted(inputs), sorted(outputs))
  }

  func signature(_ name: String, _ definition: SignatureDef) throws -> GraphSignature {
    func port(_ key: String, _ info: TensorInfo) throws -> GraphSignature.Port {
      guard let reference = info.name, !reference.isEmpty else {
        throw FormatError(.missingReference, "'\(key)' names no tensor")
      }
      let type = info.dtype?.dtype.map { TensorType($0, info.tensorShape?.shape ?? .unranked) }
      return GraphSignature.Port(key, reference: reference, type: type)
    }
    let (inputs, outputs) = ports(definition)
    return GraphSignature(
      name, inputs: try inputs.map { try port($0.key, $0.info) }, outputs: try outputs.map { try port($0.key, $0.info) })
  }
}

/// Names in the order people expect: `output_2` before `output_10`.
private enum NaturalOrder {
  struct Key: Comparable {
    var parts: [(text: String, number: Int?)]
    static func == (a: Key, b: Key) -> Bool { !(a < b) && !(b < a) }
    static func < (a: Key, b: Key) -> Bool {
      for (x, y) in zip(a.parts, b.parts) {
        if let m = x.number, let n = y.number, m != n { return m < n }
        if x.text != y.text { return x.text < y.text }
      }
      return a.parts.count < b.parts.count
    }
  }

  static func key(_ name: String) -> Key {
    var parts: [(text: String, number: Int?)] = [], current = "", isDigits = false
    func close(_ parts: inout [(text: String, number: Int?)]) {
      if !current.isEmpty { parts.append((current, isDigits ? Int(current) : nil)) }
    }
    for character in name {
      let digit = character.isASCII && character.isNumber
      if digit != isDigits {
        close(&parts)
        current = ""
        isDigits = digit
      }
      current.append(character)
    }
    close(&parts)
    return Key(parts: parts)
  }
}
