import ModelTensor
import OrderedCollections

/// What is in a model file, found without reading a weight.
public struct Inspection: Sendable {
  public var format: ModelFormat
  public var path: String
  /// The bytes of the file, or of all files of a directory.
  public var fileBytes: Int = 0
  public var name: String = ""
  public var producer: String = ""
  /// Versions by what they are versions of, in order: `IR`, `opset`, `keras`.
  public var versions: OrderedDictionary<String, String> = [:]
  public var inputs: [PortSummary] = []
  public var outputs: [PortSummary] = []
  public var signatures: [SignatureSummary] = []
  /// How often each operator (of a layer format: each class) occurs, bodies and functions included.
  public var operators: OrderedDictionary<String, Int> = [:]
  /// The layer table of layer formats.
  public var layers: [LayerSummary]?
  /// The elements of all weights, and the bytes they take.
  public var parameters = 0
  public var weightBytes = 0
  /// Of `parameters`, the elements of weights that training changes; `nil` where the format can't say.
  public var trainableParameters: Int?
  public var metadata: OrderedDictionary<String, String> = [:]
  public var warnings: [String] = []
  /// The weights by name, where they are.
  public var weights: @Sendable () throws -> [WeightEntry] = { [] }
  /// The graph as text, made when it is asked for.
  public var graphText: @Sendable () throws -> String = { "" }

  public init(format: ModelFormat, path: String) {
    self.format = format
    self.path = path
  }
}

/// An input or output of a model.
public struct PortSummary: Sendable, Hashable {
  public var name: String
  /// A dtype, or what the file calls a type that is no tensor: `sequence(tensor(float32))`.
  public var dtype: String
  public var shape: Shape
  public init(name: String, dtype: String, shape: Shape) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }
  public init(name: String, type: TensorType) { self.init(name: name, dtype: type.dtype.rawValue, shape: type.shape) }
}

/// An entry point by name.
public struct SignatureSummary: Sendable, Hashable {
  public var name: String
  public var inputs: [PortSummary]
  public var outputs: [PortSummary]
  public init(name: String, inputs: [PortSummary], outputs: [PortSummary]) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
  }
}

/// A row of the layer table.
public struct LayerSummary: Sendable, Hashable {
  public var name: String
  public var type: String
  /// One shape for each result.
  public var outputShapes: [Shape]
  public var parameters: Int
  public var trainable: Bool
  /// The layers whose results it takes: `conv1`, `lstm[0][1]`.
  public var connectedTo: [String]
  /// How deep it stands in nested models; 0 for the model's own layers.
  public var depth: Int
  public init(
    name: String, type: String, outputShapes: [Shape], parameters: Int, trainable: Bool = true,
    connectedTo: [String] = [], depth: Int = 0
  ) {
    self.name = name
    self.type = type
    self.outputShapes = outputShapes
    self.parameters = parameters
    self.trainable = trainable
    self.connectedTo = connectedTo
    self.depth = depth
  }
}

/// A weight: its name, and the tensor or why there is none.
public struct WeightEntry: Sendable {
  public var name: String
  public var tensor: Result<Tensor, any Error>
  public init(_ name: String, _ tensor: Result<Tensor, any Error>) {
    self.name = name
    self.tensor = tensor
  }
}

/// Counts what is seen, and lists it by falling count, then by name.
struct Tally {
  private var counts: [String: Int] = [:]
  mutating func add(_ name: String, _ count: Int = 1) { counts[name, default: 0] += count }
  var ordered: OrderedDictionary<String, Int> {
    let sorted = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    return OrderedDictionary(uniqueKeysWithValues: sorted.map { ($0.key, $0.value) })
  }
}
