import KerasConfig
import ModelGraph
import ModelLayers
import ModelOps
import ModelPasses
import ModelTensor
import TestSupport
import Testing

/// Every layer that Keras recorded, as a model of one layer: lowered, and lowered and folded, it computes what Keras
/// computed, also when the batch is unknown.
@Suite struct LoweredLayerCasesTests {
  /// The case as a model; masks of its inputs become inputs that a preceding layer attaches.
  func model(_ item: LayerCase, _ rule: LayerRule, openBatch: Bool) throws -> (model: Model, inputs: [NDArray]) {
    let layer = try rule.read(item.json["config"] ?? .null)
    var model = Model(), graph = Graph(), inputs: [NDArray] = []
    func type(_ array: NDArray) -> TensorType {
      openBatch && array.rank > 0
        ? TensorType(array.dtype, .ranked([.named("batch")] + array.shape.dropFirst().map(Dim.fixed))) : array.type
    }
    func addInput(_ array: NDArray) -> ValueID {
      inputs.append(array)
      return graph.addInput("input_\(inputs.count)", type(array))
    }
    var roles: [String] = [], values: [ValueID] = []
    let masks = try item.optionalArrays("masks")
    for (index, array) in try item.arrays("inputs").enumerated() {
      var value = addInput(array)
      if index < masks.count, let mask = masks[index] {
        let given = addInput(mask)
        let node = graph.append(
          LayerOp(AttachMask(), roles: ["", "mask"]), [value, given], types: [type(array)], name: "attach_\(index)")
        value = graph[node].outputs[0]
      }
      values.append(value)
      roles.append("")
    }
    for (keyword, array) in try item.named().sorted(by: { $0.key < $1.key }) {
      roles.append(keyword)
      values.append(addInput(array))
    }
    for (index, array) in try item.arrays("weights").enumerated() {
      let id = model.add(Parameter(name: "layer/w\(index)", tensor: Tensor(array)))
      values.append(graph.addParameter(id, of: model))
    }
    let policy = item.json["config"]?["dtype"]?["config"]?["name"]?.stringValue.flatMap(DTypePolicy.init(name:)) ?? DTypePolicy()
    let op = LayerOp(layer, policy: policy, roles: roles, options: item.options)
    let types = try item.arrays("outputs").map { TensorType($0.dtype, .ranked($0.shape.map { _ in .unknown })) }
    let node = graph.append(op, values, types: types, name: "layer")
    for (index, output) in graph[node].outputs.enumerated() { graph.addOutput("output_\(index)", output) }
    model.mainGraph = graph
    return (model, inputs)
  }

  @Test(arguments: LayerCase.all, [false, true]) func lowersAndFolds(_ item: LayerCase, openBatch: Bool) throws {
    // Whether each class has a rule is what the tests of the rules ask.
    let name = item.json["class_name"]?.stringValue ?? ""
    guard let rule = LayerRules.rule(className: name, module: "keras.layers") else { return }
    var (model, inputs) = try model(item, rule, openBatch: openBatch)
    let expected = try item.arrays("outputs")
    do { try LowerLayers().run(&model) } catch let error as GraphError where error.code == .missingType && openBatch { return }
    try model.validate()
    #expect(!LowerLayers.isNeeded(model))
    try expectClose(try Interpreter(model: model).run(inputs), expected, "lowered")
    try FoldConstants().run(&model)
    try model.validate()
    try expectClose(try Interpreter(model: model).run(inputs), expected, "folded")
    let left = model.mainGraph.nodeCount
    try FoldConstants().run(&model)
    #expect(model.mainGraph.nodeCount == left, "a second run finds nothing")
  }
}

/// Gives its first input the second as its mask.
struct AttachMask: Layer {
  static let className = "AttachMask"
  var castsInputs: Bool { false }
  func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] { [try call.input()] }
  func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [call.named["mask"]] }
}
