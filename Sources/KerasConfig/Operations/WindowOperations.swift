import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Operations of `keras.ops` that cut tensors into windows or groups and put them together.
extension OperationRules {
  static let windows = OperationFamily(rules: windowRules + groupRules)

  private typealias Value = RecordingContext.Value

  /// The most windows or places of a window that are taken one by one.
  private static let windowLimit = 1024

  /// Sizes of a window that slides over images, as PyTorch's `unfold` has them.
  private struct Window {
    var size, dilation, padding, stride: [Int]
    init(_ call: OperationCall) throws {
      guard let size = try call.perAxis("kernel_size", count: 2, default: nil), let dilation = try call.perAxis("dilation", count: 2),
        let padding = try call.perAxis("padding", count: 2, default: 0), let stride = try call.perAxis("stride", count: 2)
      else { throw call.mismatch("kernel_size", "the size of a window") }
      guard (size + dilation + stride).allSatisfy({ (1...windowLimit).contains($0) }),
        padding.allSatisfy({ (0...windowLimit).contains($0) }), size[0] * size[1] <= windowLimit
      else { throw call.mismatch("kernel_size", "a window of some places") }
      (self.size, self.dilation, self.padding, self.stride) = (size, dilation, padding, stride)
    }
    /// How many windows an axis of `extent` holds.
    func count(_ axis: Int, _ extent: Int) -> Int {
      let free = extent + 2 * padding[axis] - dilation[axis] * (size[axis] - 1) - 1
      return free < 0 ? 0 : free / stride[axis] + 1
    }
  }

  private static let windowRules: [OperationRule] = [
    OperationRule(.nn, "Unfold") { call, context in
      let x = try call.tensor("x", in: &context), window = try Window(call)
      guard let dims = x.fact.type.shape.dims, dims.count == 4, let channels = dims[1].value, let height = dims[2].value,
        let width = dims[3].value, [channels, height, width].allSatisfy({ (1...(1 << 16)).contains($0) })
      else { throw call.unsupported("of other than images of known size") }
      let rows = window.count(0, height), columns = window.count(1, width)
      guard rows > 0, columns > 0 else { throw call.mismatch("kernel_size", "a window inside the image") }
      let sides = [0, 0] + window.padding, wide = try context.pad(x, before: sides, after: sides)
      var parts: [Value] = []
      for row in 0..<window.size[0] {
        let top = row * window.dilation[0]
        let band = try context.slice(wide, axis: 2, start: top, end: top + (rows - 1) * window.stride[0] + 1, step: window.stride[0])
        for column in 0..<window.size[1] {
          let left = column * window.dilation[1]
          let part = try context.slice(
            band, axis: 3, start: left, end: left + (columns - 1) * window.stride[1] + 1, step: window.stride[1])
          parts.append(try context.reshape(part, [-1, channels, 1, rows * columns]))
        }
      }
      return try context.reshape(try context.concat(parts, axis: 2), [-1, channels * parts.count, rows * columns])
    },
    OperationRule(.nn, "Fold") { call, context in
      let x = try call.tensor("x", in: &context), window = try Window(call), places = window.size[0] * window.size[1]
      guard let size = try call.perAxis("output_size", count: 2, default: nil), size.allSatisfy({ (1...(1 << 16)).contains($0) }),
        let dims = x.fact.type.shape.dims, dims.count == 3, let depth = dims[1].value, (1...(1 << 20)).contains(depth), depth % places == 0
      else { throw call.unsupported("of other than windows of known size") }
      let rows = window.count(0, size[0]), columns = window.count(1, size[1])
      guard rows > 0, columns > 0, dims[2].value ?? rows * columns == rows * columns else {
        throw call.mismatch("output_size", "the size of an image with as many windows")
      }
      let channels = depth / places, high = size[0] + 2 * window.padding[0], wide = size[1] + 2 * window.padding[1]
      let apart = try context.reshape(x, [-1, channels, places, rows * columns])
      var sum: Value?
      for place in 0..<places {
        var part = try context.slice(apart, axis: 2, start: place, end: place + 1)
        // Zeros between the windows' elements.
        let steps = window.stride
        part = try context.reshape(part, [-1, channels * rows, 1, columns])
        part = try context.pad(part, before: [0, 0, 0, 0], after: [0, 0, steps[0] - 1, 0])
        part = try context.reshape(part, [-1, channels * rows * steps[0], columns, 1])
        part = try context.pad(part, before: [0, 0, 0, 0], after: [0, 0, 0, steps[1] - 1])
        part = try context.reshape(part, [-1, channels, rows * steps[0], columns * steps[1]])
        let tall = (rows - 1) * steps[0] + 1, long = (columns - 1) * steps[1] + 1
        if steps[0] > 1 { part = try context.slice(part, axis: 2, start: 0, end: tall) }
        if steps[1] > 1 { part = try context.slice(part, axis: 3, start: 0, end: long) }
        let top = place / window.size[1] * window.dilation[0], left = place % window.size[1] * window.dilation[1]
        part = try context.pad(part, before: [0, 0, top, left], after: [0, 0, high - top - tall, wide - left - long])
        sum = try sum.map { try context.add($0, part) } ?? part
      }
      guard var y = sum else { throw call.mismatch("kernel_size", "a window of some places") }
      if window.padding[0] > 0 { y = try context.slice(y, axis: 2, start: window.padding[0], end: window.padding[0] + size[0]) }
      if window.padding[1] > 0 { y = try context.slice(y, axis: 3, start: window.padding[1], end: window.padding[1] + size[1]) }
      return y
    },
    OperationRule(.image, "SobelEdges", ["images"]) { call, context in
      let x = try call.floating("images", in: &context), layout = try call.layout()
      guard try context.rank(of: x) == 4 else { throw call.unsupported("of other than batches of images") }
      let first = layout == .channelsLast ? 1 : 2
      var sides = Array(repeating: 0, count: 4)
      sides[first] = 1
      sides[first + 1] = 1
      let wide = try context.pad(x, before: sides, after: sides, mode: .reflect)
      /// The slope along one axis, smoothed along the other.
      func slope(along axis: Int, across other: Int) throws -> Value {
        let rise = try context.sub(
          try context.slice(wide, axis: axis, start: 2, end: Int(Int64.max)), try context.slice(wide, axis: axis, start: 0, end: -2))
        let middle = try context.slice(rise, axis: other, start: 1, end: -1)
        let ends = try context.add(
          try context.slice(rise, axis: other, start: 0, end: -2), try context.slice(rise, axis: other, start: 2, end: Int(Int64.max)))
        return try context.unsqueeze(try context.add(ends, try context.mul(middle, try context.scalar(2, like: middle))), [4])
      }
      return try context.concat([try slope(along: first, across: first + 1), try slope(along: first + 1, across: first)], axis: 4)
    },
  ]

