import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// Convolutions and pooling.
extension TensorFlowFunctions {
  /// Where the channels stand, how far windows go, and what is around them.
  private struct Window {
    var layout: DataLayout, rank: Int, padding: Padding
  }

  private static func window(_ call: Call, _ x: ValueID, _ graph: inout GraphContext) throws -> Window {
    let rank = try graph.rank(of: x) - 2
    guard (1...3).contains(rank) else { throw call.unsupported("over \(rank) axes") }
    let layout: DataLayout = call.json("data_format")?.stringValue?.hasPrefix("NC") == true ? .channelsFirst : .channelsLast
    let usual: JSONValue? = call.function.hasSuffix("_transpose") ? .string("SAME") : .none
    guard let word = call.json("padding") ?? usual else {
      throw call.unsupported("without a padding")
    }
    switch word.stringValue?.uppercased() {
    case "SAME": return Window(layout: layout, rank: rank, padding: .same)
    case "VALID": return Window(layout: layout, rank: rank, padding: .valid)
    default: break
    }
    let pairs = (word.arrayValue ?? []).map { $0.arrayValue?.compactMap(\.intValue) ?? [] }
    guard pairs.count == rank + 2, pairs.allSatisfy({ $0.count == 2 && $0[0] >= 0 && $0[1] >= 0 && $0.allSatisfy { $0 < 1 << 20 } })
    else { throw call.unsupported("with the padding \(word.abridged)") }
    let spatial = layout == .channelsLast ? pairs[1...rank] : pairs[2...]
    return Window(layout: layout, rank: rank, padding: .explicit(before: spatial.map { $0[0] }, after: spatial.map { $0[1] }))
  }
  /// One number for each spatial axis: TensorFlow takes one for all, one for each, or one for each axis of the tensor.
  private static func steps(_ call: Call, _ names: [String], _ window: Window, default value: Int? = 1) throws -> [Int] {
    for name in names {
      guard let list = try call.ints(name) else { continue }
      let steps: [Int]
      switch list.count {
      case 1: steps = Array(repeating: list[0], count: window.rank)
      case window.rank: steps = list
      case window.rank + 2: steps = Array(window.layout == .channelsLast ? list[1...window.rank] : list[2...])
      default: throw call.unsupported("with \(list.count) \(name)")
      }
      guard steps.allSatisfy({ (1...(1 << 20)).contains($0) }) else { throw call.unsupported("with \(name) below 1") }
      return steps
    }
    guard let value else { throw call.unsupported("without \(names[0])") }
    return Array(repeating: value, count: window.rank)
  }

  private static func kernel(_ call: Call, _ names: [String], like x: ValueID, _ graph: inout GraphContext) throws -> (ValueID, [Int]) {
    guard let name = names.first(where: { call.named[$0]?.plain?.isNull == false || call.named[$0]?.tensors.isEmpty == false }) else {
      throw call.unsupported("without filters")
    }
    let kernel = try call.tensor(name, dtype: graph.type(of: x).dtype, in: &graph)
    guard let extents = graph.type(of: kernel).shape.extents, extents.count == (try graph.rank(of: x)) else {
      throw call.unsupported("with filters of another rank")
    }
    return (kernel, extents)
  }

