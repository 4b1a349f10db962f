import FlatBufferWire
import ModelGraph
import ModelSupport

/// What a TFLite source said beside what it computes, for a result that is TFLite again.
struct KeptMetadata {
  /// Buffers by their names.
  var entries: [(name: String, content: FlatBytes)] = []
  var description: String?
  var losses: [Loss] = []

  /// What describes inputs and outputs by their number is kept where they are as many as before.
  init(_ model: Model) {
    guard let residue = model.residue[TFLiteResidue.key] as? TFLiteResidue else { return }
    let file = residue.file, main = file.subgraphs.first
    description = file.model.description
    let isSame =
      main?.inputs?.count == model.mainGraph.openInputs.count && main?.outputs?.count == model.mainGraph.openOutputs.count
    for (name, content) in file.metadata where name != "min_runtime_version" && model.metadata[name] == nil {
      guard name != "TFLITE_METADATA" || isSame else {
        losses.append(Loss("metadata '\(name)'", reason: "it describes other inputs and outputs"))
        continue
      }
      entries.append((name, content))
    }
    let files = (try? file.associatedFiles()) ?? []
    if !files.isEmpty {
      let names = files.map(\.name).joined(separator: ", ")
      losses.append(Loss("associated files \(names)", reason: "a model that is written anew has no archive behind it"))
    }
  }
}
