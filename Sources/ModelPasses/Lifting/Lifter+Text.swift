import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

extension Lifter {
  /// A table from words or integers to integers: Keras's lookup layers number the keys from 1, and 0 is what is none of them. What
  /// the table says otherwise is computed from that.
  mutating func liftText(_ node: Node) throws -> Bool {
    guard let op = node.op as? LabelEncoderOp, let x = node.input(0), let result = node.outputs.first, !isConstant(x),
      op.values.dtype == .int64 || op.values.dtype == .int32, op.keys.dtype == .string || op.keys.dtype == .int64,
      let targets = op.values.integers(), let fallback = op.defaultValue.integers()?.first, targets.count == op.keys.count,
      let start = targets.first
    else { return false }
    let isRun = targets.enumerated().allSatisfy { $1 == start &+ $0 }
    guard isRun || targets.count <= Self.tableLimit, let layer = Self.lookup(op.keys) else { return false }
    let input = try resolve(x), name = layerName(node, op.keys.dtype == .string ? "string_lookup" : "integer_lookup")
    let policy = DTypePolicy(variable: .int64, compute: .int64)
    let numbers = try addAll(layer, named: name, [input], [], policy: policy, results: [nil])[0]
    if isRun, start == 1 {
      if let (links, end) = unknownIsZero(result, fallback) {
        taken.formUnion(links)
        values[end] = try context.cast(numbers, to: valueType(end).dtype)
        return true
      }
      if fallback == 0 {
        values[result] = try context.cast(numbers, to: op.values.dtype)
        return true
      }
    }
    let found: ValueID
    if isRun {
      let shift = try context.scalar(Double(start &- 1), dtype: .int64), zero = try context.scalar(0, dtype: .int64)
      let moved = try apply(AddOp(), [numbers, shift], named: "\(name)_shift")
      let isUnknown = try apply(EqualOp(), [numbers, zero], named: "\(name)_unknown")
      found = try apply(WhereOp(), [isUnknown, try context.scalar(Double(fallback), dtype: .int64), moved], named: "\(name)_number")
    } else {
      let table = try context.constant(NDArray(([fallback] + targets).map { Int64($0) }, [targets.count + 1]))
      found = try apply(GatherOp(axis: 0), [table, numbers], named: "\(name)_number")
    }
    values[result] = try context.cast(found, to: op.values.dtype)
    return true
  }

  /// Whether texts are one word: a lookup layer that knows that word alone tells so. Keras's operations do not take text.
  mutating func liftWord(_ node: Node) throws -> Bool {
    guard node.op is EqualOp || node.op is NotEqualOp, node.inputs.count == 2, let result = node.outputs.first else { return false }
    let place = isConstant(node.inputs[1] ?? result) ? 1 : 0
    guard let x = node.input(1 - place), !isConstant(x), valueType(x).dtype == .string, let word = tensor(node.input(place)),
      word.type.shape.elementCount == 1, word.type.shape.rank ?? 9 <= valueType(x).shape.rank ?? 0,
      let layer = Self.lookup(try word.array().reshaped([1]), takesEmpty: true)
    else { return false }
    let policy = DTypePolicy(variable: .int64, compute: .int64)
    let numbers = try addAll(layer, named: layerName(node, "is_word"), [try resolve(x)], [], policy: policy, results: [nil])[0]
    let other = try context.scalar(node.op is EqualOp ? 1 : 0, dtype: .int64)
    values[result] = try apply(EqualOp(), [numbers, other], named: "\(layerName(node, "is_word"))_test")
    return true
  }

  /// Tables that are no run of numbers stand in the configuration as numbers.
  private static let tableLimit = 4096

  /// The layer for these keys; `nil` for keys that its configuration can't hold.
  private static func lookup(_ keys: NDArray, takesEmpty: Bool = false) -> (any Layer)? {
    let words: [JSONValue]
    var settings: OrderedDictionary<String, JSONValue> = [
      "max_tokens": .null, "num_oov_indices": 1, "mask_token": .null, "oov_token": .null, "vocabulary": .null, "invert": false,
      "output_mode": "int", "pad_to_max_tokens": false, "sparse": false,
    ]
    if keys.dtype == .string {
      var texts: [String] = []
      for bytes in keys.strings {
        guard let text = String(validating: bytes, as: UTF8.self), takesEmpty || !text.isEmpty else { return nil }
        texts.append(text)
      }
      guard Set(texts).count == texts.count else { return nil }
      var unknown = "[UNK]"
      while texts.contains(unknown) { unknown += "_" }
      settings["oov_token"] = .string(unknown)
      settings["encoding"] = "utf-8"
      words = texts.map { .string($0) }
      settings["vocabulary"] = .array(words)
      var layer = StringLookup()
      layer.settings = .object(settings)
      return (try? layer.check()) == nil ? nil : layer
    }
    guard let numbers = keys.integers(), Set(numbers).count == numbers.count else { return nil }
    var unknown = -1
    while numbers.contains(unknown), unknown > -1_000_000 { unknown -= 1 }
    settings["oov_token"] = .int(unknown)
    settings["vocabulary_dtype"] = "int64"
    settings["vocabulary"] = .array(numbers.map { .int($0) })
    var layer = IntegerLookup()
    layer.settings = .object(settings)
    return (try? layer.check()) == nil ? nil : layer
  }

  /// `where(number == fallback, 0, number)`: the layer's own number for what it does not know.
  private func unknownIsZero(_ result: ValueID, _ fallback: Int) -> (nodes: [NodeID], result: ValueID)? {
    guard !isOutput(result), let users = uses[result], users.count == 2,
      let testID = users.first(where: { source[$0].op is EqualOp }), let choiceID = users.first(where: { source[$0].op is WhereOp }),
      scalar(source[testID].input(source[testID].input(0) == result ? 1 : 0)) == Double(fallback),
      let isUnknown = source[testID].outputs.first, soleUser(isUnknown) == choiceID
    else { return nil }
    let choice = source[choiceID]
    guard choice.input(0) == isUnknown, choice.input(2) == result, let chosen = choice.outputs.first else { return nil }
    let filled = node(choice.input(1)).flatMap { $0.op is ExpandOp ? $0.input(0) : nil } ?? choice.input(1)
    return scalar(filled) == 0 ? ([testID, choiceID], chosen) : nil
  }
}
