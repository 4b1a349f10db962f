import Foundation
import KerasConfig
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections
import TestSupport
import Testing

/// What Keras computed for a small model of operations, as `generate_operation_cases.py` recorded it.
struct OperationCase: CustomTestStringConvertible, Sendable {
  var name: String
  var json: JSONValue
  var testDescription: String { name }

  static let all: [OperationCase] = ["numpy", "nn", "math", "core", "image", "linalg", "einops"].flatMap { family -> [OperationCase] in
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "fixtures/operations/\(family).json")
    guard let json = try? JSONValue(parsing: [UInt8](try Data(contentsOf: path))) else { return [] }
    return (json.arrayValue ?? []).map { OperationCase(name: "\(family) \($0["name"]?.stringValue ?? "?")", json: $0) }
  }
  func arrays(_ key: String) throws -> [NDArray] { try (json[key]?.arrayValue ?? []).map(LayerCase.array) }
}

/// Operations against what Keras computed, and what is written for the ops against the same.
@Suite struct OperationCasesTests {
  @Test func casesAreThere() { #expect(OperationCase.all.count > 400) }

  /// Settings of a damaged file end in an error.
  @Test(arguments: [Int.min, Int.max, -65_536]) func aDiagonalFarAway(_ k: Int) {
    var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    #expect(throws: (any Error).self) {
      try OperationRules.read(
        className: "Diag", module: "keras.src.ops.numpy", config: ["k": .int(k)], args: [.tensor(NDArray([Float(1), 2], [2]))], in: &context
      )
    }
  }

  struct Malformed: Error {}

  /// Applies the operations in `context`, which is how a model's configuration is read.
  private func read<C: OpContext>(_ item: OperationCase, _ inputs: [C.Value], in context: inout C) throws -> [C.Value] {
    var known: [String: [C.Value]] = [:]
    for (index, value) in inputs.enumerated() { known["x\(index)"] = [value] }
    for operation in item.json["operations"]?.arrayValue ?? [] {
      guard let className = operation["class_name"]?.stringValue, let name = operation["name"]?.stringValue,
        let node = operation["inbound_nodes"]?[0]
      else { throw Malformed() }
      #expect(OperationRules.isOperation(module: operation["module"]?.stringValue))
      func argument(_ json: JSONValue) throws -> OperationArgument<C.Value> {
        try OperationArgument(json) { layer, _, index in
          guard let values = known[layer], values.indices.contains(index) else { throw Malformed() }
          return values[index]
        }
      }
      var kwargs: OrderedDictionary<String, OperationArgument<C.Value>> = [:]
      for (key, value) in node["kwargs"]?.objectValue ?? [:] { kwargs[key] = try argument(value) }
      known[name] = try OperationRules.read(
        className: className, module: operation["module"]?.stringValue, config: operation["config"] ?? .null,
        args: (node["args"]?.arrayValue ?? []).map(argument), kwargs: kwargs, in: &context)
    }
    return try (item.json["output_layers"]?.arrayValue ?? []).map { output in
      guard let name = output[0]?.stringValue, let index = output[2]?.intValue, let values = known[name], values.indices.contains(index)
      else { throw Malformed() }
      return values[index]
    }
  }

  @Test(arguments: OperationCase.all) func computesAsKeras(_ item: OperationCase) throws {
    var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    try compare(try read(item, try item.arrays("inputs"), in: &context), try item.arrays("outputs"), item)
  }

  /// Reads into a graph whose batch is unknown, writes each node, and computes what was written.
  @Test(arguments: OperationCase.all) func writesWhatItReads(_ item: OperationCase) throws {
    var builder = GraphContext(Model(), graph: Graph())
    let arrays = try item.arrays("inputs")
    let inputs = arrays.enumerated().map { index, array in
      builder.graph.addInput("x\(index)", TensorType(array.dtype, .ranked([.named("batch")] + array.shape.dropFirst().map(Dim.fixed))))
    }
    let outputs = try read(item, inputs, in: &builder)
    var written = WrittenGraph()
    for (id, array) in zip(inputs, arrays) { written.values[id] = array }
    try written.run(builder.graph, builder.model)
    try compare(try outputs.map { try written.value($0, builder.graph, builder.model) }, try item.arrays("outputs"), item)
  }

  private func compare(_ results: [NDArray], _ expected: [NDArray], _ item: OperationCase) throws {
    // TensorFlow looks the cubic's weights up in a table of 1,024 places.
    let tolerance = item.name.contains("bicubic") ? 5e-3 : 1e-5
    try #require(results.count == expected.count)
    for (result, expected) in zip(results, expected) {
      #expect(result.dtype == expected.dtype)
      try #require(result.shape == expected.shape)
      let a = result.doubles(), b = expected.doubles()
      let worst = worstExcess(a, b, absolute: tolerance, relative: 1e-4)
      #expect(worst <= 0, "off by \(worst): \(a.prefix(8)) instead of \(b.prefix(8))")
    }
  }
}

/// Computes a graph by what is written for each of its nodes.
struct WrittenGraph {
  var values: [ValueID: NDArray] = [:]
  /// How many operations were written, by class.
  var classes: [String: Int] = [:]

  mutating func run(_ graph: Graph, _ model: Model) throws {
    for id in try graph.order() {
      let node = graph[id]
      // What depends on constants only is folded before anything is written.
      if node.inputs.allSatisfy({ $0.map { graph.constant($0) != nil || folded.contains($0) } ?? true }) {
        var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
        let results = try context.apply(node.op, to: try node.inputs.map { try $0.map { try value($0, graph, model) } })
        for (output, result) in zip(node.outputs, results) {
          values[output] = result
          folded.insert(output)
        }
        continue
      }
      let (operations, results) = try OperationRules.write(node, in: foldedGraph(graph), of: model)
      var made: [[NDArray]] = []
      var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      func array(_ tensor: WrittenTensor) throws -> NDArray {
        switch tensor.source {
        case .value(let id): try value(id, graph, model)
        case .operation(let index, let result): made[index][result]
        case .constant(let tensor): try tensor.array()
        }
      }
      for operation in operations {
        classes[operation.className, default: 0] += 1
        // Through JSON text, as a file has it.
        let config = try JSONValue(parsing: [UInt8](JSONValue.object(operation.config).text().utf8))
        made.append(
          try OperationRules.read(
            className: operation.className, module: operation.module, config: config,
            args: try operation.args.map { try $0.map(array) }, kwargs: try operation.kwargs.mapValues { try $0.map(array) },
            in: &context))
      }
      for (output, result) in zip(node.outputs, results) { values[output] = try array(result) }
    }
  }
  private var folded: Set<ValueID> = []
  private func foldedGraph(_ graph: Graph) -> Graph {
    var copy = graph
    for id in folded {
      guard let array = values[id] else { continue }
      copy[id].definition = .constant(Tensor(array))
      copy[id].elements = Fact(array.type, constant: Tensor(array)).elements
    }
    return copy
  }
  func value(_ id: ValueID, _ graph: Graph, _ model: Model) throws -> NDArray {
    if let known = values[id] { return known }
    guard let tensor = model.tensor(id, in: graph) else { throw OperationCasesTests.Malformed() }
    return try tensor.array()
  }
}
