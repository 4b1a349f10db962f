import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  /// Where elements stand that are not 0, and what is taken by that.
  static let places = OperationFamily(
    rules: [
      OperationRule(
        .numpy, "Nonzero", ["x"],
        many: { call, context in
          // Keras gives the places along each axis by themselves.
          let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
          guard rank > 0 else { throw call.unsupported("a number has no axes") }
          let found = try context.cast(try context.apply(NonZeroOp(), x), to: .int32)
          return try (0..<rank).map { axis in
            try context.squeeze(try context.slice(found, axis: 0, start: axis, end: axis + 1), [0])
          }
        })
    ],
    writers: [
      OperationWriteRule(NonZeroOp.self) { op, inputs, writer in
        let places = try nonzero(try inputs.at(0), op, &writer)
        return try writer.cast(try writer.call(.numpy, "Stack", [.list(places.map { .tensor($0) })], ["axis": 0]), to: .int64)
      },
      OperationWriteRule(CompressOp.self) { op, inputs, writer in
        var x = try inputs.at(0)
        if op.axis == nil { x = try writer.reshape(x, [-1]) }
        let places = try nonzero(try inputs.at(1), op, &writer)
        let axis = try normalizeAxis(op.axis ?? 0, rank: try x.rank())
        return try writer.call(.numpy, "Take", [.tensor(x), .tensor(try places.at(0))], ["axis": .int(axis)])
      },
    ])

  private static func nonzero(_ x: WrittenTensor, _ op: any Op, _ writer: inout OperationWriter) throws -> [WrittenTensor] {
    guard try x.rank() > 0 else { throw OperationWriter.unsupported(op, "Keras finds no places in a number") }
    return try writer.calls(.numpy, "Nonzero", [.tensor(x)])
  }
}
