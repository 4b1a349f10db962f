import ModelGraph
import ModelSupport
import ModelTensor

/// The modules that Keras 3 keeps its operations in.
enum OperationModule: String, Sendable {
  case numpy, nn, math, core, image, linalg, einops
  var name: String { "keras.src.ops.\(rawValue)" }
}

/// What is known of one operation of `keras.ops`: what its call means in canonical ops.
///
/// How canonical ops are said with operations is the business of `OperationWriter`'s rows; for ops with an
/// exact counterpart one `OperationRow` holds both directions.
struct OperationRule: Sendable {
  typealias Read = @Sendable (OperationCall, inout RecordingContext) throws -> [RecordingContext.Value]
  var module: OperationModule
  var className: String
  /// The call's arguments in order; `*` in front of a name takes all the rest as a list.
  var arguments: [String]
  var read: Read

  init(
    _ module: OperationModule, _ className: String, _ arguments: [String] = ["x"],
    many read: @escaping Read
  ) {
    self.module = module
    self.className = className
    self.arguments = arguments
    self.read = read
  }
  init(
    _ module: OperationModule, _ className: String, _ arguments: [String] = ["x"],
    read: @escaping @Sendable (OperationCall, inout RecordingContext) throws -> RecordingContext.Value
  ) {
    self.init(module, className, arguments, many: { [try read($0, &$1)] })
  }
}

/// A canonical op and how it is said with operations.
struct OperationWriteRule: Sendable {
  typealias Write = @Sendable (any Op, [WrittenTensor?], inout OperationWriter) throws -> [WrittenTensor]
  var type: any Op.Type
  var write: Write

  init<O: Op>(
    _ type: O.Type, many write: @escaping @Sendable (O, [WrittenTensor?], inout OperationWriter) throws -> [WrittenTensor]
  ) {
    self.type = type
    self.write = { op, inputs, writer in
      guard let op = op as? O else { throw GraphError(.invalidStructure, "\(op.displayName) is no \(O.name)") }
      return try write(op, inputs, &writer)
    }
  }
  init<O: Op>(
    _ type: O.Type, write: @escaping @Sendable (O, [WrittenTensor], inout OperationWriter) throws -> WrittenTensor
  ) {
    self.init(type, many: { op, inputs, writer in [try write(op, inputs.compactMap { $0 }, &writer)] })
  }
}

/// Rules and write rules of one family.
struct OperationFamily: Sendable {
  var rules: [OperationRule] = []
  var writers: [OperationWriteRule] = []

  static func + (a: OperationFamily, b: OperationFamily) -> OperationFamily {
    OperationFamily(rules: a.rules + b.rules, writers: a.writers + b.writers)
  }
}

/// Rows that read and write.
extension OperationFamily {
  /// A function of one tensor. `float`: integers become float32 first.
  static func unary<O: Op>(
    _ module: OperationModule, _ className: String, _ op: O, float: Bool = true, also aliases: [String] = []
  ) -> OperationFamily {
    let read: @Sendable (OperationCall, inout RecordingContext) throws -> RecordingContext.Value = { call, context in
      try context.apply(op, float ? try call.floating("x", in: &context) : try call.tensor("x", in: &context))
    }
    return OperationFamily(
      rules: ([className] + aliases).map { OperationRule(module, $0, read: read) },
      writers: [
        OperationWriteRule(O.self) { _, inputs, writer in try writer.call(module, className, [.tensor(try inputs.at(0))]) }
      ])
  }

  /// A function of two tensors under type promotion.
  static func binary<O: Op>(
    _ module: OperationModule, _ className: String, _ op: O, float: Bool = false, arguments: [String] = ["x1", "x2"],
    also aliases: [String] = [], isWritten: Bool = true
  ) -> OperationFamily {
    let read: @Sendable (OperationCall, inout RecordingContext) throws -> RecordingContext.Value = { call, context in
      let operands = try call.promoted(arguments, float: float, in: &context)
      return try context.apply(op, operands[0], operands[1])
    }
    return OperationFamily(
      rules: ([className] + aliases).map { OperationRule(module, $0, arguments, read: read) },
      writers: isWritten
        ? [
          OperationWriteRule(O.self) { _, inputs, writer in
            try writer.binary(className, try inputs.at(0), try inputs.at(1), module: module)
          }
        ] : [])
  }
}

extension Array {
  /// Element `index`.
  /// - Throws: `GraphError.wrongInputCount` when there is none.
  func at(_ index: Int) throws -> Element {
    guard indices.contains(index) else {
      throw GraphError(.wrongInputCount, "expected at least \(index + 1) tensors, found \(count)")
    }
    return self[index]
  }
}
