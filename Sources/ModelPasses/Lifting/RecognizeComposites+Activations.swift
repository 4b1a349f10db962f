import ModelGraph
import ModelOps
import ModelTensor

extension CompositeMatcher {
  func silu(_ node: Node) -> Found? {
    for (x, y) in pairs(node) {
      guard let sigmoid = self.node(y), sigmoid.op is SigmoidOp, sigmoid.input(0) == x else { continue }
      return (SiluOp(), [x])
    }
    return nil
  }
  func mish(_ node: Node) -> Found? {
    for (x, y) in pairs(node) {
      guard let tanh = self.node(y), tanh.op is TanhOp, let plus = self.node(tanh.input(0)), plus.op is SoftplusOp, plus.input(0) == x
      else { continue }
      return (MishOp(), [x])
    }
    return nil
  }
  /// `min(max(s, 0), 6)`, of which `s`.
  private func clipped(_ id: ValueID?) -> ValueID? {
    guard let clip = node(id), clip.op is ClipOp, close(scalar(clip.input(1)), 0), close(scalar(clip.input(2)), 6) else { return nil }
    return clip.input(0)
  }
  /// `min(max(x + 3, 0), 6)`, of which `x`.
  private func ramp(_ id: ValueID?) -> ValueID? { operand(clipped(id), AddOp.self, 3) }
  /// `ramp(x) / 6`, where TensorFlow's optimiser may have moved the 3 into a sum: `a + (b + 3)`.
  mutating func hardSigmoid(_ id: NodeID) -> Found? {
    guard let sum = clipped(quotient(graph[id].outputs.first, by: 6)) else { return nil }
    if let x = operand(sum, AddOp.self, 3) { return (HardSigmoidOp(alpha: 1 / 6, beta: 0.5), [x]) }
    guard let outer = node(sum), outer.op is AddOp else { return nil }
    for (a, shifted) in pairs(outer) {
      guard let b = operand(shifted, AddOp.self, 3) else { continue }
      let x = graph.append(AddOp(), [a, b], types: [graph[sum].type], name: outer.name, scope: outer.scope, origin: outer.origin)
      return (HardSigmoidOp(alpha: 1 / 6, beta: 0.5), [graph[x].outputs[0]])
    }
    return nil
  }
  /// `Clip(x / 5 + 0.5, 0, 1)`, Keras 2's, or with 1/6: by one op or two.
  func clippedLine(_ node: Node) -> Found? {
    var line: ValueID?
    if node.op is ClipOp {
      guard scalar(node.input(1)) == 0, scalar(node.input(2)) == 1 else { return nil }
      line = node.input(0)
    } else {
      let isMaximum = node.op is MaximumOp
      guard let inner = pairs(node).first(where: { scalar($0.1) == (isMaximum ? 0 : 1) })?.0, let other = self.node(inner),
        isMaximum ? other.op is MinimumOp : other.op is MaximumOp
      else { return nil }
      line = pairs(other).first { scalar($0.1) == (isMaximum ? 1 : 0) }?.0
    }
    guard let scaled = operand(line, AddOp.self, 0.5) else { return nil }
    for alpha in [0.2, 1.0 / 6] { if let x = quotient(scaled, by: 1 / alpha) { return (HardSigmoidOp(alpha: alpha, beta: 0.5), [x]) } }
    return nil
  }
  func hardSwish(_ node: Node) -> Found? {
    if node.op is MulOp {
      for (x, y) in pairs(node) {
        if let inner = self.node(y), let op = inner.op as? HardSigmoidOp, abs(op.alpha - 1.0 / 6) < 1e-6, op.beta == 0.5,
          inner.input(0) == x
        {
          return (HardSwishOp(), [x])
        }
        // x · (ramp · 1/6)
        if ramp(quotient(y, by: 6)) == x { return (HardSwishOp(), [x]) }
      }
      // (x · ramp) · 1/6
      if let product = pairs(node).first(where: { close(scalar($0.1), 1.0 / 6) })?.0, let x = rampProduct(product) {
        return (HardSwishOp(), [x])
      }
      return nil
    }
    guard close(scalar(node.input(1)), 6), let x = rampProduct(node.input(0)) else { return nil }
    return (HardSwishOp(), [x])
  }
  private func rampProduct(_ id: ValueID?) -> ValueID? {
    guard let product = node(id), product.op is MulOp else { return nil }
    return pairs(product).first { ramp($0.1) == $0.0 }?.0
  }

