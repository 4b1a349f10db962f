import ModelGraph
import ModelTensor

/// Moves of elements that an operator beside them does as well, as TensorFlow's converter lets it.
///
///     TRANSPOSE ── BATCH_MATMUL               becomes     BATCH_MATMUL(adj_y)
///     RESHAPE([n, c] → [1, n, c]) ── ADD      becomes     ADD that broadcasts
///     RESHAPE, RESHAPE ── CONCATENATION       becomes     PACK
///     STRIDED_SLICE ── RESHAPE                becomes     STRIDED_SLICE(shrink_axis_mask)
///     RESHAPE ── FULLY_CONNECTED ── RESHAPE   becomes     FULLY_CONNECTED(keep_num_dims)
extension Fusing {
  private func extents(_ value: Int) -> [Int]? { value < 0 ? nil : frame.entries[value].type.shape.extents }

  private func keepsNumbers(_ a: Int, _ b: Int) -> Bool {
    frame.entries[a].type.dtype == frame.entries[b].type.dtype && frame.entries[a].type.quantization == frame.entries[b].type.quantization
  }

  /// A product takes matrices whose last two axes have changed places as they were.
  mutating func takeTransposes(_ place: Int) {
    guard case .batchMatMulOptions(var options) = frame.steps[place].options, frame.steps[place].inputs.count == 2 else { return }
    for side in 0..<2 {
      let value = frame.steps[place].inputs[side]
      guard value >= 0, let before = producer(of: value), frame.steps[before].builtin == .transpose, frame.steps[before].inputs.count == 2,
        let order = try? frame.entries[frame.steps[before].inputs[1]].constant?.array().integers(), order.count >= 2
      else { continue }
      let rank = order.count, source = frame.steps[before].inputs[0]
      guard order == Array(0..<(rank - 2)) + [rank - 1, rank - 2], source >= 0, frame.entries[source].constant == nil,
        keepsNumbers(source, value)
      else { continue }
      if side == 0 { options.adjX.toggle() } else { options.adjY.toggle() }
      redirect(place, side, from: value, to: source)
    }
    frame.steps[place].options = .batchMatMulOptions(options)
  }

  /// A sum, difference, product or extreme broadcasts an operand whose first axes would be ones.
  mutating func skipLeadingOnes(_ place: Int) {
    let step = frame.steps[place]
    guard step.inputs.count == 2 else { return }
    for (side, other) in [(0, step.inputs[1]), (1, step.inputs[0])] {
      let value = step.inputs[side]
      guard value >= 0, other >= 0, let before = producer(of: value), frame.steps[before].builtin == .reshape,
        let source = frame.steps[before].inputs.first, source >= 0, keepsNumbers(source, value),
        let dims = extents(source), let wide = extents(value), let rank = frame.entries[other].type.shape.rank, rank >= wide.count,
        dims.count < wide.count, !dims.isEmpty, wide == [Int](repeating: 1, count: wide.count - dims.count) + dims
      else { continue }
      redirect(place, side, from: value, to: source)
      return
    }
  }

  /// Values that get a new axis each, along which they are joined.
  mutating func pack(_ place: Int) {
    let step = frame.steps[place]
    guard case .concatenationOptions(let options) = step.options, options.fusedActivationFunction == .none, step.inputs.count > 1,
      let output = step.outputs.first
    else { return }
    var sources: [Int] = []
    for value in step.inputs {
      guard value >= 0, let before = producer(of: value),
        frame.steps[before].builtin == .reshape || frame.steps[before].builtin == .expandDims,
        let source = frame.steps[before].inputs.first, source >= 0, frame.entries[source].constant == nil, keepsNumbers(source, value),
        keepsNumbers(source, output), let dims = extents(source), var wide = extents(value), dims == extents(sources.first ?? source)
      else { return }
      let axis = Int(options.axis) < 0 ? Int(options.axis) + wide.count : Int(options.axis)
      guard wide.indices.contains(axis), wide.remove(at: axis) == 1, wide == dims else { return }
      sources.append(source)
    }
    guard [.float32, .int32, .int64, .int8, .uint8, .int16].contains(frame.entries[output].type.dtype),
      let rank = frame.entries[output].type.shape.rank
    else { return }
    for (value, source) in zip(step.inputs, sources) {
      uses[value, default: 1] -= 1
      uses[source, default: 0] += 1
    }
    let axis = Int(options.axis) < 0 ? Int(options.axis) + rank : Int(options.axis)
    frame.steps[place].builtin = .pack
    frame.steps[place].inputs = sources
    frame.steps[place].options = .packOptions(PackOptions(valuesCount: Int32(clamping: sources.count), axis: Int32(clamping: axis)))
  }

