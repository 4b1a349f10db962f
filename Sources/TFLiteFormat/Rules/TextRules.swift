import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let textRules: [OperatorRule] = [
  .reads(.skipGram) { n, g in
    let o = n.options(SkipGramOptions.self)
    let op = SkipGramOp(size: Int(o.ngramSize), maxSkip: Int(o.maxSkipSize), includesShorter: o.includeAllNgrams)
    return [try g.apply(op, try n.input(0))]
  },
  .reads(.lshProjection) { n, g in
    let kind = n.options(LSHProjectionOptions.self).type
    guard kind == .sparse || kind == .dense else { throw UnsupportedError("a projection of the type \(kind.name)") }
    return [try g.apply(LSHProjectionOp(isSparse: kind == .sparse), try n.input(0), try n.input(1), n.optional(2))]
  },
  .reads(.hashtableLookup) { n, g in
    // Rows by their keys, and whether there is such a key; zeros where there is none.
    let wanted = try n.input(0), keys = try n.input(1), table = try n.input(2), rank = try n.rank(2, in: g)
    let isThere = try g.apply(EqualOp(), try g.unsqueeze(wanted, [1]), try g.unsqueeze(keys, [0]))
    let place = try g.apply(ArgMaxOp(axis: 1, keepDims: false), try g.cast(isThere, to: .int32))
    let found = try g.reduce(.any, isThere, axes: [1])
    let rows = try g.gather(table, place, axis: 0)
    let column = rank > 1 ? try g.unsqueeze(found, Array(1..<rank)) : found
    let none =
      g.type(of: table).dtype == .string ? try g.constant(NDArray(strings: [[]], [])) : try g.scalar(0, like: table)
    return [try g.select(column, rows, none), try g.cast(found, to: .uint8)]
  }.onAnyType,
]
