import ModelGraph
import ModelOps
import ModelTensor

extension OperationRules {
  static let linear = OperationFamily(rules: linearRules, writers: linearWriters)

  private static func promotedPair(
    _ call: OperationCall, _ a: String = "x1", _ b: String = "x2", in context: inout RecordingContext
  ) throws -> (RecordingContext.Value, RecordingContext.Value) {
    let p = try call.promoted([a, b], in: &context)
    return (p[0], p[1])
  }

  private static let linearRules: [OperationRule] = [
    OperationRule(.numpy, "Matmul", ["x1", "x2"]) { call, context in
      let (a, b) = try promotedPair(call, in: &context)
      return try context.matmul(a, b)
    },
    OperationRule(.numpy, "Dot", ["x1", "x2"]) { call, context in
      let (a, b) = try promotedPair(call, in: &context)
      let p = try context.rank(of: a), q = try context.rank(of: b)
      if p == 0 || q == 0 { return try context.mul(a, b) }
      if q <= 2 { return try context.matmul(a, b) }
      return try contract(a, b, [p - 1], [q - 2], in: &context)
    },
    OperationRule(.numpy, "Inner", ["x1", "x2"]) { call, context in
      let (a, b) = try promotedPair(call, in: &context)
      let p = try context.rank(of: a), q = try context.rank(of: b)
      if p == 0 || q == 0 { return try context.mul(a, b) }
      return try contract(a, b, [p - 1], [q - 1], in: &context)
    },
    OperationRule(.numpy, "Outer", ["x1", "x2"]) { call, context in
      let (a, b) = try promotedPair(call, in: &context)
      return try context.mul(try context.reshape(a, [-1, 1]), try context.reshape(b, [1, -1]))
    },
    OperationRule(.numpy, "Vdot", ["x1", "x2"]) { call, context in
      let (a, b) = try promotedPair(call, in: &context)
      return try context.matmul(try context.reshape(a, [-1]), try context.reshape(b, [-1]))
    },
    OperationRule(.numpy, "Tensordot", ["x1", "x2"]) { call, context in
      let (a, b) = try promotedPair(call, in: &context)
      let p = try context.rank(of: a), q = try context.rank(of: b)
      var left: [Int], right: [Int]
      if let count = call.option("axes")?.intValue ?? (call.option("axes") == nil ? 2 : nil) {
        guard count >= 0, count <= min(p, q) else { throw call.mismatch("axes", "at most \(min(p, q)) axes") }
        left = Array((p - count)..<p)
        right = Array(0..<count)
      } else {
        let lists = (call.option("axes")?.arrayValue ?? []).map { entry in
          entry.intValue.map { [$0] } ?? entry.arrayValue?.compactMap(\.intValue) ?? []
        }
        guard lists.count == 2, lists[0].count == lists[1].count else { throw call.mismatch("axes", "axes of both tensors") }
        left = try lists[0].map { try normalizeAxis($0, rank: p) }
        right = try lists[1].map { try normalizeAxis($0, rank: q) }
      }
      return try contract(a, b, left, right, in: &context)
    },
    OperationRule(.numpy, "Einsum", ["*operands"]) { call, context in
      guard let equation = try call.string("subscripts") else { throw call.mismatch("subscripts", "an equation") }
      let operands = try call.tensors("operands", in: &context)
      guard let dtype = PromotedType.result(operands.map { .dtype($0.fact.type.dtype) }) else {
        throw call.mismatch("operands", "tensors of one kind")
      }
      let values = try operands.map { try context.cast($0, to: dtype) }
      return try context.apply(EinsumOp(equation: equation.filter { $0 != " " }), to: values).at(0)
    },
    OperationRule(.linalg, "Det") { try $1.apply(DetOp(), try $0.floating("x", in: &$1)) },
    OperationRule(.numpy, "Trace") { call, context in
      let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
      let a = try call.axis("axis1", rank: rank, default: 0), b = try call.axis("axis2", rank: rank, default: 1)
      let square = try squared(x, a, b, call, in: &context)
      var letters = Array("abcdefghijklmnopqrstuvwxyz".prefix(rank))
      letters[b] = letters[a]
      let rest = letters.indices.filter { $0 != a && $0 != b }.map { letters[$0] }
      return try context.apply(EinsumOp(equation: "\(String(letters))->\(String(rest))"), square)
    },
    OperationRule(.nn, "DotProductAttention", ["query", "key", "value", "bias", "mask", "scale"]) { call, context in
      let q = try call.floating("query", in: &context)
      var k = try call.tensor("key", in: &context), v = try call.tensor("value", in: &context)
      guard let depth = q.fact.type.shape.dims?.last?.value, depth > 0, try call.double("attn_logits_soft_cap") == nil else {
        throw call.unsupported("the extent of its heads is unknown, or its scores are capped")
      }
      // Fewer heads of keys serve several of queries each.
      if let many = q.fact.type.shape.dims?.dropFirst(2).first?.value, let few = k.fact.type.shape.dims?.dropFirst(2).first?.value,
        few > 0, many > few, many % few == 0
      {
        let heads = try context.ints((0..<many).map { $0 / (many / few) })
        k = try context.gather(k, heads, axis: 2)
        v = try context.gather(v, heads, axis: 2)
      }
      let scale = try call.double("scale", default: 1 / Double(depth).squareRoot())
      var scores = try context.apply(EinsumOp(equation: "bqhd,bkhd->bhqk"), q, k)
      scores = try context.mul(scores, try context.scalar(scale, like: scores))
      if call.has("bias") {
        scores = try context.add(scores, try context.cast(try call.tensor("bias", in: &context), to: scores.fact.type.dtype))
      }
      let lowest = try context.scalar(
        scores.fact.type.dtype == .float16 ? -65504 * 0.7 : -0.7 * Double(Float.greatestFiniteMagnitude), like: scores)
      if call.has("mask") {
        scores = try context.select(try context.cast(try call.tensor("mask", in: &context), to: .bool), scores, lowest)
      }
      if try call.bool("is_causal") {
        let shape = try context.shape(of: scores)
        let ones = try context.expand(try context.scalar(1, dtype: .float32), to: shape)
        let keep = try context.cast(try context.apply(TriluOp(upper: false), ones), to: .bool)
        scores = try context.select(keep, scores, lowest)
      }
      let weights = try context.softmax(scores, axis: -1)
      return try context.apply(EinsumOp(equation: "bhqk,bkhd->bqhd"), weights, v)
    },
  ]

