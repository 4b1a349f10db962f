import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// The operators of TensorFlow Lite Micro's signal library that keep nothing; `SubgraphReader+Signal` reads the others.
let signalRules: [OperatorRule] = [
  .reads(custom: "SignalWindow") { n, g in
    try g.apply(SignalWindowOp(shift: try n.signalOption("shift")), to: [try n.input(0), try n.input(1)])
  }.onAnyType,
  .reads(custom: "SignalFftAutoScale") { n, g in try g.apply(SignalAutoScaleOp(), to: [try n.input(0)]) }.onAnyType,
  .reads(custom: "SignalRfft") { n, g in
    try g.apply(SignalTransformOp(length: try n.signalOption("fft_length")), to: [try n.input(0)])
  }.onAnyType,
  .reads(custom: "SignalIrfft") { n, g in
    try g.apply(SignalTransformOp(length: try n.signalOption("fft_length"), isInverse: true), to: [try n.input(0)])
  }.onAnyType,
  .reads(custom: "SignalEnergy") { n, g in
    let start = try n.signalOption("start_index"), end = try n.signalOption("end_index")
    guard start >= 0, start <= end else { throw FormatError(.invalidValue, "\(n.type) from \(start) to \(end)") }
    return try g.apply(SignalEnergyOp(range: start..<end), to: [try n.input(0)])
  }.onAnyType,
  .reads(custom: "SignalFilterBank") { n, g in
    try g.apply(SignalFilterBankOp(channels: try n.signalOption("num_channels")), to: try (0..<6).map { try n.input($0) })
  }.onAnyType,
  .reads(custom: "SignalFilterBankSquareRoot") { n, g in
    try g.apply(SignalSquareRootOp(), to: [try n.input(0), try n.input(1)])
  }.onAnyType,
  .reads(custom: "SignalPCAN") { n, g in
    try g.apply(SignalGainControlOp(shift: try n.signalOption("snr_shift")), to: try (0..<3).map { try n.input($0) })
  }.onAnyType,
  .reads(custom: "SignalFilterBankLog") { n, g in
    let op = SignalLogOp(scale: try n.signalOption("output_scale"), correctionBits: try n.signalOption("input_correction_bits"))
    return try g.apply(op, to: [try n.input(0)])
  }.onAnyType,
]

extension OperatorReader {
  fileprivate func signalOption(_ name: String) throws -> Int { try customOptions().signalOption(name, of: type) }
}

extension [String: FlexBuffer.Value] {
  /// A number of 32 bits.
  func signalOption(_ name: String, of type: String) throws -> Int {
    guard let value = self[name]?.int, let number = Int32(exactly: value) else {
      throw FormatError(.missingReference, "\(type) needs the option \(name), a number of 32 bits")
    }
    return Int(number)
  }
}
