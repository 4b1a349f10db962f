import ModelGraph
import ModelTensor

// TensorFlow Lite Micro's filter banks of an audio front end. Source: its `signal/src/filter_bank*.cc`, `square_root_*.cc`.

/// The energy of a spectrum in channels that overlap by half (`SignalFilterBank`).
///
/// Inputs: uint32 `[bins]`; int16 weights and, for the channel after, unweights; int16 `[channels + 1]`: where each channel's
/// bins begin, where its weights begin, and how many there are. Result: uint64 `[channels]`; sums wrap.
public struct SignalFilterBankOp: PrimitiveOp {
  public static let name = "SignalFilterBank"
  public static let family = OpFamily.linear
  public var channels: Int
  public init(channels: Int) { self.channels = channels }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.dtype == .uint32 else { throw GraphError(.wrongDType, "\(displayName) of \(x)") }
    for index in 1..<6 {
      let type = try inputs.required(index, of: self).type
      guard type.dtype == .int16 else { throw GraphError(.wrongDType, "\(displayName) with \(type)") }
    }
    guard channels > 0, channels < 1 << 16 else { throw GraphError(.invalidAttribute, "\(displayName) of \(channels) channels") }
    return [TensorType(.uint64, [channels])]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let tables = try (1..<6).map { index in
      let table = try inputs.required(index, of: self)
      guard table.dtype == .int16 else { throw noKernel(table.dtype) }
      return table.values(Int16.self).map(Int.init)
    }
    guard x.dtype == .uint32, channels > 0, tables[2...].allSatisfy({ $0.count > channels }) else {
      throw ExecutionError(.invalidInput, "\(displayName) of \(x.type) in \(channels) channels")
    }
    let energies = x.values(UInt32.self)
    var result: [UInt64] = [], sum: UInt64 = 0, next: UInt64 = 0
    for channel in 0...channels {
      let start = tables[2][channel], first = tables[3][channel], width = max(0, tables[4][channel])
      guard
        width == 0 || start >= 0 && start + width <= energies.count && first >= 0 && first + width <= min(tables[0].count, tables[1].count)
      else {
        throw ExecutionError(
          .invalidValue, "\(displayName): channel \(channel) has the bins \(start) to \(start + width) of \(energies.count)")
      }
      for index in 0..<width {
        let energy = UInt64(energies[start + index])
        sum &+= UInt64(bitPattern: Int64(tables[0][first + index])) &* energy
        next &+= UInt64(bitPattern: Int64(tables[1][first + index])) &* energy
      }
      // The first sum only gives what its bins leave to the first channel.
      if channel > 0 { result.append(sum) }
      sum = next
      next = 0
    }
    return [NDArray(result, [channels])]
  }
}

/// Rounded square roots, moved down by some bits (`SignalFilterBankSquareRoot`): uint64 `[n]` and int32 `[]` to uint32 `[n]`.
public struct SignalSquareRootOp: PrimitiveOp {
  public static let name = "SignalFilterBankSquareRoot"
  public static let family = OpFamily.linear
  public init() {}

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, bits = try inputs.required(1, of: self).type
    guard x.dtype == .uint64, bits.dtype == .int32 else { throw GraphError(.wrongDType, "\(displayName) of \(x) and \(bits)") }
    return [TensorType(.uint32, x.shape)]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), bits = try inputs.required(1, of: self)
    guard x.dtype == .uint64, let shift = bits.integers()?.first, (0..<32).contains(shift) else {
      throw ExecutionError(.invalidInput, "\(displayName) of \(x.type) by \(bits.type)")
    }
    return [NDArray(x.values(UInt64.self).map { Self.root($0) >> UInt32(shift) }, x.shape)]
  }

  /// Numbers of at most 32 bits have roots of at most 16.
  static func root(_ number: UInt64) -> UInt32 {
    guard number != 0 else { return 0 }
    let limit: UInt64 = number >> 32 == 0 ? 0xFFFF : 0xFFFF_FFFF
    var rest = number, root: UInt64 = 0
    var bit = UInt64(1) << UInt64((63 - number.leadingZeroBitCount) & ~1)
    while bit != 0 {
      if rest >= root + bit {
        rest -= root + bit
        root = root >> 1 + bit
      } else {
        root >>= 1
      }
      bit >>= 2
    }
    if rest > root, root != limit { root += 1 }
    return UInt32(truncatingIfNeeded: root)
  }
}

/// Less the noise, which is what a channel has on the average (`SignalFilterBankSpectralSubtraction`).
///
/// Inputs: uint32 `[n]`, and the estimate of the noise so far, uint32 `[n]`. Results: what remains, and the new estimate. Channels in odd places
/// have a smoothing of their own.
public struct SignalSpectralSubtractionOp: PrimitiveOp {
  public static let name = "SignalFilterBankSpectralSubtraction"
  public static let family = OpFamily.linear
  /// Of even and of odd channels: how much a new signal counts, and how much the estimate, in steps of 2⁻ᵇⁱᵗˢ.
  public var smoothing: [Int]
  public var remembered: [Int]
  public var leastRemaining: Int
  public var smoothingBits: Int
  public var bits: Int
  /// Whether the estimate never stays above the signal.
  public var clamps: Bool

  public init(smoothing: [Int], remembered: [Int], leastRemaining: Int, smoothingBits: Int, bits: Int, clamps: Bool) {
    self.smoothing = smoothing
    self.remembered = remembered
    self.leastRemaining = leastRemaining
    self.smoothingBits = smoothingBits
    self.bits = bits
    self.clamps = clamps
  }

  private var isSound: Bool {
    smoothing.count == 2 && remembered.count == 2 && (0..<32).contains(smoothingBits) && (0..<64).contains(bits)
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, noise = try inputs.required(1, of: self).type
    guard x.dtype == .uint32, noise.dtype == .uint32 else { throw GraphError(.wrongDType, "\(displayName) of \(x) and \(noise)") }
    guard isSound else { throw GraphError(.invalidAttribute, "\(displayName) by \(smoothingBits) and \(bits) bits") }
    return [TensorType(.uint32, x.shape), TensorType(.uint32, noise.shape)]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), known = try inputs.required(1, of: self)
    guard x.dtype == .uint32, known.dtype == .uint32, x.count == known.count, isSound else {
      throw ExecutionError(.invalidInput, "\(displayName) of \(x.type) and \(known.type)")
    }
    func word(_ value: Int) -> UInt64 { UInt64(UInt32(truncatingIfNeeded: value)) }
    var noise = known.values(UInt32.self), result: [UInt32] = []
    for (index, value) in x.values(UInt32.self).enumerated() {
      let signal = value << UInt32(smoothingBits), odd = index & 1
      let mean = UInt64(signal) &* word(smoothing[odd]) &+ UInt64(noise[index]) &* word(remembered[odd])
      noise[index] = UInt32(truncatingIfNeeded: mean >> UInt64(bits))
      let estimate = min(noise[index], signal)
      if clamps { noise[index] = estimate }
      let floor = UInt32(truncatingIfNeeded: (UInt64(value) &* word(leastRemaining)) >> UInt64(bits))
      result.append(max((signal - estimate) >> UInt32(smoothingBits), floor))
    }
    return [NDArray(result, x.shape), NDArray(noise, known.shape)]
  }
}
