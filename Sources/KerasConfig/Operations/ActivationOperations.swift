import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension OperationRules {
  static let activation: OperationFamily = OperationFamily(rules: activationRules, writers: activationWriters)

  /// One that `Activation` has.
  private static func rule(
    _ className: String, _ activation: @escaping @Sendable (OperationCall) throws -> Activation
  ) -> OperationRule {
    OperationRule(.nn, className) { call, context in
      try activation(call).apply(try call.floating("x", in: &context), in: &context)
    }
  }

  private static let activationRules: [OperationRule] = [
    OperationRule(.nn, "Relu") { try $1.apply(ReluOp(), try $0.tensor("x", in: &$1)) },
    rule("Relu6") { _ in .relu6 }, rule("Sigmoid") { _ in .sigmoid }, rule("SparseSigmoid") { _ in .sparseSigmoid },
    rule("Softplus") { _ in .softplus }, rule("Softsign") { _ in .softsign }, rule("SparsePlus") { _ in .sparsePlus },
    rule("Silu") { _ in .silu }, rule("LogSigmoid") { _ in .logSigmoid }, rule("HardSigmoid") { _ in .hardSigmoid() },
    rule("HardSilu") { _ in .hardSilu }, rule("Selu") { _ in .selu }, rule("TanhShrink") { _ in .tanhShrink },
    rule("HardTanh") { _ in .hardTanh }, rule("Tanh") { _ in .tanh },
    rule("SoftShrink") { .softShrink(threshold: try $0.double("threshold", default: 0.5)) },
    rule("HardShrink") { .hardShrink(threshold: try $0.double("threshold", default: 0.5)) },
    rule("Squareplus") { .squareplus(b: try $0.double("b", default: 4)) },
    rule("LeakyRelu") { .leakyRelu(negativeSlope: try $0.double("negative_slope", default: 0.2)) },
    rule("Elu") { .elu(alpha: try $0.double("alpha", default: 1)) },
    rule("Celu") { .celu(alpha: try $0.double("alpha", default: 1)) },
    rule("Gelu") { .gelu(approximate: try $0.bool("approximate", default: true)) },
    rule("Glu") { .glu(axis: try $0.int("axis", default: -1)) },
    rule("Sparsemax") { .sparsemax(axis: try $0.int("axis", default: -1)) },
    rule("Threshold") {
      .threshold(try $0.double("threshold", default: 0), defaultValue: try $0.double("default_value", default: 0))
    },
    softmax("Softmax"), softmax("LogSoftmax"),
    OperationRule(.numpy, "Clip", ["x", "x_min", "x_max"]) { call, context in
      let x = try call.tensor("x", in: &context)
      func bound(_ name: String) throws -> RecordingContext.Value? {
        if let array = call.option(name).flatMap({ try? ArrayConfig.read($0) }) {
          return try context.cast(try context.constant(array), to: x.fact.type.dtype)
        }
        return try call.optionalTensor(name, in: &context)
      }
      let low = try bound("x_min"), high = try bound("x_max")
      guard [low, high].allSatisfy({ $0 == nil || $0?.fact.type.shape.rank == 0 }) else {
        var y = x
        if let low { y = try context.maximum(y, low) }
        if let high { y = try context.minimum(y, high) }
        return y
      }
      return try context.apply(ClipOp(), x, low, high)
    },
  ]

  /// Over one axis, several, or (null) all.
  private static func softmax(_ className: String) -> OperationRule {
    OperationRule(.nn, className) { call, context in
      let x = try call.floating("x", in: &context)
      let rank = try context.rank(of: x), isLog = className == "LogSoftmax"
      let axes = try call.axes(rank: rank)
      if axes.count == 1 { return try context.apply(isLog ? LogSoftmaxOp(axis: axes[0]) : SoftmaxOp(axis: axes[0]), x) }
      let peak = try context.reduce(.max, x, axes: axes, keepDims: true)
      let shifted = try context.sub(x, peak)
      let total = try context.reduce(.sum, try context.apply(ExpOp(), shifted), axes: axes, keepDims: true)
      return isLog
        ? try context.sub(shifted, try context.apply(LogOp(), total))
        : try context.div(try context.apply(ExpOp(), shifted), total)
    }
  }

  private static func plain<O: Op>(_ type: O.Type, _ className: String) -> OperationWriteRule {
    OperationWriteRule(O.self) { _, inputs, writer in try writer.unary(className, try inputs.at(0), module: .nn) }
  }
  private static let activationWriters: [OperationWriteRule] = [
    plain(ReluOp.self, "Relu"), plain(SigmoidOp.self, "Sigmoid"), plain(SoftplusOp.self, "Softplus"),
    plain(SoftsignOp.self, "Softsign"), plain(HardSwishOp.self, "HardSilu"),
    OperationWriteRule(TanhOp.self) { _, inputs, writer in try writer.unary("Tanh", try inputs.at(0)) },
    OperationWriteRule(LeakyReluOp.self) { op, inputs, writer in
      try writer.call(.nn, "LeakyRelu", [.tensor(try inputs.at(0))], ["negative_slope": .double(op.alpha)])
    },
    OperationWriteRule(EluOp.self) { op, inputs, writer in
      try writer.call(.nn, "Elu", [.tensor(try inputs.at(0))], ["alpha": .double(op.alpha)])
    },
    OperationWriteRule(CeluOp.self) { op, inputs, writer in
      try writer.call(.nn, "Celu", [.tensor(try inputs.at(0))], ["alpha": .double(op.alpha)])
    },
    OperationWriteRule(GeluOp.self) { op, inputs, writer in
      try writer.call(.nn, "Gelu", [.tensor(try inputs.at(0))], ["approximate": .bool(op.approximate)])
    },
    OperationWriteRule(SeluOp.self) { op, inputs, writer in
      let usual = SeluOp(), x = try inputs.at(0)
      if abs(op.alpha - usual.alpha) < 1e-6, abs(op.gamma - usual.gamma) < 1e-6 { return try writer.unary("Selu", x, module: .nn) }
      let y = try writer.call(.nn, "Elu", [.tensor(x)], ["alpha": .double(op.alpha)])
      return try writer.binary("Multiply", y, try writer.scalar(op.gamma, like: y))
    },
    OperationWriteRule(SiluOp.self) { op, inputs, writer in try swish(try inputs.at(0), op.alpha, &writer) },
    OperationWriteRule(SwishOp.self) { op, inputs, writer in try swish(try inputs.at(0), op.alpha, &writer) },
    OperationWriteRule(MishOp.self) { _, inputs, writer in
      let x = try inputs.at(0)
      return try writer.binary("Multiply", x, try writer.unary("Tanh", try writer.unary("Softplus", x, module: .nn)))
    },
    OperationWriteRule(HardSigmoidOp.self) { op, inputs, writer in
      let x = try inputs.at(0)
      if abs(op.alpha - 1.0 / 6) < 1e-7, op.beta == 0.5 { return try writer.unary("HardSigmoid", x, module: .nn) }
      let line = try writer.binary(
        "Add", try writer.binary("Multiply", x, try writer.scalar(op.alpha, like: x)), try writer.scalar(op.beta, like: x))
      return try writer.call(.numpy, "Clip", [.tensor(line)], ["x_min": 0.0, "x_max": 1.0])
    },
    OperationWriteRule(ThresholdedReluOp.self) { op, inputs, writer in
      try writer.call(
        .nn, "Threshold", [.tensor(try inputs.at(0))], ["threshold": .double(op.alpha), "default_value": 0.0])
    },
    OperationWriteRule(ShrinkOp.self) { op, inputs, writer in
      let x = try inputs.at(0)
      if x.dtype.isFloatingPoint, op.bias == 0 || op.bias == op.lambd {
        return try writer.call(.nn, op.bias == 0 ? "HardShrink" : "SoftShrink", [.tensor(x)], ["threshold": .double(op.lambd)])
      }
      let bias = try writer.scalar(op.bias, like: x), limit = try writer.scalar(op.lambd, like: x)
      let below = try writer.binary("Less", x, try writer.scalar(-op.lambd, like: x))
      let above = try writer.binary("Greater", x, limit)
      let upper = try writer.call(
        .numpy, "Where", [.tensor(above), .tensor(try writer.binary("Subtract", x, bias)), .tensor(try writer.scalar(0, like: x))])
      return try writer.call(.numpy, "Where", [.tensor(below), .tensor(try writer.binary("Add", x, bias)), .tensor(upper)])
    },
    OperationWriteRule(PReluOp.self) { _, inputs, writer in
      let x = try inputs.at(0)
      let scaled = try writer.binary("Multiply", x, try inputs.at(1))
      let below = try writer.binary("Less", x, try writer.scalar(0, like: x))
      return try writer.call(.numpy, "Where", [.tensor(below), .tensor(scaled), .tensor(x)])
    },
    OperationWriteRule(
      ClipOp.self,
      many: { _, inputs, writer in
        guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "Clip takes a tensor") }
        let low = inputs.count > 1 ? inputs[1] : nil, high = inputs.count > 2 ? inputs[2] : nil
        if let a = low?.fact.scalar, let b = high?.fact.scalar, a.isFinite, b.isFinite, x.dtype.isFloatingPoint {
          if a == 0, b == 6 { return [try writer.unary("Relu6", x, module: .nn)] }
          return [try writer.call(.numpy, "Clip", [.tensor(x)], ["x_min": .double(a), "x_max": .double(b)])]
        }
        var y = x
        if let low { y = try writer.binary("Maximum", y, low) }
        if let high { y = try writer.binary("Minimum", y, high) }
        return [y]
      }),
    OperationWriteRule(SoftmaxOp.self) { op, inputs, writer in
      try writer.call(.nn, "Softmax", [.tensor(try inputs.at(0))], ["axis": .int(op.axis)])
    },
    OperationWriteRule(LogSoftmaxOp.self) { op, inputs, writer in
      try writer.call(.nn, "LogSoftmax", [.tensor(try inputs.at(0))], ["axis": .int(op.axis)])
    },
    OperationWriteRule(HardmaxOp.self) { op, inputs, writer in
      let x = try inputs.at(0), dims = try x.dims(), axis = try normalizeAxis(op.axis, rank: dims.count)
      guard let depth = dims[axis].value else { throw OperationWriter.unsupported(op, "the extent of its axis is unknown") }
      let index = try writer.call(.numpy, "Argmax", [.tensor(x)], ["axis": .int(axis), "keepdims": false])
      return try writer.call(
        .nn, "OneHot", [.tensor(index)],
        ["num_classes": .int(depth), "axis": .int(axis == dims.count - 1 ? -1 : axis), "dtype": .string(x.dtype.rawValue), "sparse": false])
    },
  ]

  private static func swish(_ x: WrittenTensor, _ alpha: Double, _ writer: inout OperationWriter) throws -> WrittenTensor {
    if alpha == 1 { return try writer.unary("Silu", x, module: .nn) }
    let inner = try writer.binary("Multiply", x, try writer.scalar(alpha, like: x))
    return try writer.binary("Multiply", x, try writer.unary("Sigmoid", inner, module: .nn))
  }
}