  /// An axis of which one place is taken, and which then disappears.
  mutating func shrinkAxes(_ place: Int) {
    let step = frame.steps[place]
    guard let inner = step.inputs.first, let output = step.outputs.first, let before = soleProducer(inner),
      case .stridedSliceOptions(var options) = frame.steps[before].options, frame.steps[before].inputs.count == 4,
      options.ellipsisMask == 0, options.newAxisMask == 0, options.shrinkAxisMask == 0, !options.offset, keepsNumbers(inner, output),
      let sliced = frame.entries[inner].type.shape.dims, let wanted = frame.entries[output].type.shape.dims,
      sliced.count > wanted.count, wanted.filter({ $0.value == nil }).count <= 1
    else { return }
    let bounds = (1...3).map { try? frame.entries[frame.steps[before].inputs[$0]].constant?.array().integers() }
    guard let begins = bounds[0], let ends = bounds[1], let strides = bounds[2] else { return }
    let single = sliced.indices.filter { axis in
      guard axis < begins.count, axis < ends.count, axis < strides.count, sliced[axis].value == 1, strides[axis] == 1,
        options.beginMask >> Int32(axis) & 1 == 0
      else { return false }
      if begins[axis] == -1 { return true }
      return begins[axis] >= 0 && ends[axis] == begins[axis] + 1 && options.endMask >> Int32(axis) & 1 == 0
    }
    let count = sliced.count - wanted.count
    guard single.count >= count else { return }
    // Of axes of one place each any does: the last ones are tried first.
    for axes in [Array(single.suffix(count)), Array(single.prefix(count))] {
      let left = sliced.indices.filter { !axes.contains($0) }.map { sliced[$0] }
      guard zip(left, wanted).allSatisfy({ $0.value == $1.value }) else { continue }
      for axis in axes { options.shrinkAxisMask |= 1 << Int32(axis) }
      frame.steps[before].options = .stridedSliceOptions(options)
      take(place, into: before)
      return
    }
  }

  /// Rows of more than two axes that are laid out as a matrix for a product, and get their axes back.
  mutating func keepRows(_ place: Int) {
    let step = frame.steps[place]
    guard let output = step.outputs.first, let product = step.inputs.first, let before = soleProducer(product),
      frame.steps[before].builtin == .fullyConnected, case .fullyConnectedOptions(var options) = frame.steps[before].options,
      let rows = frame.steps[before].inputs.first, let front = producer(of: rows), frame.steps[front].builtin == .reshape,
      let source = frame.steps[front].inputs.first, keepsNumbers(source, rows), keepsNumbers(product, output),
      let weights = extents(frame.steps[before].inputs[1]), weights.count == 2,
      let given = frame.entries[source].type.shape.dims, let wanted = frame.entries[output].type.shape.dims,
      given.count == wanted.count, given.count > 1, given.last == .fixed(weights[1]), wanted.last == .fixed(weights[0])
    else { return }
    // One extent may be open: what it is follows from the others.
    let open = zip(given, wanted).dropLast().filter { $0 != $1 || $0.value ?? 0 == 0 }
    guard open.count <= 1, open.allSatisfy({ $0.value == nil && $1.value == nil }) else { return }
    options.keepNumDims = true
    frame.steps[before].options = .fullyConnectedOptions(options)
    redirect(before, 0, from: rows, to: source)
    take(place, into: before)
  }

  /// Lets an operand be what it was before a move, which stays for others.
  private mutating func redirect(_ place: Int, _ side: Int, from value: Int, to source: Int) {
    frame.steps[place].inputs[side] = source
    uses[source, default: 0] += 1
    uses[value, default: 1] -= 1
  }
}
