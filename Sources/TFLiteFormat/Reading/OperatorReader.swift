import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What a rule sees of an operator: its options, with the schema's defaults, its inputs as values, and what the file says of its
/// inputs' and outputs' types.
struct OperatorReader {
  let library: SubgraphLibrary
  let op: TFLiteOperator
  let code: BuiltinOperator
  /// The schema's name, or a custom operator's own.
  let type: String
  let version: Int
  /// `nil` for an optional one that is left out.
  let inputs: [ValueID?]
  let inputTypes: [TensorType?]
  var outputTypes: [TensorType]

  /// - Throws: `FormatError.missingReference` when it is left out.
  func input(_ index: Int) throws -> ValueID {
    guard index < inputs.count, let value = inputs[index] else {
      throw FormatError(.missingReference, "\(type) needs input \(index), found \(inputs.count) inputs")
    }
    return value
  }
  func optional(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }
  /// All inputs, none of which may be left out. A variable or table is no value of the graph: it can't be handed to a body.
  func allInputs() throws -> [ValueID] {
    try inputs.indices.map { index in
      if inputs[index] == nil, let numbers = op.inputs, index < numbers.count, numbers[index] >= 0 {
        throw UnsupportedError("variables among the operands are not supported")
      }
      return try input(index)
    }
  }
  /// The file's type of an output.
  func output(_ index: Int) throws -> TensorType {
    guard index < outputTypes.count else {
      throw FormatError(.missingReference, "\(type) needs output \(index), found \(outputTypes.count) outputs")
    }
    return outputTypes[index]
  }

  /// The operator's options; the schema's defaults where the file has none of this kind.
  func options<T: FlatTable>(_ table: T.Type = T.self) -> T {
    (op.builtinOptions.content as? T) ?? (op.builtinOptions2.content as? T) ?? T()
  }

  // MARK: Types

  /// Arithmetic gives what it takes: LiteRT goes by that where the file calls the result of quantised integers floats, scales and all.
  func withStaleResult(_ code: BuiltinOperator, in g: GraphContext) -> OperatorReader {
    guard [.add, .sub, .mul, .div, .maximum, .minimum].contains(code), let type = outputTypes.first, type.dtype == .float32,
      type.quantization != nil, let x = inputs.first ?? nil, let stored = QuantizedType(g.type(of: x))
    else { return self }
    var result = self
    result.outputTypes[0].dtype = stored.dtype
    return result
  }

  func dtype(_ type: TFLiteTensorType) throws -> DType {
    guard let dtype = type.dtype else { throw UnsupportedError("values of the type \(type.name) are not supported") }
    return dtype
  }
  /// The quantisation of an input or output, unless it is a plain tensor.
  func inputQuantization(_ index: Int) -> Quantization? { index < inputTypes.count ? inputTypes[index]?.quantization : nil }
  func outputQuantization(_ index: Int) -> Quantization? { index < outputTypes.count ? outputTypes[index].quantization : nil }

  /// The rank of an input.
  /// - Throws: `UnsupportedError` when it is unknown.
  func rank(_ index: Int, in g: GraphContext) throws -> Int {
    guard let rank = g.type(of: try input(index)).shape.rank else {
      throw UnsupportedError("input \(index) of \(type) has an unknown rank")
    }
    return rank
  }
  /// The fixed extents of an input.
  /// - Throws: `UnsupportedError` when one is unknown.
  func extents(_ index: Int, in g: GraphContext) throws -> [Int] {
    guard let extents = g.type(of: try input(index)).shape.extents else {
      throw UnsupportedError("input \(index) of \(type) has unknown extents")
    }
    return extents
  }
  /// An axis counted from the front.
  func axis(_ axis: Int, of value: ValueID, in g: GraphContext) throws -> Int {
    guard let rank = g.type(of: value).shape.rank else {
      guard axis < 0 else { return axis }
      throw UnsupportedError("\(type) along axis \(axis) of a value of unknown rank")
    }
    guard axis >= -rank, axis < rank else { throw FormatError(.invalidValue, "\(type) along axis \(axis) of a value of rank \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  // MARK: Constant inputs

  /// The integers of an input that must be known when the model is read.
  /// - Throws: `UnsupportedError` when they are computed.
  func constantInts(_ index: Int, in g: GraphContext) throws -> [Int] {
    let fact = g.fact(of: try input(index))
    if let values = fact.integers { return values }
    guard let constant = fact.constant, constant.elementCount <= 1 << 16, let values = try constant.array().integers() else {
      throw UnsupportedError("input \(index) of \(type) is not constant")
    }
    return values
  }
  func constantInt(_ index: Int, in g: GraphContext) throws -> Int {
    guard let value = try constantInts(index, in: g).first else {
      throw FormatError(.invalidValue, "input \(index) of \(type) has no element")
    }
    return value
  }
  func constantScalar(_ index: Int, in g: GraphContext) throws -> Double {
    guard let value = g.fact(of: try input(index)).scalar else { throw UnsupportedError("input \(index) of \(type) is not constant") }
    return value
  }
  /// An integer input as an int64 vector, as canonical shapes and bounds are.
  func int64(_ index: Int, in g: inout GraphContext) throws -> ValueID {
    let value = try input(index)
    if let known = g.fact(of: value).integers, g.type(of: value).shape.rank == 1 { return try g.ints(known) }
    return try g.cast(value, to: .int64)
  }
  /// An integer input of one element as an int64 scalar.
  func scalar64(_ index: Int, in g: inout GraphContext) throws -> ValueID {
    let value = try input(index)
    if let known = g.fact(of: value).integers?.first { return try g.constant(NDArray(scalar: Int64(known))) }
    return try g.reshape(try g.cast(value, to: .int64), [])
  }
}

/// The double that prints like the float: 0.1 stays 0.1.
func double(_ float: Float) -> Double { Double(float.description) ?? Double(float) }
