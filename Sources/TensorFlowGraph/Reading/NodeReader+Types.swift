import ModelSupport
import ModelTensor
import ProtobufWire

extension NodeReader {
  /// The types of the results as far as the attributes tell, flat; `nil` for an op TensorFlow does not register.
  func resultTypes() throws -> [TensorType]? {
    guard let signature else { return nil }
    var dtypes: [DataType] = []
    func type(_ type: OpSignature.ArgumentType) -> DataType {
      switch type {
      case .fixed(let type): type
      case .attribute(let name): attribute(name)?.type ?? DataType(rawValue: 0)
      case .repeated(_, let element): if case .repeated = element { DataType(rawValue: 0) } else { innerType(element) }
      case .list: DataType(rawValue: 0)
      }
    }
    func innerType(_ type: OpSignature.ArgumentType) -> DataType {
      switch type {
      case .fixed(let type): type
      case .attribute(let name): attribute(name)?.type ?? DataType(rawValue: 0)
      case .repeated, .list: DataType(rawValue: 0)
      }
    }
    for output in signature.outputs {
      switch output.type {
      case .fixed, .attribute: dtypes.append(type(output.type))
      case .repeated(let number, let element):
        let count = attribute(number)?.i ?? 0
        guard (0...65536).contains(count) else { throw FormatError(.limitExceeded, "\(self.type) with \(count) results") }
        for _ in 0..<count { dtypes.append(innerType(element)) }
      case .list(let name): dtypes += attribute(name)?.list?.type ?? []
      }
    }
    let shapes = declaredShapes
    return dtypes.enumerated().map { index, type in
      TensorType(type.dtype ?? .variant, index < shapes.count ? shapes[index] : .unranked)
    }
  }

  /// The shapes that some writers note at each node.
  var declaredShapes: [Shape] { (attribute("_output_shapes") ?? attribute("output_shapes"))?.list?.shape.map(\.shape) ?? [] }

  /// The type of a placeholder; a shape of rank 0 that old writers give to all of them says nothing.
  var placeholderType: TensorType? {
    guard let dtype = (attribute("dtype") ?? attribute("T"))?.type?.dtype else { return nil }
    let shape = declaredShapes.first ?? attribute("shape")?.shape?.shape ?? .unranked
    return TensorType(dtype, shape)
  }
}
