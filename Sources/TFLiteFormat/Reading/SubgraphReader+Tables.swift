import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension SubgraphReader {
  mutating func makeTable(_ op: TFLiteOperator) throws {
    let options = options(of: op, HashtableOptions.self), key = "table \(options.tableId)"
    guard let keys = options.keyDtype.dtype, let values = options.valueDtype.dtype else {
      throw UnsupportedError("a table of unknown types is not supported")
    }
    memory.handles[try tensorNumber(op.outputs, 0)] = key
    if memory.tables[key] == nil { memory.tables[key] = LookupTable(keyType: keys, valueType: values) }
  }

  mutating func fillTable(_ op: TFLiteOperator, in g: inout GraphContext) throws {
    let key = try handle(op)
    guard let table = memory.tables[key] else { throw UnsupportedError("\(key) is no table") }
    // A table that is filled again stays as it is.
    guard table.contents == nil else { return }
    let keyInput = try value(try tensorNumber(op.inputs, 1), in: &g), valueInput = try value(try tensorNumber(op.inputs, 2), in: &g)
    var evaluator = ConstantEvaluator(g)
    let keys = try evaluator.tensor(keyInput).array(), values = try evaluator.tensor(valueInput).array()
    guard keys.count == values.count, keys.dtype == table.keyType, values.dtype == table.valueType else {
      throw FormatError(.invalidValue, "\(key) is filled with \(keys.type) and \(values.type)")
    }
    memory.tables[key]?.contents = (keys.reshaped([keys.count]), values.reshaped([values.count]))
  }

  private func contents(_ key: String) throws -> (keys: NDArray, values: NDArray) {
    guard let contents = memory.tables[key]?.contents else { throw UnsupportedError("\(key) is used before it is filled") }
    return contents
  }

  mutating func findInTable(_ op: TFLiteOperator, in g: inout GraphContext) throws {
    let contents = try contents(try handle(op))
    let keys = try value(try tensorNumber(op.inputs, 1), in: &g)
    let fallback = try value(try tensorNumber(op.inputs, 2), in: &g)
    guard let constant = g.fact(of: fallback).constant else { throw UnsupportedError("a default that is computed is not supported") }
    let array = try constant.array()
    guard array.count == 1 else { throw FormatError(.invalidValue, "a table's default is \(array.type)") }
    let encoder = LabelEncoderOp(keys: contents.keys, values: contents.values, defaultValue: array.reshaped([1]))
    try define(op, 0, try g.apply(encoder, keys))
  }

  mutating func sizeOfTable(_ op: TFLiteOperator, in g: inout GraphContext) throws {
    try define(op, 0, try g.constant(NDArray([Int64(try contents(try handle(op)).keys.count)], [1])))
  }
}
