import ModelGraph
import ModelTensor

/// The frame that LSTM, GRU and the plain RNN share: directions, lengths, masks, layouts.
struct RecurrentRunner {
  let hidden: Int, gates: Int, states: Int
  let direction: RecurrentDirection
  let batchFirst: Bool
  let zeroOutputForMask: Bool

  /// What one step does: `gates` holds `x·Wᵀ + bias` of one sample, `recurrent` gives `h·Rᵀ`.
  typealias Step = (
    _ direction: Int, _ projected: UnsafeMutablePointer<Float>, _ states: [UnsafeMutablePointer<Float>], _ batch: Int
  ) -> Void

  struct Result {
    var sequence: NDArray
    var states: [NDArray]
  }

  /// - Parameters:
  ///   - w: `[D, gates·H, I]`; - inputBias: what is added to `x·Wᵀ`, per direction;
  ///   - step: advances the states of all samples by one step, in place.
  func run(
    _ x: NDArray, w: NDArray, inputBias: [Float]?, lengths: [Int]?, initial: [NDArray?], mask: NDArray?, op: any Op,
    in context: ExecutionContext, step: Step
  ) throws -> Result {
    let count = direction.count
    guard x.rank == 3, w.rank == 3, w.shape[0] == count, w.shape[1] == gates * hidden, w.shape[2] == x.shape[2],
      x.dtype == .float32, w.dtype == .float32
    else { throw ExecutionError(.shapeMismatch, "\(op.displayName) of \(x.type) with weights \(w.type)") }
    let time = x.shape[batchFirst ? 1 : 0], batch = x.shape[batchFirst ? 0 : 1], inputs = x.shape[2]
    let xTime = batchFirst ? try StridedView(x).permuted([1, 0, 2]).copy(in: context) : x
    var masks: [UInt8]?
    if let mask {
      guard mask.dtype == .bool, mask.count == time * batch else {
        throw ExecutionError(.shapeMismatch, "\(op.displayName): mask \(mask.type)")
      }
      let ordered = batchFirst ? try StridedView(mask.reshaped([batch, time])).permuted([1, 0]).copy(in: context) : mask
      masks = ordered.with(UInt8.self) { Array($0) }
    }
    if let lengths {
      guard lengths.count == batch, lengths.allSatisfy({ (0...time).contains($0) }) else {
        throw ExecutionError(.invalidValue, "\(op.displayName): sequence lengths \(lengths.prefix(4)) for \(time) steps")
      }
    }
    let sequence = try context.allocate(.float32, [time, count, batch, hidden])
    var finals = try (0..<states).map { _ in try context.allocate(.float32, [count, batch, hidden]) }
    for (index, given) in initial.enumerated() where index < states {
      if let given {
        guard given.rank == 3 else { throw ExecutionError(.shapeMismatch, "\(op.displayName): initial state \(given.type)") }
        let ordered = batchFirst ? try StridedView(given).permuted([1, 0, 2]).copy(in: context) : given
        guard ordered.shape == [count, batch, hidden], ordered.dtype == .float32 else {
          throw ExecutionError(.shapeMismatch, "\(op.displayName): initial state \(given.type)")
        }
        finals[index] = try StridedView(ordered).copy(in: context)
      } else {
        finals[index].withMutable(Float.self) { $0.update(repeating: 0) }
      }
    }
    let width = gates * hidden
    let projected = try context.allocate(.float32, [time, batch, width])
    let saved = try context.allocate(.float32, [states + 1, batch, hidden])
    let rows = batch * hidden
    for d in 0..<count {
      let backward = direction == .reverse || d == 1
      projected.withMutable(Float.self) { p in
        xTime.with(Float.self) { xs in
          w.with(Float.self) { ws in
            guard let p = p.baseAddress, let xs = xs.baseAddress, let ws = ws.baseAddress else { return }
            if inputs > 0 {
              context.primitives.gemm(
                xs, ws + d * width * inputs, p, m: time * batch, n: width, k: inputs, transposeA: false, transposeB: true,
                alpha: 1, beta: 0)
            } else {
              p.update(repeating: 0, count: time * batch * width)
            }
            if let inputBias {
              for row in 0..<(time * batch) { for j in 0..<width { p[row * width + j] += inputBias[d * width + j] } }
            }
          }
        }
      }
      let pointers = finals.compactMap { array in array.withMutable(Float.self) { $0.baseAddress.map { $0 + d * rows } } }
      guard pointers.count == finals.count, let keep = saved.withMutable(Float.self, { $0.baseAddress }),
        let out = sequence.withMutable(Float.self, { $0.baseAddress }), let p = projected.withMutable(Float.self, { $0.baseAddress })
      else { throw ExecutionError(.outOfMemory, "\(op.displayName): no memory for its states") }
      withExtendedLifetime((finals, saved, sequence, projected)) {
        let lastOutput = keep + states * rows
        lastOutput.update(repeating: 0, count: rows)
        for s in 0..<time {
          let t = backward ? time - 1 - s : s
          let guarded = masks != nil || lengths != nil
          if guarded { for i in 0..<states { (keep + i * rows).update(from: pointers[i], count: rows) } }
          step(d, p + t * batch * width, pointers, batch)
          let y = out + (t * count + d) * rows
          y.update(from: pointers[0], count: rows)
          guard guarded else { continue }
          for b in 0..<batch {
            let masked = masks.map { $0[t * batch + b] == 0 } ?? false
            let over = lengths.map { t >= $0[b] } ?? false
            guard masked || over else { (lastOutput + b * hidden).update(from: y + b * hidden, count: hidden); continue }
            for i in 0..<states { (pointers[i] + b * hidden).update(from: keep + i * rows + b * hidden, count: hidden) }
            if over || zeroOutputForMask {
              (y + b * hidden).update(repeating: 0, count: hidden)
            } else {
              (y + b * hidden).update(from: lastOutput + b * hidden, count: hidden)
            }
          }
        }
      }
    }
    if batchFirst {
      return Result(
        sequence: try StridedView(sequence).permuted([2, 0, 1, 3]).copy(in: context),
        states: try finals.map { try StridedView($0).permuted([1, 0, 2]).copy(in: context) })
    }
    return Result(sequence: sequence, states: finals)
  }

  /// The types of the sequence and the states.
  func infer(_ x: TensorType) throws -> [TensorType] {
    let dims = x.shape.dims ?? [.unknown, .unknown, .unknown]
    guard dims.count == 3 else { throw GraphError(.shapeMismatch, "a recurrent op over \(x) instead of steps, rows and features") }
    let time = dims[batchFirst ? 1 : 0], batch = dims[batchFirst ? 0 : 1]
    let d = Dim.fixed(direction.count), h = Dim.fixed(hidden)
    let state = TensorType(x.dtype, .ranked(batchFirst ? [batch, d, h] : [d, batch, h]))
    return [TensorType(x.dtype, .ranked(batchFirst ? [batch, time, d, h] : [time, d, batch, h]))]
      + Array(repeating: state, count: states)
  }
}
