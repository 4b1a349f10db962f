import ModelGraph
import ModelTensor
import ProtobufWire

extension TensorShapeProto {
  /// The shape; a dimension without extent and name, or with an impossible extent, is unknown.
  public var shape: Shape {
    .ranked(
      dim.map { dim in
        if let name = dim.dimParam, !name.isEmpty { return .named(name) }
        if let value = dim.dimValue, value >= 0 { return .fixed(Int(value)) }
        return .unknown
      })
  }
}

extension TypeProto {
  /// The type of a tensor. Sequences, maps and optionals are `.variant`; `nil` when nothing is said.
  public var type: TensorType? {
    if let tensor = tensorType {
      guard let dtype = tensor.elemType?.dtype else { return nil }
      return TensorType(dtype, tensor.shape?.shape ?? .unranked)
    }
    if let sparse = sparseTensorType {
      guard let dtype = sparse.elemType?.dtype else { return nil }
      return TensorType(dtype, sparse.shape?.shape ?? .unranked)
    }
    if let sequence = sequenceType {
      guard let element = sequence.elemType?.value.type else { return TensorType(.variant, .ranked([])) }
      return .sequence(of: element)
    }
    if let optional = optionalType {
      guard let element = optional.elemType?.value.type else { return TensorType(.variant, .ranked([])) }
      return .optional(element)
    }
    if mapType != nil || opaqueType != nil { return TensorType(.variant, .ranked([])) }
    return nil
  }
}

extension TypeProto {
  /// The type of a tensor; `nil` for one that ONNX has no word for.
  init?(_ type: TensorType) {
    self.init()
    if let variant = type.variant {
      guard let element = TypeProto(variant.element) else { return nil }
      switch variant {
      case .sequence:
        var sequence = Sequence()
        sequence.elemType = Indirect(element)
        sequenceType = Indirect(sequence)
      case .optional:
        var optional = OptionalType()
        optional.elemType = Indirect(element)
        optionalType = Indirect(optional)
      }
      return
    }
    guard let dataType = TensorProto.DataType(type.dtype) else { return nil }
    var tensor = Tensor()
    tensor.elemType = dataType
    if case .ranked(let dims) = type.shape {
      var shape = TensorShapeProto()
      shape.dim = dims.map { dim in
        var proto = TensorShapeProto.Dimension()
        switch dim {
        case .fixed(let value): proto.dimValue = Int64(value)
        // An expression is nobody's name.
        case .named(let name) where !name.contains("≤"): proto.dimParam = name
        case .named: break
        case .unknown: break
        }
        return proto
      }
      tensor.shape = shape
    }
    tensorType = Indirect(tensor)
  }
}

extension TensorType {
  /// This type with what `other` knows more: dimensions, or a rank. Contradictions leave this one as it is.
  func refined(by other: TensorType?) -> TensorType {
    if dtype == .variant, variant == nil, let other, other.dtype == .variant { return other }
    guard let other, other.dtype == dtype, dtype != .variant, let theirs = other.shape.dims else { return self }
    guard let ours = shape.dims else { return TensorType(dtype, other.shape, quantization: quantization) }
    guard ours.count == theirs.count else { return self }
    let dims = zip(ours, theirs).map { own, their -> Dim in
      switch (own, their) {
      case (.unknown, _): their
      case (.named, .fixed): their
      default: own
      }
    }
    return TensorType(dtype, .ranked(dims), quantization: quantization)
  }
}
