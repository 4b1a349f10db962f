import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

/// What older files store differently. The conversions are those of Keras 2's own loader:
///
/// 1. Keras 1 stores the matrices of each gate by themselves: 12 arrays of an LSTM, 9 of a GRU.
/// 2. Keras 1 stores convolution kernels of channels-first layers as `[out, in, spatial…]`.
/// 3. Files of the Theano backend hold kernels of true convolutions: flipped along the spatial axes.
/// 4. The cuDNN layers transpose the matrices of each gate and have two biases.
enum LegacyWeights {
  /// The tensors of one entry of `layer_names` in the order and layout of today.
  static func modernized(
    _ stored: [StoredWeight], _ specs: [WeightSpec], of record: LayerRecord, generation: KerasGeneration, backend: String?
  ) throws -> [Tensor] {
    var tensors = stored.map(\.tensor)
    if generation == .keras1, tensors.count != specs.count { tensors = merged(tensors, specs) }
    guard tensors.count == specs.count else { return tensors }
    for index in specs.indices {
      let spec = specs[index]
      if ["kernel", "recurrent_kernel"].contains(spec.name), spec.shape.count >= 3 {
        tensors[index] = kernel(tensors[index], spec, isTheano: backend == "theano")
      }
      if spec.name == "bias", index >= 2, specs[index - 1].name == "recurrent_kernel", specs[index - 2].name == "kernel",
        specs[index - 1].shape.count == 2
      {
        try cuDNN(&tensors, specs, at: index - 2)
      }
    }
    return tensors
  }

  private static func context() -> ExecutionContext { ExecutionContext(primitives: ReferencePrimitives()) }

  // MARK: Gates

  private static func merged(_ tensors: [Tensor], _ specs: [WeightSpec]) -> [Tensor] {
    guard specs.count % 3 == 0, !specs.isEmpty else { return tensors }
    let groups = specs.count / 3
    // Gates stand as i, c, f, o in Keras 1, as i, f, c, o now.
    let order: [Int]
    if tensors.count == 12 * groups {
      order = [0, 2, 1, 3]
    } else if tensors.count == 9 * groups {
      order = [0, 1, 2]
    } else {
      return tensors
    }
    let size = order.count * 3
    return (0..<groups).flatMap { group in
      (0..<3).map { part in
        joined(order.map { tensors[group * size + $0 * 3 + part] })
      }
    }
  }

  /// Arrays side by side along the last axis.
  private static func joined(_ parts: [Tensor]) -> Tensor {
    var extents = parts[0].extents
    guard !extents.isEmpty, parts.allSatisfy({ $0.extents.count == extents.count }) else { return parts[0] }
    extents[extents.count - 1] = parts.reduce(0) { $0 + ($1.extents.last ?? 0) }
    let axis = extents.count - 1
    return Tensor(computing: TensorType(parts[0].dtype, extents)) {
      try first(try ConcatOp(axis: axis).evaluate(try parts.map { try $0.array() }, in: context()))
    }
  }

  // MARK: Kernels

  private static func kernel(_ tensor: Tensor, _ spec: WeightSpec, isTheano: Bool) -> Tensor {
    var tensor = tensor
    let rank = spec.shape.count
    if tensor.extents != spec.shape, tensor.extents.count == rank {
      let outermost = Array(2..<rank) + [1, 0], swapped = Array(0..<(rank - 2)) + [rank - 1, rank - 2]
      for order in [outermost, Array(2..<rank) + [0, 1], swapped] where order.map({ tensor.extents[$0] }) == spec.shape {
        tensor = tensor.transposed(order)
        break
      }
    } else if tensor.extents.count == rank + 1, rank == 3, tensor.extents[1] == 1 {
      // One-dimensional convolutions were two-dimensional ones.
      tensor = tensor.reshaped([tensor.extents[0], tensor.extents[2], tensor.extents[3]])
    }
    guard isTheano else { return tensor }
    let axes = Array(0..<(rank - 2))
    return tensor.mapped(to: tensor.type) { try first(try ReverseOp(axes: axes).evaluate([$0], in: context())) }
  }

  // MARK: cuDNN

  private static func cuDNN(_ tensors: inout [Tensor], _ specs: [WeightSpec], at index: Int) throws {
    let bias = tensors[index + 2], expected = specs[index + 2].shape
    guard let count = checkedProduct(expected), let units = specs[index + 1].shape.first, units > 0, bias.extents.count == 1 else { return }
    let gates = specs[index + 1].shape[1] / units
    if gates == 4, expected == [4 * units], bias.extents == [8 * units] {
      tensors[index + 2] = bias.mapped(to: TensorType(bias.dtype, [4 * units])) { array in
        try first(try AddOp().evaluate([array.slice(0..<(4 * units)), array.slice((4 * units)..<(8 * units))], in: context()))
      }
    } else if gates == 3, expected == [2, 3 * units], bias.extents == [count] {
      tensors[index + 2] = bias.reshaped(expected)
    } else {
      return
    }
    guard tensors[index].extents == specs[index].shape, tensors[index + 1].extents == specs[index + 1].shape else { return }
    tensors[index] = transposedGates(tensors[index], gates: gates)
    tensors[index + 1] = transposedGates(tensors[index + 1], gates: gates)
  }

  /// Each gate's `[in, units]` block holds the transpose's elements in order.
  private static func transposedGates(_ tensor: Tensor, gates: Int) -> Tensor {
    let rows = tensor.extents[0], units = tensor.extents[1] / gates
    return tensor.mapped(to: tensor.type) { array in
      let blocks = try SplitOp(axis: 1, count: gates).evaluate([array], in: context())
      let turned = try blocks.map { block in
        try first(try TransposeOp(permutation: [1, 0]).evaluate([block.reshaped([units, rows])], in: context()))
      }
      return try first(try ConcatOp(axis: 1).evaluate(turned, in: context()))
    }
  }

  private static func first(_ arrays: [NDArray]) throws -> NDArray {
    guard let array = arrays.first else { throw GraphError(.invalidStructure, "an op without a result") }
    return array
  }
}
