import ModelTensor
import ProtobufWire

/// What the nodes behind a placeholder ask of its shape, where a graph of an old release says nothing of it.
///
///     x ── ExpandDims(0) ── ExpandDims(2) ── Conv2D(5×1×40×128)        x: [?, 40]
///
/// TensorFlow would refuse other ranks when it runs the graph. Extents are asked for by kernels alone.
struct PlaceholderDemand {
  private let nodes: [NodeDef]
  private var places: [String: Int] = [:]
  /// The nodes that take a node's first result, and as which of their inputs.
  private var consumers: [String: [(node: Int, place: Int)]] = [:]
  private var known: [Int: [Int?]?] = [:]
  private static let depthLimit = 128

  init(_ graph: GraphDef) {
    nodes = graph.node
    for (index, node) in graph.node.enumerated() {
      if let name = node.name { places[name] = index }
      for (place, input) in node.input.enumerated() where !input.hasPrefix("^") {
        consumers[input.hasSuffix(":0") ? String(input.dropLast(2)) : input, default: []].append((index, place))
      }
    }
  }

  /// The shape of the placeholder as far as something asks for it.
  mutating func shape(of name: String) -> Shape {
    guard let index = places[name], let dims = asked(ofResultOf: index, 0) else { return .unranked }
    return .ranked(dims.map { $0.map { .fixed($0) } ?? .unknown })
  }

  private mutating func asked(ofResultOf index: Int, _ depth: Int) -> [Int?]? {
    if let answer = known[index] { return answer }
    guard depth < Self.depthLimit, let name = nodes[index].name else { return nil }
    // A circle asks for nothing.
    known[index] = .some(nil)
    var result: [Int?]?, isContradicted = false
    for (node, place) in consumers[name] ?? [] {
      guard let dims = asked(of: place, by: node, depth + 1) else { continue }
      guard let others = result else {
        result = dims
        continue
      }
      isContradicted = isContradicted || others.count != dims.count
      result = zip(others, dims).map { $0 ?? $1 }
    }
    if isContradicted { result = nil }
    known[index] = .some(result)
    return result
  }

  /// What a node asks of one of its inputs.
  private mutating func asked(of place: Int, by index: Int, _ depth: Int) -> [Int?]? {
    let node = nodes[index]
    func attribute(_ name: String) -> AttrValue? { node.attr.first { $0.key == name }?.value }
    let behind: (inout Self) -> [Int?]? = { $0.asked(ofResultOf: index, depth) }
    switch node.op ?? "" {
    case "Conv2D", "Conv3D", "DepthwiseConv2dNative":
      guard place == 0, let kernel = constantExtents(node, 1), kernel.count >= 4 else { return nil }
      var dims = [Int?](repeating: nil, count: kernel.count)
      let format = (try? attribute("data_format")?.s?.text()) ?? "NHWC"
      dims[format.hasPrefix("NC") ? 1 : kernel.count - 1] = kernel[kernel.count - 2]
      return dims
    case "MatMul":
      guard place < 2 else { return nil }
      let kernel = place == 0 ? constantExtents(node, 1) : nil
      let isTurned = attribute("transpose_a")?.b ?? false, kernelIsTurned = attribute("transpose_b")?.b ?? false
      let extent = kernel?.count == 2 ? kernel?[kernelIsTurned ? 1 : 0] : nil
      return place == 0 ? (isTurned ? [extent, nil] : [nil, extent]) : [nil, nil]
    case "MaxPool", "AvgPool", "MaxPoolV2", "LRN", "ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea", "SpaceToDepth",
      "DepthToSpace", "FusedBatchNorm":
      return place == 0 ? [nil, nil, nil, nil] : nil
    case "BiasAdd":
      return place == 0 ? behind(&self) : nil
    case "Identity", "StopGradient", "CheckNumerics", "Cast", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus",
      "Softsign", "Neg", "Abs", "Exp", "Log", "Log1p", "Sqrt", "Rsqrt", "Square", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos":
      return behind(&self)
    case "Add", "AddV2", "Sub", "Mul", "Div", "RealDiv", "Maximum", "Minimum":
      // What has fewer axes can't have given the result its rank.
      guard place < 2, let other = constantExtents(node, 1 - place), let dims = behind(&self), other.count < dims.count else { return nil }
      let wide = [Int](repeating: 1, count: dims.count - other.count) + other
      return zip(dims, wide).map { $1 == 1 ? $0 : nil }
    case "ExpandDims":
      guard place == 0, let dims = behind(&self), let axis = constantInts(node, 1)?.first else { return nil }
      var inner = dims
      let at = axis < 0 ? axis + dims.count : axis
      guard inner.indices.contains(at) else { return nil }
      inner.remove(at: at)
      return inner
    case "Squeeze":
      let axes = (attribute("squeeze_dims") ?? attribute("axis"))?.list?.i.map { Int(clamping: $0) } ?? []
      guard place == 0, !axes.isEmpty, var dims = behind(&self) else { return nil }
      let rank = dims.count + axes.count
      for axis in axes.map({ $0 < 0 ? $0 + rank : $0 }).sorted() {
        guard axis >= 0, axis <= dims.count else { return nil }
        dims.insert(1, at: axis)
      }
      return dims
    case "Transpose":
      guard place == 0, let order = constantInts(node, 1), Set(order) == Set(0..<order.count) else { return nil }
      var dims = [Int?](repeating: nil, count: order.count)
      if let outer = behind(&self), outer.count == order.count { for (to, from) in order.enumerated() { dims[from] = outer[to] } }
      return dims
    case "Pad", "PadV2", "MirrorPad":
      guard place == 0, let rank = constantExtents(node, 1)?.first, rank < 16 else { return nil }
      return [Int?](repeating: nil, count: rank)
    default: return nil
    }
  }

  private func constant(_ node: NodeDef, _ place: Int) -> TensorProto? {
    guard node.input.indices.contains(place) else { return nil }
    var name = node.input[place]
    for _ in 0..<8 {
      guard let index = places[name.hasSuffix(":0") ? String(name.dropLast(2)) : name] else { return nil }
      if nodes[index].op == "Const" { return nodes[index].attr.first { $0.key == "value" }?.value?.tensor?.value }
      guard nodes[index].op == "Identity", let next = nodes[index].input.first else { return nil }
      name = next
    }
    return nil
  }

  private func constantExtents(_ node: NodeDef, _ place: Int) -> [Int]? { constant(node, place).flatMap { try? $0.extents() } }

  private func constantInts(_ node: NodeDef, _ place: Int) -> [Int]? {
    constant(node, place).flatMap { try? $0.tensor().array().integers() }
  }
}
