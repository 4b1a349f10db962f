import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// How a recurrent layer runs its cell: what `RNN`, `LSTM`, `GRU` and `SimpleRNN` have in common.
///
/// A stateful layer starts each call from zeros: a graph has no state between calls.
public struct SequenceOptions: Sendable, Hashable {
  public var returnSequences = false
  public var returnState = false
  public var goBackwards = false
  public var stateful = false
  public var unroll = false
  public var zeroOutputForMask = false
  /// Keras 1 and 2: the input and output are `[T, B, …]`.
  public var timeMajor = false
  public init() {}
}

/// A layer that goes through a sequence step by step, and so can be run both ways.
public protocol SequenceLayer: ConfigurableLayer {
  var options: SequenceOptions { get set }
  /// How many states there are.
  var stateCount: Int { get }
  /// The output as configured, and the states whether returned or not.
  func outputs<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> (output: C.Value, states: [C.Value])
}

/// A layer that runs a cell over `[B, T, I]`: outputs `[B, T, H]` (in the order of processing) or the
/// last one `[B, H]`, then, with `returnState`, the last states.
public protocol RecurrentLayer: SequenceLayer {
  var recurrentCell: any RecurrentCell { get }
}

extension RecurrentLayer {
  public var stateCount: Int { recurrentCell.stateSizes.count }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let dims = try dims(inputs)
    guard dims.count >= 3 else { throw GraphError(.shapeMismatch, "\(Self.className) takes [batch, time, …], found \(inputs[0])") }
    let step = TensorType(inputs[0].dtype, .ranked([dims[options.timeMajor ? 1 : 0]] + dims.dropFirst(2)))
    return try recurrentCell.weights(for: [step]).map { spec in
      var spec = spec
      spec.path = "cell/\(spec.path)"
      return spec
    }
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let result = try outputs(call, in: &context)
    return [result.output] + (options.returnState ? result.states : [])
  }

  public func outputs<C: OpContext>(
    _ call: LayerCall<C.Value>, in context: inout C
  ) throws -> (output: C.Value, states: [C.Value]) {
    var x = try call.input()
    if options.timeMajor { x = try context.swapTimeAndBatch(x) }
    var run = RecurrentRun(weights: call.weights)
    run.initial = Array(call.inputs.dropFirst()) + call.numbered("initial_state")
    let sizes = recurrentCell.stateSizes
    guard run.initial.isEmpty || run.initial.count == sizes.count else {
      throw GraphError(.wrongInputCount, "\(Self.className) has \(sizes.count) states, found \(run.initial.count)")
    }
    run.mask = try (call.named["mask"] ?? call.mask()).map { try context.cast($0, to: .bool) }
    run.backwards = options.goBackwards
    // Keras's unrolled loop makes masked steps zero once all are done, by the mask as it came: steps that were taken backwards, and
    // stand in that order, lose those that the mask names from the front (`keras.src.backend.*.rnn`).
    let zeroesAfterwards =
      options.unroll && options.goBackwards && options.returnSequences && options.zeroOutputForMask && run.mask != nil
    run.zeroOutputForMask = options.zeroOutputForMask && !zeroesAfterwards
    let (sequence, states) = try recurrentCell.run(x, run, in: &context)
    if options.returnSequences {
      var output = sequence
      if options.goBackwards { output = try context.apply(ReverseOp(axes: [1]), output) }
      if zeroesAfterwards, let mask = run.mask {
        let keep = try context.unsqueeze(mask, Array(2..<(try context.rank(of: output))))
        output = try context.select(keep, output, try context.scalar(0, like: output))
      }
      return (options.timeMajor ? try context.swapTimeAndBatch(output) : output, states)
    }
    // The last output is the last state, unless masked steps at the start make it differ.
    if run.mask == nil, let last = states.first, !(recurrentCell is StackedRNNCells) { return (last, states) }
    let step =
      options.goBackwards
      ? try context.slice(sequence, axis: 1, start: 0, end: 1)
      : try context.slice(sequence, axis: 1, start: -1, end: Int.max)
    return (try context.squeeze(step, [1]), states)
  }

  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    let own: C.Value? = options.returnSequences ? call.named["mask"] ?? call.mask() : nil
    return [own] + (options.returnState ? recurrentCell.stateSizes.map { _ in nil } : [])
  }
}

/// A cell run over a sequence.
public struct RNN: RecurrentLayer {
  public static let className = "RNN"
  public var cell: any RecurrentCell = SimpleRNNCell()
  public var options = SequenceOptions()
  public init() {}
  public var recurrentCell: any RecurrentCell { cell }
}

/// A long short-term memory over a sequence; weights as `LSTMCell`'s.
public struct LSTM: RecurrentLayer {
  public static let className = "LSTM"
  public var cell = LSTMCell()
  public var options = SequenceOptions()
  public init() {}
  public var recurrentCell: any RecurrentCell { cell }
}

/// A gated recurrent unit over a sequence; weights as `GRUCell`'s.
public struct GRU: RecurrentLayer {
  public static let className = "GRU"
  public var cell = GRUCell()
  public var options = SequenceOptions()
  public init() {}
  public var recurrentCell: any RecurrentCell { cell }
}

/// A plain recurrent network over a sequence; weights as `SimpleRNNCell`'s.
public struct SimpleRNN: RecurrentLayer {
  public static let className = "SimpleRNN"
  public var cell = SimpleRNNCell()
  public var options = SequenceOptions()
  public init() {}
  public var recurrentCell: any RecurrentCell { cell }
}
