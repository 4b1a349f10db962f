import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

extension LegacyWeights {
  /// The weights of a layer with LoRA as those of the layer without: the product of its two matrices, by `lora_alpha / lora_rank`, added to the
  /// weight they stand beside. An `.h5` file of Keras 3 lists all of them; a `.keras` archive holds the sum.
  static func withoutLoRA(_ stored: [StoredWeight], _ specs: [WeightSpec], config: JSONValue?) -> [StoredWeight] {
    guard let rank = config?["lora_rank"]?.intValue, rank > 0, stored.count == specs.count + 2 else { return stored }
    let names = stored.map { weight in
      let last = weight.name.split(separator: "/").last.map(String.init) ?? weight.name
      return last.hasSuffix(":0") ? String(last.dropLast(2)) : last
    }
    guard let a = names.firstIndex(where: { $0.hasPrefix("lora_") && $0.hasSuffix("_a") }),
      let b = names.firstIndex(where: { $0.hasPrefix("lora_") && $0.hasSuffix("_b") })
    else { return stored }
    let wanted = specs.map { spec in names.firstIndex(of: spec.name) }
    guard !wanted.contains(nil) else { return stored }
    let (first, second) = (stored[a].tensor, stored[b].tensor), target = String(names[a].dropFirst(5).dropLast(2))
    let scale = (config?["lora_alpha"]?.doubleValue ?? Double(rank)) / Double(rank)
    return zip(specs, wanted.compactMap { $0 }).map { spec, place in
      var weight = stored[place]
      let base = weight.tensor
      guard spec.name == target, first.extents.count == base.extents.count, first.extents.last == rank, second.extents.count == 2,
        second.extents.first == rank, first.extents.dropLast() == base.extents.dropLast(), second.extents.last == base.extents.last
      else { return weight }
      weight.tensor = Tensor(computing: base.type) {
        let context = ExecutionContext(primitives: ReferencePrimitives())
        var eager = EagerContext(context)
        let product = try eager.apply(MatMulOp(), try first.array(), try second.array())
        let factor = try NDArray(scalar: scale).cast(to: base.dtype, in: context)
        return try eager.add(try base.array(), try eager.mul(product, factor))
      }
      return weight
    }
  }
}
