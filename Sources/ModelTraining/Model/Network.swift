import ModelGraph
import ModelTensor

/// The calls between inputs and outputs of a functional model, in an order in which each follows what it uses.
final class Network {
  let inputs: [Tensor]
  let outputs: [Tensor]
  /// In order of evaluation.
  let nodes: [CallNode]
  /// In Keras's order: by distance from the outputs, the farthest first.
  let layers: [Layer]
  /// The farthest distance of each call from an output.
  let depths: [ObjectIdentifier: Int]

  /// - Throws: `TensorError` when an output depends on an input that is not given.
  init(inputs: [Tensor], outputs: [Tensor]) throws {
    self.inputs = inputs
    self.outputs = outputs
    var given: Set<ObjectIdentifier> = []
    for input in inputs {
      guard let output = input.layerOutput else {
        throw TensorError(.invalidArgument, "Model: an input must be what Input or a layer gave while a model is built")
      }
      given.insert(ObjectIdentifier(output))
    }
    // Depth first without recursion: a call is done once all before it are.
    var order: [CallNode] = [], seen: Set<ObjectIdentifier> = [], visits: [ObjectIdentifier: Int] = [:]
    var stack: [(node: CallNode, isDone: Bool)] = []
    func push(_ tensor: Tensor) throws {
      guard let output = tensor.layerOutput else { return }
      if given.contains(ObjectIdentifier(output)) { return }
      guard let node = output.node else {
        throw TensorError(.invalidArgument, "Model: an output depends on the input '\(output.name)', which is none of the model's inputs")
      }
      if !seen.contains(ObjectIdentifier(node)) { stack.append((node, false)) }
    }
    for output in outputs {
      guard output.layerOutput != nil else {
        throw TensorError(.invalidArgument, "Model: an output must be what a layer gave while a model is built")
      }
      try push(output)
      while let (node, isDone) = stack.popLast() {
        if isDone {
          order.append(node)
          continue
        }
        guard seen.insert(ObjectIdentifier(node)).inserted else { continue }
        if case .layer(let layer, _, _) = node.operation, visits[ObjectIdentifier(layer)] == nil {
          visits[ObjectIdentifier(layer)] = visits.count
        }
        stack.append((node, true))
        for case let input? in node.inputs.reversed() { try push(input) }
      }
    }
    nodes = order
    var depths: [ObjectIdentifier: Int] = [:], layerDepths: [ObjectIdentifier: Int] = [:], found: [Layer] = []
    for node in order.reversed() {
      var depth = depths[ObjectIdentifier(node)] ?? 0
      if case .layer(let layer, _, _) = node.operation {
        depth = max(depth, layerDepths[ObjectIdentifier(layer)] ?? 0)
        layerDepths[ObjectIdentifier(layer)] = depth
        if !found.contains(where: { $0 === layer }) { found.append(layer) }
      }
      depths[ObjectIdentifier(node)] = depth
      for case let input? in node.inputs {
        guard let source = input.layerOutput?.node, seen.contains(ObjectIdentifier(source)) else { continue }
        depths[ObjectIdentifier(source)] = max(depth + 1, depths[ObjectIdentifier(source)] ?? 0)
      }
    }
    func key(_ layer: Layer) -> (Int, Int) { (-(layerDepths[ObjectIdentifier(layer)] ?? 0), visits[ObjectIdentifier(layer)] ?? 0) }
    layers = found.sorted { key($0) < key($1) }
    self.depths = depths
  }

  func run(_ given: [Tensor], training: Bool) throws -> [Tensor] {
    guard given.count == inputs.count else {
      throw TensorError(.invalidArgument, "the model takes \(inputs.count) inputs, found \(given.count)")
    }
    var values: [ObjectIdentifier: Tensor] = [:], results: [ObjectIdentifier: [Tensor]] = [:]
    for (input, value) in zip(inputs, given) {
      guard let output = input.layerOutput else { continue }
      values[ObjectIdentifier(output)] = try Self.fitted(value, output)
    }
    func value(_ tensor: Tensor) throws -> Tensor {
      guard let output = tensor.layerOutput else { return tensor }
      if let known = values[ObjectIdentifier(output)] { return known }
      guard let node = output.node, let all = results[ObjectIdentifier(node)], output.index < all.count else {
        throw TensorError(.invalidArgument, "the model has not computed '\(output.name)'")
      }
      return all[output.index]
    }
    for node in nodes {
      let inputs = try node.inputs.map { try $0.map(value) }
      switch node.operation {
      case .op(let op): results[ObjectIdentifier(node)] = try Dispatch.apply(op, to: inputs)
      case .layer(let layer, let keys, let options):
        let tensors = inputs.compactMap { $0 }
        let named = Dictionary(uniqueKeysWithValues: zip(keys, tensors.suffix(keys.count)))
        results[ObjectIdentifier(node)] = try layer(Array(tensors.dropLast(keys.count)), named: named, options: options, training: training)
      }
    }
    return try outputs.map(value)
  }

  /// A value as its input wants it: floats are cast, and ranks checked.
  private static func fitted(_ value: Tensor, _ input: LayerOutput) throws -> Tensor {
    var value = value
    if value.dtype != input.type.dtype, value.dtype.isFloatingPoint || value.dtype.isInteger || value.dtype == .bool {
      value = try value.cast(to: input.type.dtype)
    }
    guard let wanted = input.type.shape.dims, let found = value.type.shape.dims else { return value }
    let fits = wanted.count == found.count && zip(wanted, found).allSatisfy { $0.value == nil || $1.value == nil || $0 == $1 }
    guard fits else {
      throw TensorError(.shapeMismatch, "input '\(input.name)' of the model takes \(input.type), found \(value.type)")
    }
    return value
  }
}
