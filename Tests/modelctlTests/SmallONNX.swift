import ONNXFormat
import ProtobufWire

extension Scratch {
  /// Writes an ONNX model that computes `y = relu(x + w)` for `x` of `[N, 3]`.
  @discardableResult
  func onnx(_ name: String, weight: [Float] = [0.5, -1, 2], op: String = "Relu", domain: String? = nil) throws -> String {
    var add = NodeProto(), last = NodeProto()
    add.name = "add"
    add.opType = "Add"
    add.input = ["x", "w"]
    add.output = ["sum"]
    last.name = "last"
    last.opType = op
    last.domain = domain
    last.input = ["sum"]
    last.output = ["y"]
    var w = TensorProto()
    w.name = "w"
    w.dataType = TensorProto.DataType(.float32)
    w.dims = [3]
    w.rawData = WireBytes(weight.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
    var graph = GraphProto()
    graph.name = "small"
    graph.node = [add, last]
    graph.initializer = [w]
    graph.input = [Self.port("x")]
    graph.output = [Self.port("y")]
    var opset = OperatorSetIdProto()
    opset.version = 18
    var model = ModelProto()
    model.irVersion = 8
    model.producerName = "tests"
    model.opsetImport = [opset]
    model.graph = graph
    var author = StringStringEntryProto()
    author.key = "author"
    author.value = "someone"
    model.metadataProps = [author]
    try model.write(to: file(name))
    return file(name)
  }

  private static func port(_ name: String) -> ValueInfoProto {
    var batch = TensorShapeProto.Dimension(), three = TensorShapeProto.Dimension()
    batch.dimParam = "N"
    three.dimValue = 3
    var shape = TensorShapeProto()
    shape.dim = [batch, three]
    var tensor = TypeProto.Tensor()
    tensor.elemType = TensorProto.DataType(.float32)
    tensor.shape = shape
    var type = TypeProto()
    type.tensorType = Indirect(tensor)
    var port = ValueInfoProto()
    port.name = name
    port.type = type
    return port
  }
}
