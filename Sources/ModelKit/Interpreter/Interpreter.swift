import ModelGraph
import ModelRuntime
import ModelSupport
import ModelTensor

/// Runs a model in the shape that users of TensorFlow Lite know. Variables keep their values between invocations.
///
/// ```swift
/// let interpreter = try Interpreter(path: "model.tflite")
/// try interpreter.allocateTensors()
/// try interpreter.setInput(0, NDArray(samples, interpreter.inputDetails[0].shape))
/// try interpreter.invoke()
/// let scores = try interpreter.output(0).values(Float.self)
/// ```
/// Not for several threads at a time.
public final class Interpreter {
  /// What is known of an input or output.
  public struct TensorDetails: Sendable {
    public var name: String
    /// The extents; 1 where the model leaves one open and no input has been resized.
    public var shape: [Int]
    /// The extents as the model has them: -1 where one is open.
    public var shapeSignature: [Int]
    public var dtype: DType
    /// For quantised tensors: one for the tensor, or one for each index of `quantizedAxis`. Empty for others.
    public var scales: [Float]
    public var zeroPoints: [Int64]
    public var quantizedAxis: Int?
    public var scale: Float { scales.first ?? 0 }
    public var zeroPoint: Int64 { zeroPoints.first ?? 0 }
  }

  public let model: Model
  private let options: ExecutionOptions
  private let memory = InterpreterMemory()
  private let main: SignatureRunner

  /// Opens a model of any format.
  /// - Throws: `FormatError`, `StorageError`; `UnsupportedError` listing every operator that has no kernel.
  public convenience init(path: String, options: ExecutionOptions = .init()) throws {
    try self.init(try FormatRegistry.open(path), options: options)
  }

  /// - Throws: `UnsupportedError` listing every op that has no kernel.
  public init(_ model: Model, options: ExecutionOptions = .init()) throws {
    self.model = model
    self.options = options
    main = try SignatureRunner(model, entry: model.main, options: options, memory: memory)
  }

  public var inputDetails: [TensorDetails] { main.inputDetails }
  public var outputDetails: [TensorDetails] { main.outputDetails }

  /// The names of the entry points.
  public var signatureNames: [String] { model.signatures.map(\.name) }

  /// A runner of one entry point; it shares this interpreter's variables.
  /// - Throws: `GraphError` when there is none of this name.
  public func signatureRunner(_ name: String) throws -> SignatureRunner {
    guard let signature = model.signatures.first(where: { $0.name == name }) else {
      throw GraphError(.invalidStructure, "the model has no signature '\(name)'; its signatures are \(signatureNames)")
    }
    return try SignatureRunner(model, entry: signature.graph, options: options, memory: memory)
  }

  /// Gives an input other extents, or another rank where the model's operators take it, which `allocateTensors` finds out. Call that before
  /// the next invocation.
  /// - Parameter strict: whether only extents that the model leaves open may change.
  /// - Throws: `ExecutionError` for an index or an extent that can't be.
  public func resizeInput(_ index: Int, to shape: [Int], strict: Bool = false) throws {
    try main.resizeInput(index, to: shape, strict: strict)
  }
  /// Makes the model ready for the inputs' extents. Variables start anew.
  public func allocateTensors() throws {
    try main.allocateTensors()
    resetVariables()
  }
  /// Lets every variable hold what it starts with.
  public func resetVariables() { memory.values = [:] }

  /// - Throws: `ExecutionError` when the array has another dtype or shape than the input.
  public func setInput(_ index: Int, _ array: NDArray) throws { try main.setInput(index, array) }
  /// Computes the outputs of the inputs that have been set.
  public func invoke() throws { try main.invoke() }
  /// The output of the last invocation.
  public func output(_ index: Int) throws -> NDArray { try main.output(index) }
}

/// The variables of an interpreter, by name.
final class InterpreterMemory {
  var values: [String: NDArray] = [:]
}
