import ModelGraph
import ModelOps
import ModelTensor

/// A long short-term memory whose products are convolutions (Shi et al., 2015): `[B, T, spatial…, C]` to
/// `[B, T, spatial…, filters]`, or the last step of it.
///
/// Weights, gates in the order i, f, c, o: `kernel` `[spatial…, in, 4·filters]`, `recurrent_kernel`
/// `[spatial…, filters, 4·filters]`, `bias` `[4·filters]`. States: `h`, `c`. The number of steps must be
/// known.
public struct ConvLSTM<R: SpatialRank>: SequenceLayer {
  public static var className: String { "ConvLSTM\(R.rank)D" }
  public var filters = 1
  public var kernelSize = [Int](repeating: 1, count: R.rank)
  public var strides = [Int](repeating: 1, count: R.rank)
  public var padding = ConvPadding.valid
  public var layout = DataLayout.channelsLast
  public var dilations = [Int](repeating: 1, count: R.rank)
  public var activation = Activation.tanh
  public var recurrentActivation = Activation.sigmoid
  public var useBias = true
  public var unitForgetBias = true
  public var dropout = 0.0
  public var recurrentDropout = 0.0
  public var options = SequenceOptions()
  public init() {}
  public var stateCount: Int { 2 }

  public func outputs<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> (output: C.Value, states: [C.Value]) {
    var layer = self
    layer.options.returnState = true
    let results = try layer.call(call, in: &context)
    return (results[0], Array(results.dropFirst()))
  }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let dims = try dims(inputs)
    guard dims.count == R.rank + 3 else {
      throw GraphError(.shapeMismatch, "\(Self.className) takes inputs of rank \(R.rank + 3), found \(inputs[0])")
    }
    let input = try extent(inputs, axis: layout == .channelsLast ? R.rank + 2 : 2)
    let gates = try checked([filters, 4])[0] * 4
    var specs = [
      WeightSpec("kernel", try checked(kernelSize + [input, gates]), path: "cell/vars/0"),
      WeightSpec("recurrent_kernel", try checked(kernelSize + [filters, gates]), path: "cell/vars/1"),
    ]
    if useBias { specs.append(WeightSpec("bias", [gates], path: "cell/vars/2")) }
    return specs
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    try self.call(call, in: &context, inputMasks: [], stateMasks: nil)
  }
  /// As `call`, with what dropout multiplies the inputs (`[B, spatial…, C]`) and the states of each gate by: four factors, or none.
  public func call<C: OpContext>(
    _ call: LayerCall<C.Value>, in context: inout C, inputMasks drops: [C.Value],
    stateMasks: ((_ like: C.Value) throws -> [C.Value])?
  ) throws -> [C.Value] {
    let x = try call.input(), dims = try context.dims(of: x), rank = R.rank + 2
    guard dims.count == rank + 1, let steps = dims[1].value, steps > 0, steps <= 4096 else {
      throw GraphError(.missingType, "\(Self.className): the number of steps must be known, and at most 4096")
    }
    let channel = layout.channelAxis(rank: rank)
    // One convolution for the inputs of all steps.
    var input = ConvOp(
      strides: strides, dilations: dilations, padding: padding.resolved(kernel: kernelSize, dilations: dilations),
      groups: 1, layout: layout, kernelLayout: .spatialInputOutput)
    var recurrent = ConvOp(padding: .same, layout: layout, kernelLayout: .spatialInputOutput)
    let bias = useBias ? try call.weight(2) : nil
    // Gates that see different inputs are the groups of one convolution.
    var seen = x
    if !drops.isEmpty {
      input.groups = 4
      seen = try context.concat(try drops.map { try context.mul(x, try context.unsqueeze($0, [1])) }, axis: channel + 1)
    }
    let folded = try context.apply(input, try context.folded(seen), try call.weight(0), bias)
    let lead = try context.concat([try context.dim(of: x, 0), try context.dim(of: x, 1)], axis: 0)
    let rest = try context.slice(try context.shape(of: folded), axis: 0, start: 1, end: Int.max)
    let wide = try context.reshape(folded, to: try context.concat([lead, rest], axis: 0))
    var states = Array(call.inputs.dropFirst()) + call.numbered("initial_state")
    guard states.isEmpty || states.count == 2 else {
      throw GraphError(.wrongInputCount, "\(Self.className) has 2 states, found \(states.count)")
    }
    let mask = try (call.named["mask"] ?? call.mask()).map { try context.cast($0, to: .bool) }
    var outputs: [C.Value] = [], last: C.Value?
    var stateDrops: [C.Value] = []
    if let stateMasks {
      let first = try context.squeeze(try context.slice(wide, axis: 1, start: 0, end: 1), [1])
      stateDrops = try stateMasks(try context.slice(first, axis: channel, start: 0, end: filters))
      if !stateDrops.isEmpty { recurrent.groups = 4 }
    }
    for t in options.goBackwards ? Array((0..<steps).reversed()) : Array(0..<steps) {
      let product = try context.squeeze(try context.slice(wide, axis: 1, start: t, end: t + 1), [1])
      // States that are not given are zeros: nothing comes of them.
      var z = product
      if let h = states.first {
        let seen = stateDrops.isEmpty ? h : try context.concat(try stateDrops.map { try context.mul(h, $0) }, axis: channel)
        z = try context.add(product, try context.apply(recurrent, seen, try call.weight(1)))
      }
      func gate(_ index: Int, _ function: Activation) throws -> C.Value {
        let part = try context.slice(z, axis: channel, start: index * filters, end: (index + 1) * filters)
        return try function.apply(part, in: &context)
      }
      let i = try gate(0, recurrentActivation), f = try gate(1, recurrentActivation)
      let g = try gate(2, activation), o = try gate(3, recurrentActivation)
      var c = try context.mul(i, g)
      if !states.isEmpty { c = try context.add(try context.mul(f, states[1]), c) }
      var h = try context.mul(o, try activation.apply(c, in: &context))
      var output = h
      if let mask {
        let step = try context.slice(mask, axis: 1, start: t, end: t + 1)
        let keep = try context.unsqueeze(step, Array(2..<rank))
        let zero = try context.scalar(0, like: h)
        output = try context.select(keep, h, options.zeroOutputForMask ? zero : last ?? zero)
        h = try context.select(keep, h, states.first ?? zero)
        c = try context.select(keep, c, states.last ?? zero)
      }
      states = [h, c]
      last = output
      outputs.append(output)
    }
    let result: C.Value
    if options.returnSequences {
      result = try context.concat(try outputs.map { try context.unsqueeze($0, [1]) }, axis: 1)
    } else {
      guard let last else { throw GraphError(.invalidStructure, "\(Self.className) without steps") }
      result = last
    }
    return [result] + (options.returnState ? states : [])
  }

  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    let own: C.Value? = options.returnSequences ? call.named["mask"] ?? call.mask() : nil
    return [own] + (options.returnState ? [nil, nil] : [])
  }
}
public typealias ConvLSTM1D = ConvLSTM<Rank1>
public typealias ConvLSTM2D = ConvLSTM<Rank2>
public typealias ConvLSTM3D = ConvLSTM<Rank3>
