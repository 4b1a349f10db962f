import ModelGraph
import ModelTensor

/// A network that can be trained, evaluated and saved.
///
/// Made from inputs and outputs (`Model(inputs:outputs:)`), as a `Sequential`, or by a subclass that overrides `call`.
open class Model: Layer {
  /// The calls of a functional model.
  private(set) var network: Network?
  /// Whether `fit` is to end after this batch.
  public var stopTraining = false
  var training = CompiledTraining()
  /// Where `fit` stands while it runs.
  var fitProgress: FitProgress?

  /// A subclass that computes in `call`.
  public init(name: String? = nil) { super.init(name: name) }

  /// A functional model: what lies between inputs and outputs.
  public init(inputs: [Tensor], outputs: [Tensor], name: String? = nil) throws {
    let network = try Network(inputs: inputs, outputs: outputs)
    super.init(name: name ?? LayerNames.next(for: "Functional"))
    self.network = network
    adopt(network)
  }
  public convenience init(inputs: Tensor, outputs: Tensor, name: String? = nil) throws {
    try self.init(inputs: [inputs], outputs: [outputs], name: name)
  }

  open override var className: String { network != nil ? "Functional" : super.className }

  private func adopt(_ network: Network) {
    for layer in network.layers { track(layer) }
    isBuilt = true
    inputTypes = network.inputs.map(\.type)
  }

  /// The layers, in Keras's order.
  open var layers: [Layer] { sublayers }
  /// - Throws: `TensorError` when there is none of this name.
  public func getLayer(_ name: String) throws -> Layer {
    guard let layer = layers.first(where: { $0.name == name }) else {
      throw TensorError(.invalidArgument, "'\(self.name)' has no layer '\(name)'; its layers are \(layers.map(\.name))")
    }
    return layer
  }
  /// What the model is called on while another one is built from its parts.
  public var inputs: [Tensor] { network?.inputs ?? [] }
  public var outputs: [Tensor] { network?.outputs ?? [] }

  open override func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    guard let network else { return try super.call(inputs, training: training) }
    return try network.run(inputs, training: training)
  }
}