  /// What of two axes holds the diagonal that a call asks for: as many rows as columns, the diagonal the main one.
  static func squared(
    _ x: RecordingContext.Value, _ a: Int, _ b: Int, _ call: OperationCall, in context: inout RecordingContext
  ) throws -> RecordingContext.Value {
    let offset = try call.int("offset", default: 0)
    guard a != b, try context.rank(of: x) <= 20, let rows = x.fact.type.shape.dims?[a], let columns = x.fact.type.shape.dims?[b] else {
      throw call.unsupported("a diagonal of tensors of unknown or great rank")
    }
    if offset == 0, rows == columns, rows != .unknown { return x }
    guard let rows = rows.value, let columns = columns.value else { throw call.unsupported("a diagonal of axes of unknown extent") }
    let top = max(0, -offset), left = max(0, offset), extent = min(rows - top, columns - left)
    guard extent > 0 else { throw call.mismatch("offset", "a diagonal inside the matrix") }
    let part = try context.slice(x, axis: a, start: top, end: top + extent)
    return try context.slice(part, axis: b, start: left, end: left + extent)
  }

  /// Sums the products over pairs of axes.
  private static func contract(
    _ a: RecordingContext.Value, _ b: RecordingContext.Value, _ left: [Int], _ right: [Int], in context: inout RecordingContext
  ) throws -> RecordingContext.Value {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    let p = try context.rank(of: a), q = try context.rank(of: b)
    guard p + q <= letters.count else { throw GraphError(.shapeMismatch, "a product of ranks \(p) and \(q)") }
    let first = Array(letters[..<p])
    var second = Array(letters[p..<(p + q)])
    for (i, j) in zip(left, right) { second[j] = first[i] }
    let result =
      first.indices.filter { !left.contains($0) }.map { first[$0] } + second.indices.filter { !right.contains($0) }.map { second[$0] }
    return try context.apply(EinsumOp(equation: "\(String(first)),\(String(second))->\(String(result))"), a, b)
  }

  private static let linearWriters: [OperationWriteRule] = [
    OperationWriteRule(MatMulOp.self) { op, inputs, writer in
      func operand(_ x: WrittenTensor, _ isTransposed: Bool) throws -> WrittenTensor {
        let rank = try x.rank()
        guard isTransposed, rank >= 2 else { return x }
        var order = Array(0..<rank)
        order.swapAt(rank - 1, rank - 2)
        return try writer.apply(TransposeOp(permutation: order), to: [x]).at(0)
      }
      let a = try operand(try inputs.at(0), op.transposeA), b = try operand(try inputs.at(1), op.transposeB)
      return try writer.call(.numpy, "Matmul", [.tensor(a), .tensor(b)])
    },
    OperationWriteRule(EinsumOp.self) { op, inputs, writer in
      try writer.call(.numpy, "Einsum", inputs.map { .tensor($0) }, ["subscripts": .string(lowercased(op.equation))])
    },
    OperationWriteRule(DetOp.self) { _, inputs, writer in try writer.unary("Det", try inputs.at(0), module: .linalg) },
  ]
}

/// An einsum's equation in small letters: Keras infers shapes for those alone. Letters keep their places in the alphabet where
/// those are free.
private func lowercased(_ equation: String) -> String {
  let plain = equation.filter { $0 != " " }
  var names: [Character: Character] = [:]
  let letters = Set(plain.filter(\.isLetter))
  guard letters.count <= 26, letters.contains(where: \.isUppercase) else { return plain }
  var free = Array("abcdefghijklmnopqrstuvwxyz".filter { !letters.contains($0) }.reversed())
  for letter in letters.sorted() where letter.isUppercase {
    let small = Character(letter.lowercased())
    let name = free.firstIndex(of: small).map { free.remove(at: $0) } ?? free.popLast()
    names[letter] = name ?? letter
  }
  return String(plain.map { names[$0] ?? $0 })
}
