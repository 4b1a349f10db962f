import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// The main graph of a SavedModel, which TensorFlow Serving and other loaders in C++ run: handles of the variables, a call for each
/// signature, and the nodes that save and restore.
struct MainGraph {
  private(set) var nodes: [NodeDef] = []
  private var names: Set<String> = []

  mutating func unique(_ base: String) -> String {
    var name = base, number = 0
    while !names.insert(name.lowercased()).inserted {
      number += 1
      name = "\(base)_\(number)"
    }
    return name
  }

  /// - Returns: the node's name.
  @discardableResult
  mutating func add(_ op: String, _ name: String, _ inputs: [String] = [], _ attributes: KeyValuePairs<String, AttrValue> = [:]) -> String {
    var node = NodeDef()
    node.name = unique(NameRules.sanitized(name))
    node.op = op
    node.input = inputs
    node.attr = attributes.map { AttrEntry($0.key, $0.value) }.sorted { ($0.key ?? "") < ($1.key ?? "") }
    nodes.append(node)
    return node.name ?? ""
  }

  /// - Returns: the name of the handle's node.
  mutating func addVariable(_ parameter: Parameter) throws -> String {
    let name = add(
      "VarHandleOp", parameter.name, [],
      [
        "dtype": try .dtype(parameter.tensor.dtype), "shape": .shape(Shape(parameter.tensor.extents)), "container": .string(""),
        "allowed_devices": .strings([]), "debug_name": .string(""),
      ])
    // Handles of one shared name are one variable, and names of parameters may repeat.
    nodes[nodes.count - 1].attr.append(AttrEntry("shared_name", .string(name)))
    nodes[nodes.count - 1].attr.sort { ($0.key ?? "") < ($1.key ?? "") }
    return name
  }

  /// A call of a function that computes a signature.
  mutating func addSignature(
    _ name: String, _ function: String, inputs: [WrittenPort], outputs: [WrittenPort], handles: [String],
    order: (inputs: [Int], outputs: [Int])
  ) throws -> SignatureDef {
    var signature = SignatureDef(), placeholders: [String] = []
    for port in inputs {
      let node = add(
        "Placeholder", "\(name)_\(port.name)", [], ["dtype": try .dtype(port.type.dtype), "shape": .shape(port.type.shape)])
      placeholders.append(node)
      signature.inputs.append(.init(port.name, TensorInfo(node + ":0", port.type)))
    }
    func types(_ ports: [WrittenPort]) throws -> [DataType] {
      try ports.map { port in
        guard let type = DataType(port.type.dtype) else { throw UnsupportedError("TensorFlow has no dtype \(port.type.dtype)") }
        return type
      }
    }
    let resources = handles.map { _ in DataType(rawValue: 20) }
    let call = add(
      "StatefulPartitionedCall", "\(name)_call", order.inputs.map { placeholders[$0] } + handles,
      [
        "Tin": .types(try types(order.inputs.map { inputs[$0] }) + resources), "Tout": .types(try types(order.outputs.map { outputs[$0] })),
        "f": .function(function), "config": .string(""), "config_proto": .string(""), "executor_type": .string(""),
      ])
    for (position, port) in outputs.enumerated() {
      let index = order.outputs.firstIndex(of: position) ?? position
      signature.outputs.append(.init(port.name, TensorInfo("\(call):\(index)", port.type)))
    }
    signature.methodName = "tensorflow/serving/predict"
    return signature
  }

  /// Nodes that write the variables to a checkpoint and read them back.
  mutating func addSaver(
    _ variables: [(handle: String, key: String, dtype: DataType)], objectGraph: [UInt8]
  ) throws -> SaverDef {
    let file = add("Placeholder", "saver_filename", [], ["dtype": .type(DataType(rawValue: 7)), "shape": .shape(.ranked([]))])
    func strings(_ name: String, _ values: [[UInt8]]) throws -> AttrValue {
      try .tensor(Tensor(TensorType(.string, [values.count]), source: StringSource(values)))
    }
    let string = AttrValue.type(DataType(rawValue: 7))
    let keys = variables.map { Array($0.key.utf8) }, objectKey = Array("_CHECKPOINTABLE_OBJECT_GRAPH".utf8)
    let none = [[UInt8]](repeating: [], count: variables.count)
    let saveNames = add("Const", "save/tensor_names", [], ["dtype": string, "value": try strings("", keys + [objectKey])])
    let saveSlices = add("Const", "save/shape_and_slices", [], ["dtype": string, "value": try strings("", none + [[]])])
    let objects = add(
      "Const", "save/object_graph", [],
      ["dtype": string, "value": try .tensor(Tensor(TensorType(.string, [Int]()), source: StringSource([objectGraph])))])
    let reads = variables.map { add("ReadVariableOp", "\($0.handle)/Read/ReadVariableOp", [$0.handle], ["dtype": .type($0.dtype)]) }
    let saved = add(
      "SaveV2", "save/SaveV2", [file, saveNames, saveSlices] + reads + [objects],
      ["dtypes": .types(variables.map(\.dtype) + [DataType(rawValue: 7)])])
    let done = add("Identity", "save/control_dependency", [file, "^\(saved)"], ["T": string])
    var restored: [String] = []
    if !variables.isEmpty {
      let names = add("Const", "restore/tensor_names", [], ["dtype": string, "value": try strings("", keys)])
      let slices = add("Const", "restore/shape_and_slices", [], ["dtype": string, "value": try strings("", none)])
      let read = add("RestoreV2", "restore/RestoreV2", [file, names, slices], ["dtypes": .types(variables.map(\.dtype))])
      for (index, variable) in variables.enumerated() {
        let value = index == 0 ? read : "\(read):\(index)"
        restored.append(
          add(
            "AssignVariableOp", "restore/AssignVariableOp", [variable.handle, value],
            ["dtype": .type(variable.dtype), "validate_shape": .bool(false)]))
      }
    }
    let all = add("NoOp", "restore_all", restored.map { "^" + $0 })
    var saver = SaverDef()
    saver.filenameTensorName = file + ":0"
    saver.saveTensorName = done + ":0"
    saver.restoreOpName = all
    saver.version = .v2
    return saver
  }
}

extension TensorInfo {
  init(_ name: String, _ type: TensorType) {
    self.init()
    self.name = name
    dtype = DataType(type.dtype)
    tensorShape = TensorShapeProto(type.shape)
  }
}
