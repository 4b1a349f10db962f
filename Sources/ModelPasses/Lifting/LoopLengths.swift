import ModelGraph
import ModelOps

/// How long what a loop walks over is, as values around the loop say it.
extension GraphContext {
  /// Whether a scalar is the extent of a tensor's first axis.
  func isLength(_ value: ValueID, of tensor: ValueID) -> Bool {
    let extent = type(of: tensor).shape.dims?.first
    if let known = fact(of: value).integers?.first, known == extent?.value { return true }
    return extentSource(value).map { sameLength($0, tensor) } ?? false
  }

  /// The tensor whose first extent a value is: through casts, reshapes and slices of its shape.
  func extentSource(_ value: ValueID) -> ValueID? {
    var value = plain(value), start = 0
    for _ in 0..<16 {
      guard let id = graph.producer(of: value), let input = graph[id].inputs.first ?? nil else { return nil }
      let node = graph[id]
      switch node.op {
      case is CastOp, is SqueezeOp, is ReshapeOp, is UnsqueezeOp: break
      // Of one extent alone.
      case let reduce as ReduceOp:
        guard [.max, .min].contains(reduce.kind), type(of: input).shape.elementCount == 1 else { return nil }
      case is SliceOp:
        guard let from = node.inputs[1].flatMap({ fact(of: $0).integers }), from.count == 1, from[0] >= 0 else { return nil }
        start += from[0]
      case let gather as GatherOp:
        guard gather.axis == 0, node.inputs.count == 2, let place = node.inputs[1].flatMap({ fact(of: $0).integers?.first }) else {
          return nil
        }
        start += place
      case let shape as ShapeOp: return start + shape.start == 0 ? plain(input) : origin(input, axis: start + shape.start)
      default: return nil
      }
      value = plain(input)
    }
    return nil
  }

  /// The value whose first axis is `axis` of this one: a transpose of it.
  func origin(_ value: ValueID, axis: Int) -> ValueID? {
    for id in graph.nodeIDs {
      guard let op = graph[id].op as? TransposeOp, graph[id].inputs.first == value, op.permutation.first == axis else {
        continue
      }
      return graph[id].outputs.first
    }
    return nil
  }

  /// Whether two tensors are equally long, known by number or because one is made from the other without touching the first axis.
  func sameLength(_ a: ValueID, _ b: ValueID) -> Bool {
    if a == b { return true }
    if let x = type(of: a).shape.dims?.first, let y = type(of: b).shape.dims?.first, x == y, x != .unknown { return true }
    return source(a) == source(b)
  }

  /// The tensor that decides how long a value is.
  func source(_ value: ValueID) -> ValueID {
    var value = plain(value)
    for _ in 0..<16 {
      guard let id = graph.producer(of: value), let input = graph[id].inputs.first ?? nil else { return value }
      switch graph[id].op {
      case is ReverseOp: value = plain(input)
      case is CastOp: value = plain(input)
      case let op as MatMulOp where !op.transposeA && type(of: input).shape.rank == 3 && isMatrix(graph[id].input(1)): value = plain(input)
      case let op as FullyConnectedOp where op.keepDims && type(of: input).shape.rank == 3: value = plain(input)
      case is AddOp:
        // Of one operand, when the other has no such axis.
        guard let rank = type(of: value).shape.rank, let other = graph[id].input(1) else { return value }
        let ranks = [input, other].map { type(of: $0).shape.rank ?? rank }
        guard ranks.max() == rank, ranks[0] != ranks[1] else { return value }
        value = plain(ranks[0] == rank ? input : other)
      default: return value
      }
    }
    return value
  }
  private func isMatrix(_ value: ValueID?) -> Bool { value.map { type(of: $0).shape.rank == 2 } ?? false }

  /// A value without the identities in front of it.
  private func plain(_ value: ValueID) -> ValueID { graph.withoutIdentities(value) }
}

extension Graph {
  /// A value without the identities in front of it.
  func withoutIdentities(_ value: ValueID) -> ValueID {
    var value = value
    for _ in 0..<64 {
      guard let id = producer(of: value), self[id].op is IdentityOp, let input = self[id].inputs.first ?? nil else { break }
      value = input
    }
    return value
  }
}
