import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension SubgraphReader {
  /// Reads an operator of TensorFlow Lite Micro's signal library that remembers the calls before; `false` for any other. The library keeps what it
  /// remembers inside the operator: it is named for the operator's first result.
  mutating func readSignal(_ op: TFLiteOperator, _ type: String, name: String, in g: inout GraphContext) throws -> Bool {
    guard Self.signalTypes.contains(type) else { return false }
    let options = try library.file.customOptions(of: op).map { try FlexBuffer.map($0.count <= 1 << 20 ? $0.bytes() : []) } ?? [:]
    func option(_ name: String) throws -> Int { try options.signalOption(name, of: type) }
    let x = try value(try tensorNumber(op.inputs, 0), in: &g), dtype = g.type(of: x).dtype
    guard let extents = g.type(of: x).shape.extents, let last = extents.last else {
      throw UnsupportedError("\(type) of a value of unknown extents is not supported")
    }
    func state(_ part: String, _ dtype: DType, _ shape: [Int], first: Int32? = nil) throws -> (key: String, value: ValueID) {
      let key = "\(library.place(index))/\(name)/\(part)"
      let initial = first.map { Tensor(NDArray(scalar: $0)) }
      let zeros = TensorType(dtype, Shape(shape))
      return (key, try addState(key, name: "\(name)/\(part)", try initial ?? filled(zeros, with: 0), role: .stream, in: &g))
    }
    do {
      switch type {
      case "SignalFramer":
        let framer = SignalFramerOp(size: try option("frame_size"), step: try option("frame_step"))
        guard framer.step > 0, framer.size >= framer.step else {
          throw FormatError(.invalidValue, "\(type) of \(framer.size) samples every \(framer.step)")
        }
        let waiting = try state("samples", .int16, Array(extents.dropLast()) + [framer.capacity])
        // With a start of zeros, the first step fills a frame.
        let count = try state("count", .int32, [], first: options["prefill"]?.bool == true ? Int32(framer.size - framer.step) : 0)
        let results = try g.append(framer, [x, waiting.value, count.value], name: name)
        try keep([results[0], results[1]], of: op, next: [(waiting.key, results[2]), (count.key, results[3])])
      case "SignalStacker":
        let stacker = SignalStackerOp(
          channels: try option("num_channels"), before: try option("stacker_left_context"), after: try option("stacker_right_context"),
          step: try option("stacker_step"))
        guard let extent = stacker.extent else { throw UnsupportedError("\(type) that goes on by more than it holds is not supported") }
        let waiting = try state("frames", .int16, [extent]), count = try state("count", .int32, [], first: -1)
        let results = try g.append(stacker, [x, waiting.value, count.value], name: name)
        try keep([results[0], results[1]], of: op, next: [(waiting.key, results[2]), (count.key, results[3])])
      case "SignalOverlapAdd":
        guard extents.count >= 2 else { throw FormatError(.invalidValue, "\(type) of a value \(extents)") }
        let rest = try state("rest", dtype, Array(extents.dropLast(2)) + [last])
        let results = try g.append(SignalOverlapAddOp(step: try option("frame_step")), [x, rest.value], name: name)
        try keep([results[0]], of: op, next: [(rest.key, results[1])])
      case "SignalDelay":
        let length = try option("delay_length")
        guard length >= 0, dtype == .int16 else { throw FormatError(.invalidValue, "\(type) by \(length)") }
        let late = try state("samples", .int16, Array(extents.dropLast()) + [length])
        let joined = try g.concat([late.value, x], axis: extents.count - 1)
        let result = try g.slice(joined, axis: extents.count - 1, start: 0, end: last)
        let next = try g.slice(joined, axis: extents.count - 1, start: last, end: last + length)
        try keep([result], of: op, next: [(late.key, next)])
      default:
        let subtraction = SignalSpectralSubtractionOp(
          smoothing: [try option("smoothing"), try option("alternate_smoothing")],
          remembered: [try option("one_minus_smoothing"), try option("alternate_one_minus_smoothing")],
          leastRemaining: try option("min_signal_remaining"), smoothingBits: try option("smoothing_bits"),
          bits: try option("spectral_subtraction_bits"), clamps: options["clamping"]?.bool == true)
        let noise = try state("noise", .uint32, extents)
        let results = try g.append(subtraction, [x, noise.value], name: name)
        try keep(results, of: op, next: [(noise.key, results[1])])
      }
    } catch let error as GraphError { throw FormatError(.invalidValue, error.description) }
    return true
  }

  private static let signalTypes: Set<String> = [
    "SignalFramer", "SignalStacker", "SignalOverlapAdd", "SignalDelay", "SignalFilterBankSpectralSubtraction",
  ]

  private mutating func keep(_ results: [ValueID], of op: TFLiteOperator, next: [(key: String, value: ValueID)]) throws {
    for (index, result) in results.enumerated() { try define(op, index, result) }
    for (key, value) in next { memory.current[key] = value }
  }
}
