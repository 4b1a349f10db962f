import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// The graph of a graph model, with the elements of its constants where they are: in the shards.
public struct TFJSGraph: Sendable {
  public let graph: GraphDef
  /// What fills tables before the graph runs: `modelInitializer`.
  public let initializer: GraphDef?

  /// Reads no weights.
  /// - Throws: `FormatError` for a topology that is no graph, a constant without elements, or damaged shards.
  public init(_ file: TFJSFile) throws {
    do {
      let weights = try Dictionary(file.weights().map { ($0.entry.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
      graph = try within("modelTopology") { try Self.graph(file.topology, weights) }
      initializer = try file.document["modelInitializer"].flatMap { json in
        json.isNull ? nil : try within("modelInitializer") { try Self.graph(json, weights) }
      }
    } catch let error as FormatError { throw error.inFile(file.path) }
  }

  private static func graph(_ json: JSONValue, _ weights: [String: Tensor]) throws -> GraphDef {
    var graph = try GraphDef(json: json)
    try fill(&graph.node, weights)
    for index in (graph.library?.function ?? []).indices {
      guard var function = graph.library?.function[index] else { continue }
      try within("function \(function.signature?.name ?? String(index))") { try fill(&function.nodeDef, weights) }
      graph.library?.function[index] = function
    }
    return graph
  }

  private static func fill(_ nodes: inout [NodeDef], _ weights: [String: Tensor]) throws {
    for index in nodes.indices where nodes[index].op == "Const" {
      let name = nodes[index].name ?? ""
      try within("node \(name)") {
        guard let place = nodes[index].attr.firstIndex(where: { $0.key == "value" }) else {
          throw FormatError(.missingReference, "Const needs the attribute value")
        }
        if let tensor = weights[name] {
          let dtype = nodes[index].attr.first { $0.key == "dtype" }?.value?.type?.dtype
          nodes[index].attr[place].value = try AttrValue.tensor(try tensor.stored(as: dtype))
        } else if nodes[index].attr[place].value?.tensor.map({ $0.value.isWithoutElements }) ?? true {
          throw FormatError(.missingReference, "expected a weight of this name in 'weightsManifest', found none")
        }
      }
    }
  }
}

extension TensorProto {
  /// Whether elements are promised and none is there. In TensorFlow they would be zeros; TF.js keeps them elsewhere.
  fileprivate var isWithoutElements: Bool {
    let count = (tensorShape?.dim ?? []).reduce(1) { $0.multipliedReportingOverflow(by: Int($1.size ?? 0)).partialValue }
    let isEmpty =
      tensorContent?.isEmpty ?? true && halfVal.isEmpty && floatVal.isEmpty && doubleVal.isEmpty && intVal.isEmpty && stringVal.isEmpty
      && scomplexVal.isEmpty && int64Val.isEmpty && boolVal.isEmpty && dcomplexVal.isEmpty && uint32Val.isEmpty && uint64Val.isEmpty
    return count != 0 && isEmpty
  }
}

extension Tensor {
  /// The elements in the type that a node gives them: the converter stores `int64` as `int32`, `float64` as `float32`.
  fileprivate func stored(as target: DType?) throws -> Tensor {
    guard let target, target != dtype, target.bitWidth != nil, dtype.bitWidth != nil else { return self }
    return mapped(to: TensorType(target, extents)) { try $0.cast(to: target, in: ExecutionContext(primitives: ReferencePrimitives())) }
  }
}