  /// `x · 0.5 · (1 + erf(x / √2))` with the factors in any order, the same with tanh, and `0.5 · x · erfc(−x / √2)`.
  func gelu(_ node: Node) -> Found? {
    func gate(_ id: ValueID?) -> (x: ValueID, approximate: Bool)? {
      guard let inner = operand(id, AddOp.self, 1), let function = self.node(inner) else { return nil }
      if function.op is ErfOp, let x = quotient(function.input(0), by: 2.0.squareRoot()) { return (x, false) }
      guard function.op is TanhOp, let cubic = operand(function.input(0), MulOp.self, 0.7978845608028654), let sum = self.node(cubic),
        sum.op is AddOp
      else { return nil }
      for (x, cube) in pairs(sum) {
        guard let power = operand(cube, MulOp.self, 0.044715), isCube(power, of: x) else { continue }
        return (x, true)
      }
      return nil
    }
    for (a, b) in pairs(node) {
      if let x = complementaryGate(b), operand(a, MulOp.self, 0.5) == x { return (GeluOp(approximate: false), [x]) }
      // (0.5 · x) · gate and (x · gate) · 0.5 and x · (0.5 · gate)
      if let (x, approximate) = gate(b), operand(a, MulOp.self, 0.5) == x || quotient(a, by: 2) == x {
        return (GeluOp(approximate: approximate), [x])
      }
      if let half = operand(b, MulOp.self, 0.5), let (x, approximate) = gate(half), x == a {
        return (GeluOp(approximate: approximate), [x])
      }
      if close(scalar(b), 0.5), let product = self.node(a), product.op is MulOp {
        for (x, y) in pairs(product) {
          if let (inner, approximate) = gate(y), inner == x { return (GeluOp(approximate: approximate), [x]) }
        }
      }
    }
    return nil
  }
  /// `x` of `erfc(−x / √2)`, the sign standing wherever it may.
  private func complementaryGate(_ id: ValueID?) -> ValueID? {
    guard let function = node(id), function.op is ErfcOp else { return nil }
    let root = 2.0.squareRoot(), argument = function.input(0)
    func negated(_ id: ValueID?) -> ValueID? { node(id).flatMap { $0.op is NegOp ? $0.input(0) : nil } }
    return negated(quotient(argument, by: root)) ?? quotient(negated(argument), by: root) ?? quotient(argument, by: -root)
  }
  private func isCube(_ id: ValueID, of x: ValueID) -> Bool {
    guard let node = node(id) else { return false }
    if node.op is PowOp { return node.input(0) == x && close(scalar(node.input(1)), 3) }
    guard node.op is MulOp else { return false }
    return pairs(node).contains { a, b in
      guard a == x, let square = self.node(b) else { return false }
      return square.op is SquareOp && square.input(0) == x || square.op is MulOp && square.input(0) == x && square.input(1) == x
        || square.op is PowOp && square.input(0) == x && close(scalar(square.input(1)), 2)
    }
  }

  /// `relu(x) + -slope · relu(-x)`, as Keras writes it, or `relu(x) - slope · relu(-x)`, with known slopes.
  mutating func prelu(_ node: Node) -> Found? {
    for (positive, product) in node.op is SubOp ? Array(pairs(node).prefix(1)) : pairs(node) {
      guard let rectified = self.node(positive), rectified.op is ReluOp, let x = rectified.input(0), let scaled = self.node(product),
        scaled.op is MulOp
      else { continue }
      for (slope, negative) in pairs(scaled) {
        guard let other = self.node(negative), other.op is ReluOp, let mirrored = self.node(other.input(0)), mirrored.op is NegOp,
          mirrored.input(0) == x, graph[x].type.dtype == .float32, let rank = graph[x].type.shape.rank
        else { continue }
        var found: ValueID?
        if node.op is SubOp {
          found = slope
        } else if let negated = self.node(slope), negated.op is NegOp {
          found = negated.input(0)
        } else if let tensor = tensor(slope) {
          let extents = tensor.extents
          found = graph.addConstant(
            tensor.mapped(to: tensor.type) { NDArray($0.values(Float.self).map { -$0 }, extents) }, name: graph[slope].name)
        }
        guard let found, let tensor = tensor(found), tensor.dtype == .float32, tensor.extents.count <= rank else { continue }
        return (PReluOp(), [x, found])
      }
    }
    return nil
  }
}
