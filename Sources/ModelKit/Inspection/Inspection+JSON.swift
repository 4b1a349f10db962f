import ModelSupport
import ModelTensor
import OrderedCollections

extension Shape {
  /// `[null, 3]`; `null` when not even the rank is known.
  var json: JSONValue {
    guard let dims else { return .null }
    return .array(dims.map { $0.value.map { .int($0) } ?? .null })
  }
}

extension PortSummary {
  var json: JSONValue {
    var result: JSONValue = ["name": .string(name), "dtype": .string(dtype), "shape": shape.json]
    let names = (shape.dims ?? []).map { dim -> JSONValue in
      if case .named(let name) = dim { .string(name) } else { .null }
    }
    if names.contains(where: { !$0.isNull }) { result["dimension_names"] = .array(names) }
    return result
  }
}

extension LayerSummary {
  var json: JSONValue {
    [
      "name": .string(name), "class": .string(type),
      "output_shape": outputShapes.count == 1 ? outputShapes[0].json : .array(outputShapes.map(\.json)),
      "parameters": .int(parameters), "trainable": .bool(trainable),
      "connected_to": .array(connectedTo.map { .string($0) }), "depth": .int(depth),
    ]
  }
}

extension WeightStatistics {
  public var json: JSONValue {
    var result: JSONValue = [
      "name": .string(name), "dtype": .string(type?.dtype.rawValue ?? "?"),
      "shape": type?.shape.json ?? .null, "min": .finite(minimum), "max": .finite(maximum), "mean": .finite(mean),
      "nan": .int(nanCount),
    ]
    if let problem { result["error"] = .string(problem) }
    return result
  }
}

extension Inspection {
  /// The document `inspect --json` prints.
  public var json: JSONValue {
    var result: JSONValue = [
      "format": .string(format.rawValue),
      "producer": .string(producer),
      "inputs": .array(inputs.map(\.json)),
      "outputs": .array(outputs.map(\.json)),
      "parameters": .int(parameters),
      "weight_bytes": .int(weightBytes),
      "operators": .object(operators.mapValues { .int($0) }),
      "signatures": .array(
        signatures.map {
          [
            "name": .string($0.name), "inputs": .array($0.inputs.map(\.json)),
            "outputs": .array($0.outputs.map(\.json)),
          ]
        }),
    ]
    if let layers { result["layers"] = .array(layers.map(\.json)) }
    result["metadata"] = .object(metadata.mapValues { .string($0) })
    result["warnings"] = .array(warnings.map { .string($0) })
    result["name"] = .string(name)
    result["versions"] = .object(versions.mapValues { .string($0) })
    result["file_bytes"] = .int(fileBytes)
    if let trainableParameters { result["trainable_parameters"] = .int(trainableParameters) }
    return result
  }
}
