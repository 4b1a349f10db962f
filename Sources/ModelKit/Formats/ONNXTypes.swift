import ModelTensor
import ONNXFormat

extension ValueInfoProto {
  var summary: PortSummary {
    let (dtype, shape) = type?.described ?? ("?", .unranked)
    return PortSummary(name: name ?? "", dtype: dtype, shape: shape)
  }
}

extension TensorShapeProto {
  var shape: Shape {
    .ranked(
      dim.map { dim in
        if let value = dim.dimValue { return value >= 0 ? .fixed(Int(value)) : .unknown }
        if let name = dim.dimParam, !name.isEmpty { return .named(name) }
        return .unknown
      })
  }
}

extension TypeProto {
  /// What `inspect` calls the type, and its shape when it is a tensor.
  var described: (dtype: String, shape: Shape) { described(depth: 0) }

  private func described(depth: Int) -> (String, Shape) {
    func name(_ type: TensorProto.DataType?) -> String { type?.dtype?.rawValue ?? "type \(type?.rawValue ?? 0)" }
    func inner(_ type: TypeProto?) -> String {
      guard let type, depth < 16 else { return "?" }
      let (dtype, shape) = type.described(depth: depth + 1)
      return type.tensorType == nil ? dtype : "tensor(\(dtype)\(shape))"
    }
    if let tensor = tensorType?.value { return (name(tensor.elemType), tensor.shape?.shape ?? .unranked) }
    if let sparse = sparseTensorType?.value {
      return ("sparse(\(name(sparse.elemType)))", sparse.shape?.shape ?? .unranked)
    }
    if let sequence = sequenceType?.value { return ("sequence(\(inner(sequence.elemType?.value)))", .unranked) }
    if let optional = optionalType?.value { return ("optional(\(inner(optional.elemType?.value)))", .unranked) }
    if let map = mapType?.value { return ("map(\(name(map.keyType)), \(inner(map.valueType?.value)))", .unranked) }
    if let opaque = opaqueType?.value { return ("opaque(\(opaque.domain ?? "").\(opaque.name ?? ""))", .unranked) }
    return ("?", .unranked)
  }
}
