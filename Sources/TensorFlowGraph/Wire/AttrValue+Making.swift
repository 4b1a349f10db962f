import ModelSupport
import ModelTensor
import ProtobufWire

extension AttrValue {
  public static func int(_ value: Int) -> AttrValue {
    var attr = AttrValue()
    attr.i = Int64(value)
    return attr
  }
  public static func float(_ value: Double) -> AttrValue {
    var attr = AttrValue()
    attr.f = Float(value)
    return attr
  }
  public static func bool(_ value: Bool) -> AttrValue {
    var attr = AttrValue()
    attr.b = value
    return attr
  }
  public static func string(_ value: String) -> AttrValue {
    var attr = AttrValue()
    attr.s = WireBytes(value)
    return attr
  }
  public static func type(_ value: DataType) -> AttrValue {
    var attr = AttrValue()
    attr.type = value
    return attr
  }
  /// - Throws: `UnsupportedError` for a dtype TensorFlow does not have.
  public static func dtype(_ dtype: DType) throws -> AttrValue {
    guard let type = DataType(dtype) else { throw UnsupportedError("TensorFlow has no dtype \(dtype)") }
    return .type(type)
  }
  public static func shape(_ shape: Shape) -> AttrValue {
    var attr = AttrValue()
    attr.shape = TensorShapeProto(shape)
    return attr
  }
  /// - Throws: `UnsupportedError` for a dtype TensorFlow does not have.
  public static func tensor(_ tensor: Tensor) throws -> AttrValue {
    var attr = AttrValue()
    attr.tensor = Indirect(try TensorProto(tensor))
    return attr
  }
  public static func function(_ name: String) -> AttrValue {
    var attr = AttrValue(), list = NameAttrList()
    list.name = name
    attr.function = Indirect(list)
    return attr
  }
  public static func ints(_ values: [Int]) -> AttrValue { list { $0.i = values.map(Int64.init) } }
  public static func floats(_ values: [Double]) -> AttrValue { list { $0.f = values.map { Float($0) } } }
  public static func strings(_ values: [String]) -> AttrValue { list { $0.s = values.map { WireBytes($0) } } }
  public static func types(_ values: [DataType]) -> AttrValue { list { $0.type = values } }
  public static func shapes(_ values: [Shape]) -> AttrValue { list { $0.shape = values.map { TensorShapeProto($0) } } }

  private static func list(_ fill: (inout ListValue) -> Void) -> AttrValue {
    var attr = AttrValue(), list = ListValue()
    fill(&list)
    attr.list = list
    return attr
  }
}

extension TensorShapeProto {
  public init(_ shape: Shape) {
    self.init()
    guard let dims = shape.dims else {
      unknownRank = true
      return
    }
    dim = dims.map { dim in
      var entry = Dim()
      entry.size = dim.value.map(Int64.init) ?? -1
      return entry
    }
  }

  /// The shape; extents below zero are unknown ones.
  public var shape: Shape {
    if unknownRank == true { return .unranked }
    return .ranked(
      dim.map { entry in
        let size = entry.size ?? 0
        return size >= 0 ? .fixed(Int(size)) : .unknown
      })
  }
}