  private static let convolution: Compose = one { call, graph in
    let x = try call.x(in: &graph), window = try window(call, x, &graph)
    let (weights, extents) = try kernel(call, ["filters", "filter"], like: x, &graph)
    guard let channels = graph.type(of: x).shape.dims?[window.layout.channelAxis(rank: window.rank + 2)].value,
      extents[window.rank] > 0, channels % extents[window.rank] == 0
    else { throw call.unsupported("on an unknown number of channels") }
    let op = ConvOp(
      strides: try steps(call, ["strides", "stride"], window), dilations: try steps(call, ["dilations", "dilation_rate"], window),
      padding: window.padding, groups: max(1, channels / extents[window.rank]), layout: window.layout,
      kernelLayout: .spatialInputOutput)
    return try graph.apply(op, x, weights)
  }
  private static func depthwise(
    _ call: Call, _ names: [String], _ x: ValueID, _ window: Window, _ graph: inout GraphContext
  ) throws -> ValueID {
    let (weights, extents) = try kernel(call, names, like: x, &graph)
    guard let outputs = checkedProduct(Array(extents.suffix(2))), outputs > 0 else { throw call.unsupported("without filters") }
    let grouped = try graph.reshape(weights, Array(extents.dropLast(2)) + [1, outputs])
    let op = ConvOp(
      strides: try steps(call, ["strides"], window), dilations: try steps(call, ["dilations", "rate"], window),
      padding: window.padding, groups: extents[window.rank], layout: window.layout, kernelLayout: .spatialInputOutput)
    return try graph.apply(op, x, grouped)
  }
  private static let depthwise: Compose = one { call, graph in
    let x = try call.x(in: &graph)
    return try depthwise(call, ["filter", "filters"], x, try window(call, x, &graph), &graph)
  }
  private static let separable: Compose = one { call, graph in
    let x = try call.x(in: &graph), window = try window(call, x, &graph)
    let each = try depthwise(call, ["depthwise_filter"], x, window, &graph)
    let (weights, _) = try kernel(call, ["pointwise_filter"], like: x, &graph)
    return try graph.apply(ConvOp(layout: window.layout, kernelLayout: .spatialInputOutput), each, weights)
  }
  private static let transposed: Compose = one { call, graph in
    let x = try call.x(in: &graph), window = try window(call, x, &graph)
    let (weights, extents) = try kernel(call, ["filters", "filter"], like: x, &graph)
    let strides = try steps(call, ["strides"], window)
    guard let shape = call.named["output_shape"], let dims = graph.type(of: x).shape.dims else {
      throw call.unsupported("of an unknown shape")
    }
    let isSame = window.padding == .same
    var wanted: [Int?] = []
    switch shape {
    case .list(let parts): wanted = parts.map { $0.plain?.intValue }
    case .tensor: wanted = graph.fact(of: try call.tensor("output_shape", in: &graph)).elements?.map(\.value) ?? []
    default: wanted = (shape.plain?.arrayValue ?? []).map(\.intValue)
    }
    let first = window.layout == .channelsLast ? 1 : 2
    // TensorFlow takes any extent that the strides lead back from; here the usual one.
    for axis in 0..<window.rank {
      guard wanted.count == window.rank + 2, isSame || window.padding == .valid, let extent = dims[first + axis].value else {
        throw call.unsupported("of a computed shape")
      }
      let usual = extent * strides[axis] + (isSame ? 0 : max(extents[axis] - strides[axis], 0))
      guard wanted[first + axis] == usual else { throw call.unsupported("of an unusual shape") }
    }
    return try call.operation(
      "ConvTranspose", [.tensor(x), .tensor(weights)],
      [
        "strides": strides.configValue, "padding": isSame ? "same" : "valid",
        "data_format": window.layout == .channelsLast ? "channels_last" : "channels_first", "output_padding": .null,
        "dilation_rate": try steps(call, ["dilations"], window).configValue,
      ], in: &graph)
  }
  private static func pool(_ kind: PoolKind) -> Compose {
    one { call, graph in
      let x = try call.x(in: &graph), window = try window(call, x, &graph)
      for name in ["ksize", "strides"] {
        guard let list = try call.ints(name), list.count == window.rank + 2 else { continue }
        guard list[0] == 1, list[window.layout.channelAxis(rank: list.count)] == 1 else {
          throw call.unsupported("over images or channels")
        }
      }
      let size = try steps(call, ["ksize"], window, default: nil), strides = try steps(call, ["strides"], window)
      return try graph.apply(PoolOp(kind, kernel: size, strides: strides, padding: window.padding, layout: window.layout), x)
    }
  }
  private static func blocks(_ op: @escaping @Sendable (Int, DataLayout) -> any Op) -> Compose {
    one { call, graph in
      let size = try call.int("block_size"), format = call.json("data_format")?.stringValue ?? "NHWC"
      guard (1...4096).contains(size), ["NHWC", "NCHW"].contains(format) else { throw call.unsupported("in the order \(format)") }
      return try graph.apply(op(size, format == "NHWC" ? .channelsLast : .channelsFirst), try call.x(in: &graph))
    }
  }

  static let windows: [String: Compose] = {
    var result: [String: Compose] = [
      "nn.depth_to_space": blocks { DepthToSpaceOp(blockSize: $0, layout: $1) },
      "nn.space_to_depth": blocks { SpaceToDepthOp(blockSize: $0, layout: $1) },
      "nn.local_response_normalization": one { call, graph in
        let size = 2 * (try call.int("depth_radius", default: 5)) + 1
        guard (1...4096).contains(size) else { throw call.unsupported("over \(size) channels") }
        return try graph.apply(
          LRNOp(
            size: size, alpha: try call.double("alpha", default: 1) * Double(size), beta: try call.double("beta", default: 0.5),
            bias: try call.double("bias", default: 1), axis: 3), try call.x(in: &graph))
      },
    ]
    for prefix in ["nn.", "compat.v1.nn."] {
      for name in ["conv1d", "conv2d", "conv3d", "convolution"] { result[prefix + name] = convolution }
      for name in ["conv1d_transpose", "conv2d_transpose", "conv3d_transpose", "conv_transpose"] { result[prefix + name] = transposed }
      result[prefix + "depthwise_conv2d"] = depthwise
      result[prefix + "separable_conv2d"] = separable
      for axes in ["", "1d", "2d", "3d"] {
        result["\(prefix)max_pool\(axes)"] = pool(.max)
        result["\(prefix)avg_pool\(axes)"] = pool(.average)
      }
    }
    return result
  }()
}
