import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  static let indexing = OperationFamily(rules: indexingRules, writers: indexingWriters)

  private static let indexingRules: [OperationRule] = [
    OperationRule(.numpy, "GetItem", ["x", "key"]) { call, context in
      try getItem(try call.tensor("x", in: &context), try call.argument("key"), call, in: &context)
    },
    OperationRule(.numpy, "Take", ["x", "indices"]) { call, context in
      var x = try call.tensor("x", in: &context)
      let indices = try whole(try call.tensor("indices", in: &context), in: &context)
      guard let axis = try call.int("axis") else {
        x = try context.reshape(x, [-1])
        return try context.gather(x, indices, axis: 0)
      }
      return try context.gather(x, indices, axis: try normalizeAxis(axis, rank: try context.rank(of: x)))
    },
    OperationRule(.numpy, "TakeAlongAxis", ["x", "indices"]) { call, context in
      var x = try call.tensor("x", in: &context)
      var indices = try whole(try call.tensor("indices", in: &context), in: &context)
      guard let axis = try call.int("axis") else {
        x = try context.reshape(x, [-1])
        indices = try context.reshape(indices, [-1])
        return try context.apply(GatherElementsOp(axis: 0), x, indices)
      }
      let place = try normalizeAxis(axis, rank: try context.rank(of: x))
      // Other axes broadcast.
      if let a = x.fact.type.shape.dims, let b = indices.fact.type.shape.dims, a.count == b.count {
        let factors = zip(a, b).enumerated().map { index, pair in
          index != place && pair.1 == .fixed(1) && pair.0 != .fixed(1) ? pair.0.value ?? 1 : 1
        }
        if factors.contains(where: { $0 != 1 }) { indices = try context.apply(TileOp(), indices, try context.ints(factors)) }
        let others = zip(a, b).enumerated().map { index, pair in
          index != place && pair.0 == .fixed(1) && pair.1 != .fixed(1) ? pair.1.value ?? 1 : 1
        }
        if others.contains(where: { $0 != 1 }) { x = try context.apply(TileOp(), x, try context.ints(others)) }
      }
      return try context.apply(GatherElementsOp(axis: place), x, indices)
    },
    OperationRule(.core, "Slice", ["inputs", "start_indices"]) { call, context in
      let x = try call.tensor("inputs", in: &context)
      guard let shape = try call.ints("shape") else { throw call.mismatch("shape", "extents") }
      let starts = try context.cast(try startIndices(call, in: &context), to: .int64)
      let sizes = try context.ints(shape)
      return try context.apply(SliceOp(), x, starts, try context.add(starts, sizes))
    },
    OperationRule(.core, "SliceUpdate", ["inputs", "start_indices", "updates"]) { call, context in
      let x = try call.tensor("inputs", in: &context), updates = try call.tensor("updates", in: &context)
      if let placed = try placed(updates, in: x, call, in: &context) { return placed }
      guard let extents = updates.fact.type.shape.extents, let count = checkedProduct(extents), count <= 1 << 22 else {
        throw call.unsupported("the shape of its updates is unknown")
      }
      let starts = try context.cast(try startIndices(call, in: &context), to: .int64)
      let places = NDArray(coordinates(extents), [count, extents.count])
      let indices = try context.add(try context.constant(places), starts)
      return try context.apply(ScatterNDOp(), x, indices, try context.reshape(updates, [count]))
    },
    OperationRule(.core, "ScatterUpdate", ["inputs", "indices", "updates"]) { call, context in
      let x = try call.tensor("inputs", in: &context)
      guard let reduction = ScatterReduction(rawValue: try call.string("reduction") ?? "none") else {
        throw call.mismatch("reduction", "add, max, min or mul")
      }
      let updates = try context.cast(try call.tensor("updates", in: &context), to: x.fact.type.dtype)
      return try context.apply(
        ScatterNDOp(reduction: reduction), x, try whole(try call.tensor("indices", in: &context), in: &context), updates)
    },
    OperationRule(.core, "Scatter", ["indices", "values"]) { call, context in
      let values = try call.tensor("values", in: &context)
      guard let shape = try call.ints("shape") else { throw call.mismatch("shape", "extents") }
      let empty = try context.expand(try context.scalar(0, like: values), to: try context.ints(shape))
      return try context.apply(
        ScatterNDOp(reduction: .add), empty, try whole(try call.tensor("indices", in: &context), in: &context), values)
    },
    OperationRule(.nn, "OneHot") { call, context in
      let x = try context.cast(try call.tensor("x", in: &context), to: .int64)
      guard let depth = try call.int("num_classes"), depth >= 0 else { throw call.mismatch("num_classes", "a count") }
      let dtype = try call.dtype() ?? .float32
      let pair = try context.cast(try context.constant(NDArray([Float(0), 1], [2])), to: dtype)
      // Keras gives no class to a negative index; the op counts it from the end.
      let rank = try context.rank(of: x) + 1
      let safe = try context.select(
        try context.apply(LessOp(), x, try context.scalar(0, like: x)), try context.scalar(Double(depth), like: x), x)
      return try context.apply(
        OneHotOp(axis: try call.axis(rank: rank, default: -1)), safe, try context.scalar(Double(depth), dtype: .int64), pair)
    },
    OperationRule(.numpy, "Diagonal") { call, context in
      let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
      let a = try call.axis("axis1", rank: rank, default: 0), b = try call.axis("axis2", rank: rank, default: 1)
      let square = try squared(x, a, b, call, in: &context)
      var letters = Array("abcdefghijklmnopqrstuvwxyz".prefix(rank))
      letters[b] = letters[a]
      let rest = letters.indices.filter { $0 != a && $0 != b }.map { letters[$0] }
      return try context.apply(EinsumOp(equation: "\(String(letters))->\(String(rest + [letters[a]]))"), square)
    },
    OperationRule(.numpy, "Diff", ["a"]) { call, context in
      var x = try call.tensor("a", in: &context)
      let axis = try call.axis(rank: try context.rank(of: x), default: -1), times = try call.int("n", default: 1)
      guard (0...64).contains(times) else { throw call.mismatch("n", "a small count") }
      for _ in 0..<times {
        x = try context.sub(
          try context.slice(x, axis: axis, start: 1, end: Int(Int64.max)), try context.slice(x, axis: axis, start: 0, end: -1))
      }
      return x
    },
  ]

  private static func whole(_ x: RecordingContext.Value, in context: inout RecordingContext) throws -> RecordingContext.Value {
    let dtype = x.fact.type.dtype
    return dtype == .int32 || dtype == .int64 ? x : try context.cast(x, to: .int64)
  }
  private static func startIndices(_ call: OperationCall, in context: inout RecordingContext) throws -> RecordingContext.Value {
    guard case .list(let parts) = try call.argument("start_indices"), parts.contains(where: { !$0.tensors.isEmpty }) else {
      return try call.tensor("start_indices", in: &context)
    }
    let values = try parts.map { part in
      try context.reshape(try context.cast(try OperationCall.value(part, in: &context), to: .int64), [1])
    }
    return try context.concat(values, axis: 0)
  }
  /// Updates at places that are known in a tensor some of whose extents are not, along which they stand from the start to the end:
  /// spread out to the extents of the tensor, they are chosen where they stand. `nil` for others.
  private static func placed(
    _ updates: RecordingContext.Value, in x: RecordingContext.Value, _ call: OperationCall, in context: inout RecordingContext
  ) throws -> RecordingContext.Value? {
    guard let inner = updates.fact.type.shape.dims, let outer = x.fact.type.shape.dims, inner.count == outer.count,
      inner.contains(where: { $0.value == nil }), let starts = try call.ints("start_indices"), starts.count == inner.count
    else { return nil }
    var before: [Int] = [], after: [Int] = [], shape: [Int] = []
    for (start, (part, whole)) in zip(starts, zip(inner, outer)) {
      if part.value == nil || whole.value == nil {
        // Longer than the tensor they can't be.
        guard start == 0, part.value == nil, whole.value == nil else { return nil }
        (before, after, shape) = (before + [0], after + [0], shape + [1])
        continue
      }
      guard let part = part.value, let whole = whole.value, part <= whole, part > 0 else { return nil }
      // As TensorFlow moves a start that leaves too little room.
      let first = min(max(0, start), whole - part)
      (before, after, shape) = (before + [first], after + [whole - part - first], shape + [part])
    }
    guard let count = checkedProduct(zip(shape, zip(before, after)).map { $0 + $1.0 + $1.1 }), count <= 1 << 22 else { return nil }
    let spread = try context.pad(try context.cast(updates, to: x.fact.type.dtype), before: before, after: after)
    let ones = try context.constant(NDArray([Float](repeating: 1, count: shape.reduce(1, *)), shape))
    let places = try context.pad(ones, before: before, after: after)
    let isThere = try context.apply(GreaterOp(), places, try context.scalar(0, dtype: .float32))
    return try context.select(isThere, spread, x)
  }
  /// All places of a tensor, one after another.
  static func coordinates(_ extents: [Int]) -> [Int64] {
    var result: [Int64] = []
    var index = [Int](repeating: 0, count: extents.count)
    for _ in 0..<(checkedProduct(extents) ?? 0) {
      result += index.map(Int64.init)
      var axis = extents.count - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < extents[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
    return result
  }

  /// Python's `x[key]`: slices, integers, `None`, `...`, and one or several tensors of indices.
  private static func getItem(
    _ tensor: RecordingContext.Value, _ key: OperationArgument<RecordingContext.Value>, _ call: OperationCall,
    in context: inout RecordingContext
  ) throws -> RecordingContext.Value {
    var entries: [OperationArgument<RecordingContext.Value>]
    switch key {
    case .list(let list): entries = list
    case .json(.array(let list)): entries = list.map { .json($0) }
    default: entries = [key]
    }
    func isMarker(_ entry: OperationArgument<RecordingContext.Value>, _ name: String) -> Bool {
      if case .json(let json) = entry { json["class_name"]?.stringValue == name } else { false }
    }
    func takesAxis(_ entry: OperationArgument<RecordingContext.Value>) -> Bool {
      if case .json(let json) = entry { return !json.isNull && json["class_name"] != "__ellipsis__" }
      return true
    }
    var x = tensor
    let rank = try context.rank(of: x), used = entries.filter(takesAxis).count
    guard used <= rank, entries.count <= 64 else { throw call.mismatch("key", "at most \(rank) indices") }
    let dots = entries.firstIndex { isMarker($0, "__ellipsis__") } ?? entries.count
    let all: [OperationArgument<RecordingContext.Value>] = Array(
      repeating: .json(["class_name": "__slice__", "config": [:]]), count: rank - used)
    entries.replaceSubrange(dots..<min(dots + 1, entries.count), with: all)

    var axis = 0, dropped: [Int] = [], inserted: [Int] = []
    var starts: [Int] = [], ends: [Int] = [], axes: [Int] = [], steps: [Int] = []
    var gathers: [(axis: Int, indices: RecordingContext.Value)] = []
    for entry in entries {
      switch entry {
      case .json(.null): inserted.append(axis - dropped.count + inserted.count)
      case .json(let json) where json["class_name"] == "__slice__":
        func bound(_ name: String) throws -> Int? {
          guard let value = json["config"]?[name], !value.isNull else { return nil }
          guard let number = value.intValue else { throw call.mismatch("key", "integers in slices") }
          return number
        }
        let step = try bound("step") ?? 1, start = try bound("start"), stop = try bound("stop")
        if start != nil || stop != nil || step != 1 {
          starts.append(start ?? (step < 0 ? Int(Int64.max) : 0))
          ends.append(stop ?? (step < 0 ? Int(Int64.min) + 1 : Int(Int64.max)))
          axes.append(axis)
          steps.append(step)
        }
        axis += 1
      case .json(let json) where json.intValue != nil && !ArrayConfig.isArray(json):
        let index = json.intValue ?? 0
        starts.append(index)
        ends.append(index == -1 ? Int(Int64.max) : index + 1)
        axes.append(axis)
        steps.append(1)
        dropped.append(axis)
        axis += 1
      default:
        let indices = try OperationCall.value(entry, in: &context)
        guard indices.fact.type.dtype.isInteger else { throw call.unsupported("it selects by a mask of booleans") }
        gathers.append((axis, try whole(indices, in: &context)))
        axis += 1
      }
    }
    if !axes.isEmpty {
      x = try context.apply(
        SliceOp(), x, try context.ints(starts), try context.ints(ends), try context.ints(axes), try context.ints(steps))
    }
    if let gather = gathers.first {
      guard gathers.count == 1, dropped.isEmpty, inserted.isEmpty else { throw call.unsupported("it selects along several axes") }
      return try context.gather(x, gather.indices, axis: gather.axis)
    }
    if !dropped.isEmpty { x = try context.squeeze(x, dropped) }
    return inserted.isEmpty ? x : try context.unsqueeze(x, inserted)
  }
}
