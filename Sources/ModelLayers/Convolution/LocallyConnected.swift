import ModelGraph
import ModelOps
import ModelTensor

/// A convolution whose places have kernels of their own (`LocallyConnected1D` and `2D` of Keras 1 and 2; Keras 3 has none).
///
/// Weights: `kernel`, as the implementation keeps it, and `bias` `[places…, filters]`.
/// `tf_keras/src/layers/locally_connected`.
public struct LocallyConnected<R: SpatialRank>: ConfigurableLayer {
  public static var className: String { "LocallyConnected\(R.rank)D" }
  public var filters = 1
  public var kernelSize = [Int](repeating: 1, count: R.rank)
  public var strides = [Int](repeating: 1, count: R.rank)
  public var padding = ConvPadding.valid
  public var layout = DataLayout.channelsLast
  public var activation = Activation.linear
  public var useBias = true
  /// How the kernel is kept: `1` a patch for each place, `2` all inputs for all outputs, `3` what is not zero of these in one row.
  public var implementation = 1
  public init() {}

  /// Extents of inputs and outputs.
  private struct Extents {
    var input: [Int], output: [Int], channels: Int
    var places: Int { output.reduce(1, *) }
    var elements: Int { input.reduce(channels, *) }
  }

  private func extents(_ dims: [Dim]) throws -> Extents {
    let axis = layout.channelAxis(rank: R.rank + 2)
    guard dims.count == R.rank + 2 else {
      throw GraphError(.shapeMismatch, "\(Self.className) takes inputs of rank \(R.rank + 2), found \(dims.count)")
    }
    let known = dims.enumerated().dropFirst().map(\.element.value)
    guard known.allSatisfy({ $0.map { $0 > 0 && $0 < 1 << 20 } ?? false }) else {
      throw GraphError(.missingType, "\(Self.className): the extents of its input must be known")
    }
    var spatial = known.compactMap { $0 }
    let channels = spatial.remove(at: axis - 1)
    let output = try spatial.indices.map { axis in
      let kernel = kernelSize[axis], stride = strides[axis]
      guard kernel > 0, stride > 0, padding == .same || kernel <= spatial[axis] else {
        throw GraphError(.shapeMismatch, "\(Self.className): a window of \(kernel) on \(spatial[axis]) elements")
      }
      return (spatial[axis] - (padding == .same ? 0 : kernel - 1) + stride - 1) / stride
    }
    let result = Extents(input: spatial, output: output, channels: channels)
    let size = checkedProduct(implementation == 1 ? output + kernelSize + [channels] : spatial + output + [channels, filters])
    guard let size, size < 1 << 26, filters > 0 else {
      throw GraphError(.invalidAttribute, "\(Self.className): kernels for \(output) places of \(spatial) are too large")
    }
    return result
  }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let e = try extents(try dims(inputs)), isLast = layout == .channelsLast
    let kernel: [Int]
    switch implementation {
    case 1: kernel = try checked([e.places, kernelSize.reduce(e.channels, *), filters])
    case 2: kernel = isLast ? e.input + [e.channels] + e.output + [filters] : [e.channels] + e.input + [filters] + e.output
    default: kernel = try checked([connections(e).reduce(0) { $0 + $1.count } * e.channels * filters])
    }
    let spec = WeightSpec("kernel", kernel, path: "vars/0")
    return useBias ? [spec, WeightSpec("bias", e.output + [filters], path: "vars/1")] : [spec]
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input(), e = try extents(try context.dims(of: x)), isLast = layout == .channelsLast
    let flat = try context.reshape(x, [-1, e.elements])
    var y = implementation == 1 ? try patches(flat, call, e, &context) : try products(flat, call, e, &context)
    y = try context.reshape(y, [-1] + (isLast ? e.output + [filters] : [filters] + e.output))
    // With channels first the elements of the bias are not moved, only named otherwise.
    if useBias { y = try context.add(y, try context.reshape(try call.weight(1), isLast ? e.output + [filters] : [filters] + e.output)) }
    return [try activation.apply(y, in: &context)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }

