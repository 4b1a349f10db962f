import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Special functions, which TensorFlow alone has operators for.
let specialRules: [NodeRule] =
  SpecialFunction.allCases.map { function in
    .reads(function.rawValue) { n, g in
      try g.apply(SpecialFunctionOp(function), to: try (0..<function.arity).map { try n.input($0) })
    }
  } + [
    .writes(SpecialFunctionOp.self) { op, x, w in
      let type = op.function.rawValue
      guard w.dialect == .tensorFlow else { throw UnsupportedError("TensorFlow.js has no \(type)") }
      var operands = try (0..<op.function.arity).map { try x.required($0) }
      if op.function == .incompleteBeta, let type = try? op.infer(operands.map(\.fact))[0] {
        // It alone does not broadcast, but for scalars.
        let shapes = Set(operands.map(\.type.shape))
        if shapes.count > 1, !(shapes.count == 2 && shapes.contains([])) {
          guard let extents = type.shape.extents else { throw UnsupportedError("\(op.displayName) of unknown extents") }
          operands = try operands.map { try w.expand($0, to: try w.ints(extents)) }
        }
      }
      return [try w.emit(type, operands, as: try w.types(op, RuleInputs(values: operands))[0])]
    }
  ]