  // MARK: Groups

  private static func split(_ className: String, axis: Int) -> OperationRule {
    OperationRule(
      .numpy, className, ["x"],
      many: { call, context in
        let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
        let axis = try normalizeAxis(className == "Hsplit" && rank == 1 ? 0 : axis, rank: rank)
        if let count = call.option("indices_or_sections")?.intValue {
          guard (1...(1 << 16)).contains(count) else { throw call.mismatch("indices_or_sections", "a count") }
          return try context.apply(SplitOp(axis: axis, count: count), to: [x])
        }
        guard let places = try call.ints("indices_or_sections") else { throw call.mismatch("indices_or_sections", "integers") }
        return try zip([0] + places, places + [Int(Int64.max)]).map { try context.slice(x, axis: axis, start: $0, end: $1) }
      })
  }

  /// One side of a pattern like `b (h p) c`: the axes' names, those in parentheses together.
  private static func groups(_ text: Substring, _ call: OperationCall) throws -> [[String]] {
    var result: [[String]] = [], isInside = false, name = ""
    func finish() {
      if name.isEmpty { return }
      if isInside { result[result.count - 1].append(name) } else { result.append([name]) }
      name = ""
    }
    for letter in text {
      switch letter {
      case "(" where !isInside:
        finish()
        result.append([])
        isInside = true
      case ")" where isInside:
        finish()
        isInside = false
      case " ", "\t", "\n": finish()
      case _ where letter.isLetter || letter.isNumber || letter == "_": name.append(letter)
      default: throw call.mismatch("pattern", "names of axes and parentheses")
      }
    }
    finish()
    guard !isInside, result.allSatisfy({ !$0.isEmpty }) else { throw call.mismatch("pattern", "names of axes and parentheses") }
    return result
  }

  private static let groupRules: [OperationRule] = [
    split("Hsplit", axis: 1), split("Vsplit", axis: 0), split("Dsplit", axis: 2),
    OperationRule(.einops, "Rearrange", ["tensor", "pattern"]) { call, context in
      let x = try call.tensor("tensor", in: &context)
      guard let pattern = try call.string("pattern"), let arrow = pattern.firstRange(of: "->") else {
        throw call.mismatch("pattern", "a pattern")
      }
      let from = try groups(pattern[..<arrow.lowerBound], call), to = try groups(pattern[arrow.upperBound...], call)
      let names = from.flatMap { $0 }, wanted = to.flatMap { $0 }
      guard let dims = x.fact.type.shape.dims, dims.count == from.count, Set(names).count == names.count, names.count == wanted.count,
        Set(names) == Set(wanted)
      else { throw call.mismatch("pattern", "the axes of its tensor, each once on both sides") }
      // An axis of unknown extent counts as -1.
      var extents: [String: Int] = [:]
      for (group, dim) in zip(from, dims) {
        if group.count == 1 {
          extents[group[0]] = dim.value ?? -1
          continue
        }
        var known = 1, rest: String?
        for name in group {
          if let extent = try call.int(name) {
            guard extent > 0, extent < 1 << 31, known < 1 << 31 else { throw call.mismatch(name, "an extent") }
            extents[name] = extent
            known *= extent
          } else if rest == nil {
            rest = name
          } else {
            throw call.mismatch(name, "an extent")
          }
        }
        if let rest { extents[rest] = dim.value.map { $0 / known } ?? -1 }
      }
      func joined(_ group: [String]) throws -> Int {
        let sizes = group.map { extents[$0] ?? -1 }
        guard let product = checkedProduct(sizes.filter { $0 >= 0 }) else { throw call.mismatch("pattern", "axes of some extent") }
        return sizes.contains(-1) ? -1 : product
      }
      let apart = names.map { extents[$0] ?? -1 }, together = try to.map(joined)
      guard apart.count(where: { $0 == -1 }) <= 1 || (apart.count == dims.count && together.count == dims.count) else {
        throw call.unsupported("of several axes of unknown extent")
      }
      var y = apart.count == dims.count ? x : try context.reshape(x, apart)
      let order = wanted.compactMap { names.firstIndex(of: $0) }
      if order != Array(order.indices) { y = try context.transpose(y, order) }
      return together.count == wanted.count ? y : try context.reshape(y, together)
    },
  ]
}
