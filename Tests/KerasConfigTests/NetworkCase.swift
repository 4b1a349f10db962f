import Foundation
import Testing
import KerasConfig
import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor
import TestSupport

/// A whole model that Keras made, as `generate_network_cases.py` recorded it.
struct NetworkCase: CustomTestStringConvertible, Sendable {
  var name: String
  var json: JSONValue
  var usesTree: Bool
  var testDescription: String { name }

  static func load(_ generation: String) throws -> [NetworkCase] {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "fixtures/networks/\(generation).json")
    let json = try JSONValue(parsing: [UInt8](try Data(contentsOf: path)))
    return (json.arrayValue ?? []).flatMap { item in
      let name = "\(generation) \(item["name"]?.stringValue ?? "?")"
      return [("tree", true), ("lists", false)].compactMap { key, usesTree in
        item[key] == nil ? nil : NetworkCase(name: "\(name) (\(key))", json: item, usesTree: usesTree)
      }
    }
  }
  static let all: [NetworkCase] = ["keras3", "keras2", "keras1"].flatMap { (try? load($0)) ?? [] }

  var config: JSONValue { json[usesTree ? "config" : "legacy_config"] ?? .null }
  var version: String? { json["version"]?.stringValue }

  func weights() throws -> MemoryWeightStore {
    if usesTree {
      var tree: [String: Tensor] = [:]
      for (path, value) in json["tree"]?.objectValue ?? [:] { tree[path] = Tensor(try LayerCase.array(value)) }
      return MemoryWeightStore(tree: tree)
    }
    let lists = try (json["lists"]?.arrayValue ?? []).map { entry in
      (
        layer: entry[0]?.stringValue ?? "",
        weights: try (entry[1]?.arrayValue ?? []).map {
          StoredWeight(name: $0[0]?.stringValue ?? "", tensor: Tensor(try LayerCase.array($0[1] ?? .null)))
        }
      )
    }
    return MemoryWeightStore(lists: lists, backend: json["backend"]?.stringValue)
  }
  func read() throws -> Model { try KerasModelConfig.read(config, weights: try weights(), version: version) }
  func arrays(_ key: String) throws -> [NDArray] { try (json[key]?.arrayValue ?? []).map(LayerCase.array) }
  var tolerance: Double { json["tolerance"]?.doubleValue ?? 1e-5 }
}

/// Computes a layer-level model node by node, masks carried along: slow, and short enough to be right.
struct NetworkEvaluator {
  let model: Model
  var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
  struct Entry {
    var array: NDArray
    var mask: NDArray?
  }

  init(_ model: Model) { self.model = model }

  mutating func run(_ inputs: [NDArray]) throws -> [NDArray] {
    try run(model.mainGraph, inputs.map { Entry(array: $0, mask: nil) }).map(\.array)
  }

  private mutating func run(_ graph: Graph, _ inputs: [Entry]) throws -> [Entry] {
    var values: [ValueID: Entry] = [:]
    for (port, value) in zip(graph.inputs, inputs) { values[port.value] = value }
    for id in try graph.order() {
      let node = graph[id]
      let operands = try node.inputs.map { input -> Entry? in
        guard let input else { return nil }
        if let known = values[input] { return known }
        return try model.tensor(input, in: graph).map { Entry(array: try $0.array(), mask: nil) }
      }
      var results: [Entry]
      if let op = node.op as? LayerOp {
        let call = try op.makeCall(operands.map { $0?.array }, masks: operands.map { $0?.mask }, in: &context)
        let arrays = try op.layer.call(call, in: &context), masks = try op.layer.mask(call, in: &context)
        results = zip(arrays, masks).map { Entry(array: $0, mask: $1) }
      } else if node.op is CallOp, let body = node.bodies.first, let inner = model.graphs[body] {
        results = try run(inner, operands.compactMap { $0 })
      } else {
        results = try context.apply(node.op, to: operands.map { $0?.array }).map { Entry(array: $0, mask: nil) }
      }
      for (output, result) in zip(node.outputs, results) { values[output] = result }
    }
    return try graph.outputs.map { port in
      if let value = values[port.value] { return value }
      guard let tensor = model.tensor(port.value, in: graph) else { throw LayerCase.Malformed() }
      return Entry(array: try tensor.array(), mask: nil)
    }
  }
}
