import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire
import Testing

@testable import TensorFlowGraph

private func node(_ name: String, _ op: String, _ inputs: [String] = [], _ attributes: [String: AttrValue] = [:]) -> NodeDef {
  var node = NodeDef()
  node.name = name
  node.op = op
  node.input = inputs
  node.attr = attributes.map { AttrEntry($0.key, $0.value) }
  return node
}

private func graph(_ nodes: [NodeDef], _ functions: [FunctionDef] = []) -> GraphDef {
  var graph = GraphDef()
  graph.node = nodes
  var library = FunctionDefLibrary()
  library.function = functions
  graph.library = library
  return graph
}

private func function(_ name: String, _ arguments: [String], _ nodes: [NodeDef], _ results: [(String, String)]) -> FunctionDef {
  func argument(_ name: String) -> OpDef.ArgDef {
    var argument = OpDef.ArgDef()
    argument.name = name
    return argument
  }
  var function = FunctionDef(), signature = OpDef()
  signature.name = name
  signature.inputArg = arguments.map(argument)
  signature.outputArg = results.map { argument($0.0) }
  function.signature = signature
  function.nodeDef = nodes
  function.ret = results.map { StringEntry($0.0, $0.1) }
  return function
}

private func placeholder(_ name: String, _ extents: [Int]) -> NodeDef {
  node(name, "Placeholder", [], ["dtype": .type(DataType(rawValue: 1)), "shape": .shape(Shape(extents))])
}

private struct OneVariable: VariableSource {
  func variable(_ reference: VariableReference) -> VariableContent? {
    guard reference.sharedName == "dense/kernel" else { return nil }
    return VariableContent(tensor: Tensor(NDArray([1, 2, 3, 4] as [Float], [2, 2])), name: "dense/kernel", isTrainable: true)
  }
}

private func read(_ graph: GraphDef) throws -> Model {
  let model = try TensorFlowGraphReader(graph, variables: OneVariable()).read([.inferred(from: graph)])
  try model.validate()
  return model
}

@Suite struct GraphReaderTests {
  @Test func placeholdersAndSinksMakeTheSignature() throws {
    let model = try read(
      graph([placeholder("z", [1, 2]), placeholder("a", [1, 2]), node("r", "Relu", ["a"]), node("t", "Tanh", ["z:0"])]))
    #expect(model.mainGraph.inputs.map(\.name) == ["z", "a"])
    #expect(model.mainGraph.outputs.map(\.name) == ["r", "t"])
    #expect(model.signatures.map(\.name) == ["serving_default"])
  }

  @Test func variablesArePassedThroughFunctions() throws {
    let inner = function(
      "inner", ["x", "w"],
      [node("read", "ReadVariableOp", ["w"]), node("MatMul", "MatMul", ["x", "read:value:0"])], [("y", "MatMul:product:0")])
    let outer = function(
      "outer", ["x", "w"],
      [
        node("dense/StatefulPartitionedCall", "inner", ["x", "w"]),
        node("again", "inner", ["dense/StatefulPartitionedCall:y:0", "w"]),
      ], [("y", "again:y:0")])
    let model = try read(
      graph(
        [
          placeholder("x", [1, 2]), node("v", "VarHandleOp", [], ["shared_name": .string("dense/kernel")]),
          node("call", "StatefulPartitionedCall", ["x", "v"], ["f": .function("outer"), "Tout": .types([DataType(rawValue: 1)])]),
        ], [inner, outer]))
    #expect(model.parameters.map(\.name) == ["dense/kernel"])
    #expect(model.mainGraph.nodeIDs.map { model.mainGraph[$0].name }.sorted() == ["again/MatMul", "dense/MatMul"].map { "call/" + $0 })
  }

  @Test func assignmentsHoldForTheRestOfACall() throws {
    let model = try read(
      graph([
        placeholder("x", [2, 2]), node("v", "VarHandleOp", [], ["shared_name": .string("dense/kernel")]),
        node("add", "AssignAddVariableOp", ["v", "x"]), node("read", "ReadVariableOp", ["v", "^add"]), node("y", "Relu", ["read"]),
      ]))
    let ops = model.mainGraph.nodeIDs.map { model.mainGraph[$0].op.displayName }
    #expect(ops == ["Add", "Relu"])
    // And from one call to the next.
    #expect(model.mainGraph.states.map(\.name) == ["dense/kernel"])
    #expect((model.residue[TensorFlowResidue.key] as? TensorFlowResidue)?.notes.isEmpty ?? true)
  }

  @Test func unknownOpsAreCarried() throws {
    let model = try read(graph([placeholder("x", [2]), node("y", "MyOp", ["x"]), node("z", "Relu", ["y:1"])]))
    let opaque = try #require(model.mainGraph.nodeIDs.compactMap { model.mainGraph[$0].op as? OpaqueOp }.first)
    #expect(opaque.type == "MyOp")
    #expect(opaque.resultTypes.count == 2)
  }

  @Test func brokenGraphsAreRefused() {
    func code(_ graph: GraphDef) -> FormatError.Code? {
      do { _ = try read(graph) } catch let error as FormatError { return error.code } catch { Issue.record(error) }
      return nil
    }
    #expect(code(graph([node("a", "Relu", ["b"]), node("b", "Relu", ["a"]), node("c", "Relu", ["a"])])) == .cycle)
    #expect(code(graph([node("a", "Relu", ["nothing"])])) == .missingReference)
    #expect(code(graph([placeholder("x", [1]), node("a", "Relu", ["x:7"])])) == .missingReference)
    #expect(code(graph([placeholder("x", [1]), node("x", "Relu", ["x"])])) == .invalidStructure)
    let circular = function("f", ["x"], [node("n", "f", ["x"])], [("y", "n:y:0")])
    #expect(code(graph([placeholder("x", [1]), node("c", "f", ["x"])], [circular])) == .cycle)
    #expect(
      code(
        graph([placeholder("x", [1]), node("c", "PartitionedCall", ["x"], ["f": .function("g"), "Tout": .types([DataType(rawValue: 1)])])]))
        == .missingReference)
    #expect(
      code(graph([node("v", "VarHandleOp", [], ["shared_name": .string("lost")]), node("r", "ReadVariableOp", ["v"])])) == .missingReference
    )
  }

  @Test func functionsThatDoubleEachOtherAreStopped() throws {
    let functions = (0..<40).map { level in
      let callee = level == 0 ? "Relu" : "f\(level - 1)"
      let result = level == 0 ? "activations" : "y"
      return function(
        "f\(level)", ["x"], [node("a", callee, ["x"]), node("b", callee, ["a:\(result):0"])], [("y", "b:\(result):0")])
    }
    #expect(throws: FormatError.self) { try read(graph([placeholder("x", [1]), node("c", "f39", ["x"])], functions)) }
  }

  @Test func deepGraphsNeedNoStack() throws {
    var nodes = [placeholder("n0", [1])]
    for index in 1...20_000 { nodes.append(node("n\(index)", "Relu", ["n\(index - 1)"])) }
    let model = try TensorFlowGraphReader(graph(nodes)).read([.inferred(from: graph(nodes))])
    #expect(model.mainGraph.nodeCount == 20_000)
  }
}
