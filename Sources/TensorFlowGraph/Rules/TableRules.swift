import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

/// Tables of keys and values. Reading follows their handles (`SubgraphReader.readTable`).
///
/// Written where it is used: a table fills itself before it is asked. Filling one again with as many entries does nothing, so no
/// initialiser outside is needed, and a function takes no handle along.
let tableRules: [NodeRule] = [
  .writes(LabelEncoderOp.self) { op, x, w in
    let keys = op.keys.reshaped([op.keys.count]), values = op.values.reshaped([op.values.count])
    let name = "table_\(tableDigest(keys, values))"
    let table = try w.emit(
      "HashTableV2", [],
      ["key_dtype": try .dtype(keys.dtype), "value_dtype": try .dtype(values.dtype), "shared_name": .string(name)],
      as: TensorType(.resource, .ranked([])))
    let filling = try w.emitOrder("LookupTableImportV2", [table, try w.constant(keys), try w.constant(values)])
    let fallback = try w.constant(op.defaultValue.reshaped([]))
    let input = try x.required(0)
    let found = try w.emit("LookupTableFindV2", [table, input, fallback], as: TensorType(values.dtype, input.type.shape))
    w.order(after: filling)
    return [found]
  }
]

/// Tells tables of different contents apart: tables of one name are one.
private func tableDigest(_ keys: NDArray, _ values: NDArray) -> String {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  for array in [keys, values] {
    array.dtype.rawValue.utf8.forEach(add)
    if array.dtype == .string {
      for text in array.strings {
        text.forEach(add)
        add(0)
      }
    } else {
      array.withBytes { $0.forEach(add) }
    }
  }
  return String(hash, radix: 16)
}
