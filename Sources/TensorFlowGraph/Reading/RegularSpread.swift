import ModelGraph
import ModelOps
import ModelTensor

extension GraphContext {
  /// The padding of a transposed convolution whose extents are computed from those of its own input, as Keras does:
  /// `in · stride` for SAME, `in · stride + constant` for VALID. What TensorFlow adds at the end is the output's padding.
  ///
  /// - Parameters:
  ///   - kernel: filters whose spatial extents stand first.
  ///   - sizes: the result's extents, all of them or the spatial ones.
  /// - Returns: `nil` when they are computed in another way, or from another tensor.
  public func regularSpread(
    of x: ValueID, by kernel: ValueID, to sizes: ValueID, _ padding: Padding, strides: [Int], dilations: [Int], _ layout: DataLayout
  ) -> (padding: Padding, extra: [Int])? {
    let rank = strides.count
    guard let all = computedExtents(sizes), all.count == rank || all.count == rank + 2, let dims = type(of: x).shape.dims,
      dims.count == rank + 2, let extents = type(of: kernel).shape.extents, extents.count >= rank,
      (extents.prefix(rank) + strides + dilations).allSatisfy({ (1...1 << 24).contains($0) })
    else { return nil }
    let axes = Array(layout.spatialAxes(rank: rank + 2)), wanted = all.count == rank ? all : axes.map { all[$0] }
    var extra: [Int] = []
    for (index, axis) in axes.enumerated() {
      guard let extent = wanted[index] else { return nil }
      let span = (extents[index] - 1) * dilations[index] + 1 - strides[index]
      let rest: Int
      if let number = extent.number {
        guard let known = dims[axis].value, let spread = checkedProduct([known, strides[index]]) else { return nil }
        let (difference, overflow) = number.subtractingReportingOverflow(spread)
        guard !overflow else { return nil }
        rest = difference
      } else {
        guard let value = extent.value, extent.scale == strides[index], isSameExtent(value, extent.axis, x, axis) else { return nil }
        rest = extent.offset
      }
      switch padding {
      case .same where rest == 0: extra.append(0)
      case .valid where rest >= span && rest < 1 << 40: extra.append(rest - span)
      default: return nil
      }
    }
    return (padding, extra.contains { $0 > 0 } ? extra : [])
  }

  /// Whether two values surely have the same extent along these axes.
  private func isSameExtent(_ a: ValueID, _ first: Int, _ b: ValueID, _ second: Int) -> Bool {
    let (from, to) = (origin(of: a, axis: first), origin(of: b, axis: second))
    if from == to { return true }
    guard let dims = type(of: from.value).shape.dims, let others = type(of: to.value).shape.dims, dims.indices.contains(from.axis),
      others.indices.contains(to.axis)
    else { return false }
    return dims[from.axis] == others[to.axis] && dims[from.axis] != .unknown
  }

  /// Where an extent comes from, through operations that put axes in or take them away.
  private func origin(of value: ValueID, axis: Int) -> Axis {
    var place = Axis(value: value, axis: axis)
    while let id = graph.producer(of: place.value), let x = graph[id].inputs.first ?? nil {
      switch graph[id].op {
      case is IdentityOp: place.value = x
      case let op as UnsqueezeOp:
        guard let rank = type(of: place.value).shape.rank else { return place }
        let added = Set(op.axes.map { $0 < 0 ? $0 &+ rank : $0 })
        guard !added.contains(place.axis) else { return place }
        place = Axis(value: x, axis: place.axis - added.count { $0 < place.axis })
      default: return place
      }
    }
    return place
  }

  private struct Axis: Equatable {
    var value: ValueID
    var axis: Int
  }
}
