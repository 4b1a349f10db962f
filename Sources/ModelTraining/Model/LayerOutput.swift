import ModelGraph
import ModelOps
import ModelTensor

/// A tensor of a model that is being built (Keras's `KerasTensor`): it knows which call gives it.
final class LayerOutput: Sendable {
  let type: TensorType
  let elements: [Dim]?
  /// `nil` for an input.
  let node: CallNode?
  let index: Int
  let name: String
  init(type: TensorType, elements: [Dim]? = nil, node: CallNode?, index: Int, name: String) {
    self.type = type
    self.elements = elements
    self.node = node
    self.index = index
    self.name = name
  }
}

/// One call of a layer, or one application of an op, in a model that is being built.
final class CallNode: @unchecked Sendable {
  enum Operation {
    case layer(Layer, named: [String], options: LayerOptions)
    case op(any Op)
  }
  let operation: Operation
  /// Layer outputs and constants; the tensors given by name come last.
  let inputs: [Tensor?]
  init(_ operation: Operation, inputs: [Tensor?]) {
    self.operation = operation
    self.inputs = inputs
  }

  /// What an op gives, for inputs of a model that is being built.
  static func applying(_ op: any Op, to inputs: [Tensor?]) throws -> [Tensor] {
    let facts = try inputs.map { input -> Fact? in
      if case .symbol? = input?.handle.content { throw TensorError(.symbolic, "a tensor of a function is used to build a model") }
      return input?.fact
    }
    let types = try op.infer(facts), elements = op.inferElements(facts)
    return CallNode(.op(op), inputs: inputs).outputs(types, elements, name: op.displayName)
  }

  func outputs(_ types: [TensorType], _ elements: [[Dim]?] = [], name: String) -> [Tensor] {
    types.enumerated().map { index, type in
      Tensor(
        .layerOutput(
          LayerOutput(type: type, elements: index < elements.count ? elements[index] : nil, node: self, index: index, name: name)))
    }
  }
}

extension Tensor {
  var layerOutput: LayerOutput? { if case .layerOutput(let output) = handle.content { output } else { nil } }
}

/// The input of a model: layers are called on it.
///
/// - Parameters:
///   - shape: without the batch; -1 stands for an extent that is not known.
///   - batchSize: `nil` leaves it open.
public func Input(shape: [Int], batchSize: Int? = nil, dtype: DType = .float32, name: String? = nil) -> Tensor {
  let name = name ?? LayerNames.next(for: "InputLayer")
  let dims = [batchSize.map(Dim.fixed) ?? .unknown] + shape.map { $0 < 0 ? Dim.unknown : .fixed($0) }
  return Tensor(.layerOutput(LayerOutput(type: TensorType(dtype, .ranked(dims)), node: nil, index: 0, name: name)))
}
