import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// Turns a graph of ops into Keras layers: what op formats need before a layer format can hold them.
///
///     x ── Conv(w, b) "/c1/Conv" ── Relu "/r1/Relu" ── y     becomes     x ── Conv2D "c1" ── Activation(relu) "r1" ── y
///
/// Expects channels last (`ConvertLayout(to: .channelsLast)`) and folded constants. Ops that are a layer become one,
/// with weights that train; what a layer has no word for stays a canonical op, which a functional model of Keras 3
/// holds as an operation. Ops that use the same weights in the same way become one layer called several times.
/// Weights that no layer takes get one of their own; see `Lifter.holder`.
///
/// Ops of one layer are told by the names they have: `dense/MatMul` and `dense/Relu` are one Dense, as our own writer
/// and TensorFlow's exporters name them, while `/fc/MatMul` and `/act/Relu` are two layers.
public struct LiftLayers: Pass {
  public let name = "lift-layers"
  public init() {}

  public func run(_ model: inout Model) throws {
    guard let source = model.graphs[model.main] else { return }
    var lifter = try Lifter(model, source)
    try lifter.run()
    var result = lifter.context.model
    var lifted = lifter.context.graph
    DropMasks.run(&lifted)
    result.graphs[result.main] = lifted
    // Layers that turned out unused, and weights that now belong to layers under new names.
    try RemoveDeadCode().run(&result)
    model = result
  }
}

extension Node {
  /// Input `index`, if it is given.
  func input(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }
}

extension LiftLayers {
  /// Whether ops of this kind are tried at all: others become layers never.
  public static func mayLift(_ op: any Op) -> Bool {
    switch type(of: op).family {
    case .convolution, .linear, .normalization, .pooling, .reduction, .recurrent, .activation, .arithmetic, .array, .image, .text: true
    default: false
    }
  }

  /// All that an op-level model goes through on its way to Keras layers: quantised ops spelled out, constants folded,
  /// functions in pieces put together, channels last, lifted.
  public static func passes(ioLayout: IOLayout = .keep) -> [any Pass] {
    [
      NameExtents(), RemoveDeadCode(), UnwrapQuantized(.unwrapped), ExpandCells(), TimeFirst(), LowerLayers(),
      ResolveBranches(), SpellTransforms(), SpreadComplex(), SpellNegativeZero(), RecognizeBatchNormalization(), ResolveBounds(),
      FoldConstants(), RecognizeScan(), RecognizeRowProducts(), RecognizePaddedPooling(), RecognizeComposites(), RecognizeRecurrence(),
      RecognizeCells(), SplitScans(), ExpandUpdates(), ExpandBatchedGathers(), RecognizeUnrolled(), UnrollLoops(),
      UnrollScans(),
      ConvertLayout(to: .channelsLast, ioLayout: ioLayout), FoldConstants(), LiftLayers(),
    ]
  }
}
