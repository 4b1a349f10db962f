import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperatorWriter {
  mutating func padded(_ op: PadOp, _ x: RuleInputs) throws -> OutValue {
    let value = try x.required(0), type = try types(op, x)[0]
    guard let rank = value.type.shape.rank else { throw UnsupportedError("padding of a value of unknown rank") }
    guard let given = try x.required(1).fact.integers, given.count % 2 == 0 else {
      guard x[3] == nil, op.mode != .edge, op.mode != .wrap else { throw UnsupportedError("padding by computed amounts") }
      let rows = try transpose(try reshape(try cast(try x.required(1), to: .int32), [2, rank]), [1, 0])
      return try padded(op.mode, value, rows, x[2], type)
    }
    var axes = Array(0..<rank)
    if let listed = x[3] {
      guard let known = listed.fact.integers else { throw UnsupportedError("padding along axes that are computed") }
      axes = try known.map { try normalizeAxis($0, rank: rank) }
    }
    guard given.count == 2 * axes.count else { throw GraphError(.shapeMismatch, "Pad by \(given.count) amounts") }
    var pads = [Int](repeating: 0, count: 2 * rank)
    for (index, axis) in axes.enumerated() { (pads[2 * axis], pads[2 * axis + 1]) = (given[index], given[axes.count + index]) }
    guard pads.contains(where: { $0 != 0 }) else { return value }
    guard pads.allSatisfy({ $0 >= 0 }) else {
      // What is taken away is cut first.
      let ends = (0..<rank).map { pads[2 * $0 + 1] < 0 ? pads[2 * $0 + 1] : Int(Int32.max) }
      let starts = (0..<rank).map { max(0, -pads[2 * $0]) }
      let cut = try apply(SliceOp(), to: [value, try ints(starts), try ints(ends)])[0]
      let rest = pads.map { max(0, $0) }
      let before = rest.indices.filter { $0 % 2 == 0 }.map { rest[$0] }, behind = rest.indices.filter { $0 % 2 == 1 }.map { rest[$0] }
      return try apply(PadOp(mode: op.mode), to: [cut, try ints(before + behind), x[2]])[0]
    }
    let rows = try int32s(pads, [rank, 2])
    guard op.mode == .edge || op.mode == .wrap else { return try padded(op.mode, value, rows, x[2], type) }
    // Axis by axis, what is picked: the nearest element, or the one a whole turn away.
    var result = value
    for axis in 0..<rank where pads[2 * axis] > 0 || pads[2 * axis + 1] > 0 {
      let extent = try extentScalar(result, axis), one = try scalar(1, dtype: .int64), zero = try scalar(0, dtype: .int64)
      let first = try constant(NDArray(scalar: Int64(-pads[2 * axis]))), last = try constant(NDArray(scalar: Int64(pads[2 * axis + 1])))
      let places = try apply(RangeOp(), first, try add(extent, last), one)
      let picked = try op.mode == .wrap ? apply(ModOp(), places, extent) : minimum(try maximum(places, zero), try sub(extent, one))
      let shape = try GatherOp(axis: axis).infer([result.fact, picked.fact])[0]
      result = try gathered(result, picked, axis: axis, batchDims: 0, as: shape)
    }
    return result
  }

  private mutating func padded(
    _ mode: PadMode, _ value: OutValue, _ rows: OutValue, _ filler: OutValue?, _ type: TensorType
  ) throws -> OutValue {
    if mode == .reflect || mode == .symmetric {
      var options = MirrorPadOptions()
      options.mode = mode == .reflect ? .reflect : .symmetric
      let own: Set<DType> = [.float32, .int32, .uint8, .int64]
      let inner: DType = own.contains(value.dtype) ? value.dtype : value.dtype.isInteger ? .int64 : .float32
      let made = try emit(.mirrorPad, [try cast(value, to: inner), rows], .mirrorPadOptions(options), as: TensorType(inner, type.shape))
      return try cast(made, to: type.dtype)
    }
    guard value.type.shape.rank ?? 0 <= 5 else { throw UnsupportedError("padding of more than five axes") }
    let own: Set<DType> = [.float32, .int32, .int64, .uint8]
    let inner: DType = own.contains(value.dtype) ? value.dtype : value.dtype.isInteger || value.dtype == .bool ? .int32 : .float32
    let wide = try cast(value, to: inner), made: OutValue
    if let filler, filler.fact.scalar != 0 {
      let scalar = try reshape(try cast(filler, to: inner), [1])
      made = try emit(.padv2, [wide, rows, scalar], .padV2Options(PadV2Options()), as: TensorType(inner, type.shape))
    } else {
      made = try emit(.pad, [wide, rows], .padOptions(PadOptions()), as: TensorType(inner, type.shape))
    }
    return try cast(made, to: type.dtype)
  }
}
