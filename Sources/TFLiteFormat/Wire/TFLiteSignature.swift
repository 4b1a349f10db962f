import ModelSupport

/// An entry point: a subgraph, and names for its tensors.
public struct TFLiteSignature: Sendable, Hashable {
  public struct Port: Sendable, Hashable {
    public let name: String
    /// The index of the tensor in the subgraph.
    public let tensor: Int
    public init(name: String, tensor: Int) {
      self.name = name
      self.tensor = tensor
    }
  }
  /// `serving_default`; `nil` for a subgraph without a signature.
  public let key: String?
  public let subgraph: Int
  public let inputs: [Port]
  public let outputs: [Port]
}

extension TFLiteFile {
  /// The signatures in order, with their inputs and outputs in the order of the subgraph.
  public var signatures: [TFLiteSignature] {
    (model.signatureDefs ?? []).map { signature in
      let subgraph = Int(signature.subgraphIndex)
      return TFLiteSignature(
        key: signature.signatureKey ?? "", subgraph: subgraph,
        inputs: Self.ports(signature.inputs, subgraphs[subgraph].inputs),
        outputs: Self.ports(signature.outputs, subgraphs[subgraph].outputs))
    }
  }

  /// The inputs and outputs of a subgraph by name: a signature's, when just one names them, else the tensors'. Each name stands for
  /// one input or output: repeated ones get a number, and what has none is called `tensor`.
  public func entryPoint(subgraph index: Int) -> TFLiteSignature {
    let named = signatures.filter { $0.subgraph == index }
    let graph = subgraphs[index]
    func ports(_ tensors: [Int32]?, _ known: [TFLiteSignature.Port]) -> [TFLiteSignature.Port] {
      var rest = known
      return (tensors ?? []).compactMap { tensor in
        guard tensor >= 0 else { return nil }
        if let place = rest.firstIndex(where: { $0.tensor == Int(tensor) }) { return rest.remove(at: place) }
        return TFLiteSignature.Port(name: graph.tensors?[Int(tensor)].name ?? "", tensor: Int(tensor))
      }
    }
    let only = named.count == 1 ? named.first : nil
    return TFLiteSignature(
      key: only?.key, subgraph: index, inputs: Self.unique(ports(graph.inputs, only?.inputs ?? [])),
      outputs: Self.unique(ports(graph.outputs, only?.outputs ?? [])))
  }

  private static func unique(_ ports: [TFLiteSignature.Port]) -> [TFLiteSignature.Port] {
    var used: Set<String> = []
    return ports.map { port in
      let name = port.name.isEmpty ? "tensor" : port.name
      var result = name, count = 1
      while !used.insert(result).inserted {
        count += 1
        result = "\(name)#\(count)"
      }
      return TFLiteSignature.Port(name: result, tensor: port.tensor)
    }
  }

  /// The names in the order of `tensors`; what is not among those comes last.
  private static func ports(_ map: [TensorMap]?, _ tensors: [Int32]?) -> [TFLiteSignature.Port] {
    var rest = (map ?? []).map { TFLiteSignature.Port(name: $0.name ?? "", tensor: Int($0.tensorIndex)) }
    var result: [TFLiteSignature.Port] = []
    for tensor in tensors ?? [] {
      if let place = rest.firstIndex(where: { $0.tensor == Int(tensor) }) { result.append(rest.remove(at: place)) }
    }
    return result + rest
  }
}
