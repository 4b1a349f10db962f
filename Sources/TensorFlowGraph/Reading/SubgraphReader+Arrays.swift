import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

extension SubgraphReader {
  /// Reads the ops of a TensorArray; `nil` for any other op. What is in the array flows as its `flow`, a sequence.
  func readArray(
    _ node: NodeDef, _ type: String, name: String, _ inputs: [Symbol], in g: inout GraphContext
  ) throws -> [Symbol]? {
    guard type.hasPrefix("TensorArray") else { return nil }
    let reader = NodeReader(node, inputs: [], functionAttributes: attributes)
    enter(name, in: &g)
    func input(_ index: Int, in g: inout GraphContext) throws -> ValueID {
      guard index < inputs.count else { throw FormatError(.invalidStructure, "\(type) has \(inputs.count) inputs") }
      return try value(of: inputs[index], in: &g)
    }
    func shapeValue(_ shape: Shape, in g: inout GraphContext) throws -> ValueID {
      guard let dims = shape.dims else { return try g.constant(NDArray(scalar: Int32(-1))) }
      return try g.ints(dims.map { $0.value ?? -1 })
    }
    if type == "TensorArrayV3" {
      let array = TensorArray(
        dtype: try reader.dtype("dtype"), elementShape: try reader.shape("element_shape"), grows: try reader.flag("dynamic_size"))
      let count = try input(0, in: &g), shape = try shapeValue(array.elementShape, in: &g)
      return [.array(array), .value(try g.apply(SequenceReserveOp(dtype: array.dtype), shape, count))]
    }
    guard case .array(let array)? = inputs.first else { return nil }
    func shape(_ attribute: String) throws -> Shape {
      let given = try reader.shape(attribute)
      return given.rank == nil ? array.elementShape : given
    }
    switch type {
    case "TensorArrayWriteV3":
      let place = try input(1, in: &g), item = try input(2, in: &g), flow = try input(3, in: &g)
      return [.value(try g.apply(SequenceSetOp(grows: array.grows), flow, place, item))]
    case "TensorArrayReadV3":
      let place = try input(1, in: &g), flow = try input(2, in: &g), told = try shapeValue(array.elementShape, in: &g)
      return [.value(try g.apply(SequenceGetOp(dtype: array.dtype), flow, place, told))]
    case "TensorArrayGatherV3":
      let places = try input(1, in: &g), flow = try input(2, in: &g), told = try shapeValue(try shape("element_shape"), in: &g)
      return [.value(try g.apply(SequenceStackOp(dtype: array.dtype), flow, told, places))]
    case "TensorArrayScatterV3":
      let places = try input(1, in: &g), tensor = try input(2, in: &g), flow = try input(3, in: &g)
      return [.value(try g.apply(SequenceScatterOp(), flow, tensor, places))]
    case "TensorArraySizeV3":
      return [.value(try g.cast(try g.apply(SequenceLengthOp(), try input(1, in: &g)), to: .int32))]
    case "TensorArrayConcatV3":
      let flow = try input(1, in: &g)
      return [.value(try g.apply(ConcatFromSequenceOp(axis: 0), flow)), .value(try g.apply(SequenceExtentsOp(), flow))]
    case "TensorArraySplitV3":
      let tensor = try input(1, in: &g), lengths = try input(2, in: &g)
      return [.value(try g.apply(SplitToSequenceOp(axis: 0), tensor, lengths))]
    case "TensorArrayCloseV3": return []
    default: return nil
    }
  }
}