  /// Places of a grid, row by row.
  private static func grid(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { places, extent in places.flatMap { place in (0..<extent).map { place + [$0] } } }
  }

  private func row(_ place: [Int], _ extents: [Int]) -> Int { zip(place, extents).reduce(0) { $0 * $1.1 + $1.0 } }

  /// Where an element of a flat input stands.
  private func index(_ place: Int, _ channel: Int, places: Int, channels: Int) -> Int {
    layout == .channelsLast ? place * channels + channel : channel * places + place
  }

  /// `[B, elements]` to `[B, places, filters]` or, with channels first, `[B, filters, places]`.
  private func patches<C: OpContext>(_ x: C.Value, _ call: LayerCall<C.Value>, _ e: Extents, _ context: inout C) throws -> C.Value {
    let window = Self.grid(kernelSize), count = e.input.reduce(1, *)
    var table: [Int] = []
    for place in Self.grid(e.output) {
      let rows = window.map { offset in row(zip(zip(place, strides), offset).map { $0.0 * $0.1 + $1 }, e.input) }
      func elements(_ row: Int) -> [Int] { (0..<e.channels).map { index(row, $0, places: count, channels: e.channels) } }
      if layout == .channelsLast {
        table += rows.flatMap(elements)
      } else {
        table += (0..<e.channels).flatMap { channel in rows.map { index($0, channel, places: count, channels: e.channels) } }
      }
    }
    let width = window.count * e.channels
    let picked = try context.reshape(try context.gather(x, try context.ints(table), axis: 1), [-1, e.places, width])
    let y = try context.matmul(try context.transpose(picked, [1, 0, 2]), try call.weight(0))
    return try context.transpose(y, layout == .channelsLast ? [1, 0, 2] : [1, 2, 0])
  }

  /// The places of the input that each place of the output sees.
  private func connections(_ e: Extents) -> [[Int]] {
    Self.grid(e.output).map { place in
      let ranges = place.indices.map { axis in
        let left = kernelSize[axis] / 2, center = place[axis] * strides[axis] + (padding == .same ? 0 : left)
        return Array(max(0, center - left)..<min(e.input[axis], center + kernelSize[axis] - left))
      }
      return ranges.reduce([[]]) { places, range in places.flatMap { place in range.map { place + [$0] } } }.map { row($0, e.input) }
    }
  }

  /// `[B, elements]` to `[B, outputs]` by a matrix that is zero where nothing is connected.
  private func products<C: OpContext>(_ x: C.Value, _ call: LayerCall<C.Value>, _ e: Extents, _ context: inout C) throws -> C.Value {
    let count = e.input.reduce(1, *), outputs = e.places * filters, seen = connections(e)
    var connected: [(input: Int, output: Int)] = []
    for place in seen.indices {
      for filter in 0..<filters {
        let output = index(place, filter, places: e.places, channels: filters)
        for input in seen[place] {
          for channel in 0..<e.channels { connected.append((index(input, channel, places: count, channels: e.channels), output)) }
        }
      }
    }
    let kernel = try call.weight(0)
    if implementation == 2 {
      var mask = [Float](repeating: 0, count: e.elements * outputs)
      for (input, output) in connected { mask[input * outputs + output] = 1 }
      let here = try context.cast(try context.constant(NDArray(mask, [e.elements, outputs])), to: context.dtype(of: kernel))
      return try context.matmul(x, try context.mul(try context.reshape(kernel, [e.elements, outputs]), here))
    }
    connected.sort { ($0.output, $0.input) < ($1.output, $1.input) }
    var table = [Int](repeating: connected.count, count: e.elements * outputs)
    for (place, (input, output)) in connected.enumerated() { table[input * outputs + output] = place }
    let zero = try context.reshape(try context.scalar(0, like: kernel), [1])
    let matrix = try context.gather(try context.concat([kernel, zero], axis: 0), try context.ints(table), axis: 0)
    return try context.matmul(x, try context.reshape(matrix, [e.elements, outputs]))
  }
}
public typealias LocallyConnected1D = LocallyConnected<Rank1>
public typealias LocallyConnected2D = LocallyConnected<Rank2>
