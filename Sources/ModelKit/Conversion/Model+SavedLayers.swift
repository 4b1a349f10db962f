import ModelGraph
import ModelLayers
import ModelPasses
import ModelSupport
import SavedModelFormat

extension Model {
  /// The layers that a SavedModel tells of beside its operators, where they are the main entry point once more and Keras 3 reads what
  /// the format says of them.
  func savedLayers(for format: ModelFormat) -> Model? {
    // Layers that can't be read are none: the operators tell all that the model computes.
    guard let saved = residue[SavedKerasLayers.residueKey] as? SavedKerasLayers, let layers = try? saved.model() else { return nil }
    let own = mainGraph, other = layers.mainGraph
    guard Set(own.inputs.map(\.name)) == Set(other.inputs.map(\.name)), own.outputs.count == other.outputs.count else { return nil }
    // Called with keywords, and with the shapes it was built for, Keras 2 writes it into an `.h5` file, which Keras 3 refuses.
    let holdsAttention = layers.graphs.values.contains { graph in
      graph.nodeSlots.contains { ($0?.op as? LayerOp)?.layer is MultiHeadAttention }
    }
    return format == .h5 && holdsAttention ? nil : layers
  }

  /// The layers that a SavedModel tells of, where they are all that it is: its only entry point, with the same names of inputs and outputs.
  /// They train as they did, and what `compile` was told is among them.
  public var layersToTrain: Model? {
    guard signatures.count <= 1, let layers = savedLayers(for: .savedmodel),
      Set(layers.mainGraph.outputs.map(\.name)) == Set(mainGraph.outputs.map(\.name)), layers.mainGraph.states.isEmpty
    else { return nil }
    return layers
  }

  /// That a SavedModel's layers are not among what is written, where a reader would look for them.
  func layersLeftOut(of format: ModelFormat) -> [Loss] {
    guard format == .savedmodel, residue[SavedKerasLayers.residueKey] is SavedKerasLayers else { return [] }
    return [Loss("layers", reason: "written as operators, of which Keras 2 does not bring them back")]
  }
}
