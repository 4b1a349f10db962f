import ModelGraph
import ModelOps
import ModelPasses
import ModelSupport
import TFLiteFormat

extension TFLiteHandler {
  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    var legalizer = Legalizer(TFLiteWriter.profile(), ioLayout: options.layout, foldsWeights: true)
    // TensorFlow's graphs may be legal, and yet have constants to fold and operators to join.
    legalizer.leavesLegal = model.format == ModelFormat.tflite.rawValue
    var result = try legalizer.run(model)
    if Self.hasSignedWeights(model) { result.model.metadata[Self.signedWeights] = model.format }
    return result
  }

  /// The metadata that says that the model's 8-bit weights had a sign in the format it came from, and which that was.
  private static let signedWeights = "modelctl.signed_weights"

  /// Whether an ONNX model holds `int8` weights, which ONNX Runtime's quantiser writes and others write as `uint8`.
  private static func hasSignedWeights(_ model: Model) -> Bool {
    model.format == ModelFormat.onnx.rawValue
      && model.graphs.values.contains { graph in
        graph.nodeSlots.contains { node in
          guard let node, let place = Self.weights(of: node.op), node.inputs.indices.contains(place), let w = node.inputs[place]
          else { return false }
          return graph[w].type.dtype == .int8 && model.tensor(w, in: graph) != nil
        }
      }
  }

  /// Which input of an operator may be integer weights.
  private static func weights(of op: any Op) -> Int? {
    switch op {
    case is DequantizeLinearOp: 0
    case is QLinearConvOp, is QLinearMatMulOp: 3
    default: nil
    }
  }

  static func hadSignedWeights(_ model: Model) -> Bool {
    guard let residue = model.residue[TFLiteResidue.key] as? TFLiteResidue else { return false }
    return residue.file.metadata.contains { $0.name == signedWeights }
  }

  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try TFLiteWriter().write(model, to: path)
  }
}
