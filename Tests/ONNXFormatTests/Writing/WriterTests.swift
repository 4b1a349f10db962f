import Foundation
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ONNXFormat
import ProtobufWire
import Testing

@Suite struct WriterTests {
  @Test(arguments: Fixtures.models) func theSameOpsetIsWrittenExactly(_ path: String) throws {
    let model = try ONNXReader.read(path)
    let opset = try #require(ONNXWriter.opset(of: model))
    let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(try ONNXWriter(opset: opset).encode(model).encoded() == original)
  }

  @Test(arguments: Fixtures.models) func otherOpsetsReadBack(_ path: String) throws {
    let model = try ONNXReader.read(path)
    for opset in [18, 21, 24] {
      try Fixtures.withDirectory { directory in
        let copy = directory + "/copy.onnx"
        do { try ONNXWriter(opset: opset).write(model, to: copy) } catch let error as UnsupportedError {
          // What is carried verbatim may not mean the same there.
          #expect(!error.items.isEmpty)
          return
        }
        let again = try ONNXReader.read(copy)
        #expect(ONNXWriter.opset(of: again) == opset)
        #expect(again.mainGraph.inputs.map(\.name) == model.mainGraph.inputs.map(\.name))
        #expect(again.mainGraph.outputs.map(\.name) == model.mainGraph.outputs.map(\.name))
        #expect(again.metadata == model.metadata)
        for (a, b) in zip(again.mainGraph.outputs, model.mainGraph.outputs) {
          #expect(again.mainGraph[a.value].type == model.mainGraph[b.value].type)
        }
        for id in model.parameterIDs {
          let twin = again.parameterIDs.first { again[$0].name == model[id].name }
          if let twin { #expect(try again[twin].tensor.source.bytes() == model[id].tensor.source.bytes()) }
        }
      }
    }
  }

  @Test func bodiesCaptureAgain() throws {
    var model = try ONNXReader.read(Fixtures.structure("loop"))
    model.residue = [:]
    let graph = try #require(try ONNXWriter(opset: 18).encode(model).graph)
    let loop = try #require(graph.node.last)
    #expect(loop.input == ["n", "c", "x"])
    let body = try #require(loop.attribute.first?.g?.value)
    #expect(body.input.compactMap(\.name) == ["i", "ci", "a"])
    let condition = try #require(body.node.first { $0.opType == "If" })
    let branch = try #require(condition.attribute.first { $0.name == "then_branch" }?.g?.value)
    #expect(branch.input.isEmpty)
    #expect(branch.node.map(\.input) == [["a", "d"], ["q", "w"]])
  }

  @Test func writingTwiceGivesTheSameBytes() throws {
    for path in Fixtures.models {
      var model = try ONNXReader.read(path)
      model.residue = [:]
      guard let first = try? ONNXWriter(opset: 18).encode(model).encoded() else { continue }
      #expect(try ONNXWriter(opset: 18).encode(model).encoded() == first, "\(path)")
    }
  }

  @Test func externalDataStandsAligned() throws {
    var model = Model()
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, .ranked([.named("batch"), 64])))
    let weight = NDArray((0..<4096).map(Float.init), [64, 64])
    let parameter = model.add(Parameter(name: "dense/kernel", tensor: Tensor(weight)))
    let w = graph.addParameter(parameter, of: model)
    var context = GraphContext(model, graph: graph)
    let y = try context.apply(MatMulOp(), x, w)
    context.graph.addOutput("y", y)
    model = context.model
    model.mainGraph = context.graph
    try Fixtures.withDirectory { directory in
      let path = directory + "/model.onnx"
      var writer = ONNXWriter(opset: 18)
      writer.externalData = .always
      try writer.write(model, to: path)
      let tensor = try #require(try ONNXFile(path: path).graph.initializer.first)
      #expect(tensor.name == "dense/kernel")
      #expect(tensor.dataLocation == .external)
      #expect(tensor.externalData.map { $0.value ?? "" } == ["model.onnx.data", "0", "16384"])
      let again = try ONNXReader.read(path)
      #expect(try again[again.parameterIDs[0]].tensor.array().values(Float.self) == weight.values(Float.self))
    }
  }

  @Test func everythingUnsupportedIsListedAtOnce() throws {
    var context = GraphContext(Model(), graph: Graph())
    let x = context.graph.addInput("x", TensorType(.int32, [4]))
    let a = try context.apply(BitwiseAndOp(), x, x), b = try context.apply(BitwiseAndOp(), a, x)
    let c = try context.apply(BitwiseOrOp(), b, x)
    context.graph.addOutput("c", c)
    var model = context.model
    model.mainGraph = context.graph
    let error = #expect(throws: UnsupportedError.self) { try ONNXWriter(opset: 13).encode(model) }
    #expect(error?.items.map(\.name) == ["BitwiseAnd", "BitwiseOr"])
    #expect(error?.items.map(\.count) == [2, 1])
    let node = try #require(model.mainGraph.nodeIDs.first.map { model.mainGraph[$0] })
    #expect(ONNXWriter.profile(opset: 13).accepts(node, model.mainGraph, model) != nil)
    #expect(ONNXWriter.profile(opset: 18).accepts(node, model.mainGraph, model) == nil)
  }
}
