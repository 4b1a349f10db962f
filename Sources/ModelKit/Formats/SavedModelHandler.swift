import KerasConfig
import ModelGraph
import ModelPasses
import ModelSupport
import SavedModelFormat
import TensorFlowGraph

/// A TensorFlow SavedModel or frozen graph, inspected from the messages of the file so that unknown operators show as they are.
struct SavedModelHandler: FormatHandler {
  let format = ModelFormat.savedmodel
  func matches(_ candidate: FormatCandidate) -> Bool {
    if let entries = candidate.entries { return entries.contains("saved_model.pb") || entries.contains("saved_model.pbtxt") }
    guard let file = candidate.file else { return false }
    return SavedModelFile.isSavedModel(file) || SavedModelFile.matchesGraph(file)
  }
  func inspect(_ path: String) throws -> Inspection {
    let file = try SavedModelFile(path: path)
    return SavedModelInspection(file, try file.metaGraph()).result
  }

  func open(_ path: String) throws -> Model { try SavedModelReader.read(path) }
  func open(_ path: String, _ options: ReadOptions) throws -> Model { try SavedModelReader.read(path, tags: options.tags) }

  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    var model = model, profile = TensorFlowGraphWriter.profile("a SavedModel")
    // The past of a stream is kept in variables; layers over whole sequences start anew, as the layers do that they come from.
    var forgotten: [Loss] = []
    if model.isStream {
      forgotten = ResolveState.losses(of: model, target: profile.name, roles: [.sequence])
      try ResolveState(roles: [.sequence]).run(&model)
      profile.holdsState = true
    }
    var legalizer = Legalizer(profile, ioLayout: options.layout)
    legalizer.keepsWeightsOf = ["LSTM", "GRU", "SimpleRNN", "Bidirectional", "RNN"]
    var (legal, losses) = try legalizer.run(model)
    losses = forgotten + losses
    guard model.isMadeOfLayers, options.layout == .keep else { return (legal, losses) }
    do {
      let document = try KerasModelConfig.write(model, generation: .keras2, isForKeras2Alone: true, namesTensors: true)
      legal.residue[KerasLayers.residueKey] = try KerasLayers(document, model)
    } catch let error as UnsupportedError {
      let names = error.items.map(\.name).joined(separator: ", ")
      losses.append(Loss("layers", reason: "Keras 2 does not bring them back from a SavedModel: \(names)"))
    }
    return (legal, losses)
  }

  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool {
    // A frozen graph becomes a directory.
    guard options.layout == .keep, FileSystem.kind(source) == .directory else { return false }
    try FileSystem.copy(source, to: path)
    return true
  }

  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try SavedModelWriter().write(model, to: path)
  }
}

extension Model {
  /// Whether a graph of canonical ops keeps the past of a stream.
  fileprivate var isStream: Bool { !isMadeOfLayers && graphs.values.contains { $0.states.contains { $0.role == .stream } } }
}
