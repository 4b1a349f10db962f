import ModelGraph
import ModelKit
import ModelOps
import ModelPasses
import ModelSupport
import ModelTensor

/// A model of a file while it is trained further: its parameters are variables, everything else that the file said about it stays.
///
/// ```swift
/// let stored = try StoredModel(path: "classifier.onnx")
/// try stored.model.fit(x, y, epochs: 3)          // after compile
/// try FormatRegistry.write(stored.canonical(), as: .onnx, to: "better.onnx")
/// ```
public struct StoredModel {
  /// What is trained.
  public let model: Model
  private let source: ModelGraph.Model
  private let variables: [ParameterID: Variable]

  /// - Throws: `TensorError.notSupported` for foreign ops, and for state between invocations.
  public init(_ source: ModelGraph.Model) throws {
    self.source = source
    (model, variables) = try CanonicalReader.readAll(source)
  }
  public init(path: String, options: ReadOptions = ReadOptions()) throws {
    var source = try FormatRegistry.open(path, options: options)
    if options.signature == nil, let layers = source.layersToTrain { source = layers }
    // What a SavedModel assigns when it is called is for its callers: training starts from what it holds.
    if source.format == ModelFormat.savedmodel.rawValue { try ResolveState(roles: [.sequence]).run(&source) }
    try self.init(source)
  }

  /// The names of its inputs and outputs as the file has them.
  public var inputNames: [String] { source.mainGraph.inputs.map(\.name) }
  public var outputNames: [String] { source.mainGraph.outputs.map(\.name) }
  /// The weights that training changes, with the names that the file gives them.
  public var trainableParameters: [(name: String, variable: Variable)] {
    let trained = Set(model.trainableWeights.map { ObjectIdentifier($0) })
    return source.parameterIDs.compactMap { id in
      variables[id].flatMap { trained.contains(ObjectIdentifier($0)) ? (source[id].name, $0) : nil }
    }
  }

  /// What the report says of batch normalisation that stands in the model as operators.
  var normalizationNotes: [String] {
    get throws {
      let (layers, operators) = try source.batchNormalizations()
      var result: [String] = []
      if layers > 0 {
        result.append(
          "batch normalisation trained as a layer: by the statistics of batches, those of the file following with a momentum of "
            + "\(source.usualMomentum), which the file does not tell")
      }
      if operators > 0 {
        result.append(
          "batch normalisation keeps the statistics that the file holds: it says how the model is applied, not how it was trained")
      }
      let isFolding = source.format == ModelFormat.tflite.rawValue
      if layers == 0, operators == 0, isFolding, source.graphs.values.contains(where: { $0.nodeSlots.contains { $0?.op is ConvOp } }) {
        result.append(
          "the file has convolutions and no batch normalisation: what converters folded into their weights is not told from these, and such "
            + "layers train without it")
      }
      return result
    }
  }

  /// How many weights of operators are stored as integers: these stay as they are, while those of floats learn.
  var integerWeights: Int {
    source.graphs.values.reduce(0) { count, graph in
      count
        + graph.nodeSlots.count { node in
          node?.inputs.contains { input in
            guard let tensor = input.flatMap({ source.tensor($0, in: graph) }) else { return false }
            return tensor.dtype.isInteger && tensor.dtype.bitWidth ?? 64 <= 8 && tensor.elementCount > 1
          } ?? false
        }
    }
  }

  /// Compiles the model as its file says, its optimiser where it stood.
  /// - Throws: `UsageError` when the file says nothing, `TensorError` for what is not known.
  func takeUpTraining() throws {
    guard let state = source.training, state.compileConfig != nil else {
      throw UsageError("the model was not saved compiled: give --loss and --optimizer")
    }
    model.takeUp(state)
    if let trouble = model.training.trouble { throw trouble }
  }

  /// Whether any trained weight differs from the source's.
  public var isChanged: Bool {
    get throws {
      let trained = Set(model.trainableWeights.map { ObjectIdentifier($0) })
      return try variables.contains { id, variable in
        try trained.contains(ObjectIdentifier(variable)) && !source[id].tensor.isEqual(to: try variable.stored.array())
      }
    }
  }

  /// The source with its parameters as they are now. Weights that nothing changed stay where they were stored.
  public func canonical() throws -> ModelGraph.Model {
    var result = source
    for (id, variable) in variables {
      let array = try variable.stored.array()
      guard try !source[id].tensor.isEqual(to: array) else { continue }
      result[id].tensor = ModelTensor.Tensor(array)
    }
    // The optimiser of the file is another one's by now.
    if model.optimizer != nil { result.training = try? model.trainingState() }
    return result
  }
}

extension ModelTensor.Tensor {
  fileprivate func isEqual(to other: NDArray) throws -> Bool {
    guard dtype == other.dtype, dtype != .string else { return dtype == other.dtype }
    let own = try array()
    return own.withBytes { a in other.withBytes { b in a.elementsEqual(b) } }
  }
}

extension ModelGraph.Model {
  /// Parameters that training leaves alone although a file that knows no difference stores them as weights: the statistics of batch
  /// normalisation, and single numbers without axes, which are constants of a formula (an epsilon, a factor).
  var fixedParameters: Set<ParameterID> {
    var result: Set<ParameterID> = []
    for id in parameterIDs where self[id].tensor.type.shape.rank == 0 { result.insert(id) }
    for graph in graphs.values {
      for node in graph.nodeIDs {
        for (place, input) in graph[node].inputs.enumerated() where graph[node].op.takesSetting(place) {
          if let input, case .parameter(let id) = graph[input].definition { result.insert(id) }
        }
        guard graph[node].op is BatchNormalizationOp else { continue }
        for case let input? in graph[node].inputs.dropFirst(3) {
          if case .parameter(let id) = graph[input].definition { result.insert(id) }
        }
      }
    }
    return result
  }
}

extension Op {
  /// Whether an operand says how something is done, rather than what it is done with.
  func takesSetting(_ place: Int) -> Bool {
    switch self {
    case is ResizeOp, is ClipOp, is OneHotOp, is RangeOp, is QuantizeLinearOp, is DequantizeLinearOp: place > 0
    case is PadOp: place > 1
    default: false
    }
  }
}
