import ModelGraph
import ModelOps
import ModelTensor

/// An immutable array of numbers to compute with.
///
/// Operations run at once. Inside `function { … }`, and on what `Input` gives, they are written into a graph instead: such a
/// tensor is *symbolic* and has a type but no values yet. Everything that can fail throws, with the operator and the types of
/// its operands in the message.
public struct Tensor: Sendable {
  /// Tapes know a tensor by its handle.
  ///
  /// Its content changes only while a single tensor, that of a variable, holds it.
  final class Handle: @unchecked Sendable {
    fileprivate(set) var content: Content
    init(_ content: Content) { self.content = content }
  }
  enum Content: Sendable {
    case array(NDArray)
    case symbol(Symbol)
    /// What layers are called on to build a model: see `Input`.
    case layerOutput(LayerOutput)
  }
  private(set) var handle: Handle
  private var maskHandle: Handle?
  /// The parts that the gradient of a table's rows was added up from.
  var slices: GradientSlices?
  private var origin: Probability?

  init(_ content: Content) { handle = Handle(content) }
  /// The elements of an array; nothing is copied.
  public init(_ array: NDArray) { self.init(.array(array)) }
  init(_ symbol: Symbol) { self.init(.symbol(symbol)) }

  /// The elements in row-major order, with their own Swift type's dtype (`Double` is float64).
  /// - Throws: `TensorError` when the shape holds another number of them.
  public init<T: ArrayScalar>(_ values: [T], shape: [Int]) throws {
    guard checkedProduct(shape) == values.count else {
      throw TensorError(.shapeMismatch, "Tensor: \(values.count) values do not fill the shape \(shape)")
    }
    self.init(NDArray(values, shape))
  }
  /// A vector.
  public init<T: ArrayScalar>(_ values: [T]) { self.init(NDArray(values, [values.count])) }

  /// Which steps count (Keras's mask): made by layers such as `Embedding`, and carried along by layers only.
  public var mask: Tensor? {
    get { maskHandle.map { Tensor(handle: $0) } }
    set { maskHandle = newValue?.handle }
  }
  private init(handle: Handle) { self.handle = handle }

  /// What probabilities were made of. Losses compute with that, as those of Keras on TensorFlow do.
  struct Probability: Sendable {
    enum Function { case sigmoid, softmax }
    let function: Function
    fileprivate let logits: Handle
  }
  /// What a softmax or sigmoid has just made this tensor of. Keras does not ask which of the two it was.
  var logits: Tensor? { origin.map { Tensor(handle: $0.logits) } }
  /// The same, of a softmax alone.
  var softmaxLogits: Tensor? { origin?.function == .softmax ? logits : nil }
  mutating func noteProbability(_ function: Probability.Function, of logits: Tensor) {
    origin = Probability(function: function, logits: logits.handle)
  }

  /// Takes another array, and gives the last one where nothing else holds this tensor.
  mutating func exchange(_ array: NDArray) -> NDArray? {
    guard isKnownUniquelyReferenced(&handle), case .array(let old) = handle.content else {
      self = Tensor(array)
      return nil
    }
    handle.content = .array(array)
    (maskHandle, slices, origin) = (nil, nil, nil)
    return old
  }

  /// The array, taken out of a tensor that nothing else holds: for who fills it anew and gives it back by `exchange`.
  mutating func takeArray() -> NDArray? {
    guard isKnownUniquelyReferenced(&handle), case .array(let array) = handle.content else { return nil }
    handle.content = .array(Self.nothing)
    return array
  }
  private static let nothing = NDArray(zeros: .bool, [0])

  var id: ObjectIdentifier { ObjectIdentifier(handle) }
  /// The same tensor, as another one to tapes.
  var anew: Tensor { Tensor(handle.content) }

  public var dtype: DType { type.dtype }
  /// The extents; -1 for one that a symbolic tensor does not know yet.
  public var shape: [Int] {
    switch handle.content {
    case .array(let array): array.shape
    case .symbol, .layerOutput: (type.shape.dims ?? []).map { $0.value ?? -1 }
    }
  }
  /// The number of axes; -1 when a symbolic tensor does not know it.
  public var rank: Int {
    switch handle.content {
    case .array(let array): array.rank
    case .symbol, .layerOutput: type.shape.rank ?? -1
    }
  }
  /// The number of elements, or -1.
  public var size: Int { type.shape.elementCount ?? -1 }
  public var isSymbolic: Bool { if case .array = handle.content { false } else { true } }

  var type: TensorType {
    switch handle.content {
    case .array(let array): array.type
    case .symbol(let symbol): symbol.trace.type(of: symbol.value)
    case .layerOutput(let output): output.type
    }
  }
  var fact: Fact {
    switch handle.content {
    case .array(let array): Fact(array.type, constant: ModelTensor.Tensor(array))
    case .symbol(let symbol): symbol.trace.fact(of: symbol.value)
    case .layerOutput(let output): Fact(output.type, elements: output.elements)
    }
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String {
    guard let array = try? array() else { return "Tensor(symbolic, \(type))" }
    let values = array.dtype == .string ? array.strings.map { String(decoding: $0, as: UTF8.self) } : array.doubles().map { "\($0)" }
    let shown = values.prefix(16).joined(separator: ", ") + (values.count > 16 ? ", …" : "")
    return "Tensor(\(shown), shape: \(array.shape), dtype: \(array.dtype))"
  }
}

/// What takes part in computations as a tensor: tensors themselves, and variables by their values.
public protocol TensorValue {
  /// The value now.
  var tensor: Tensor { get }
}
extension Tensor: TensorValue {
  public var tensor: Tensor { self }
}

/// An operation that could not be done: names the operator and what it was applied to.
public struct TensorError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case shapeMismatch, wrongDType, invalidArgument, outOfRange, symbolic, noGradient, notSupported
  }
  public var code: Code
  public var message: String
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
  public var description: String { message }
}
