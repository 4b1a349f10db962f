import ModelGraph
import ModelOps
import ModelRuntime
import ModelTensor
import Synchronization

/// A tensor that can be given other values: a weight, a moving average, a step counter. Dtype and shape stay.
public final class Variable: TensorValue, Sendable {
  private struct State {
    var name: String
    var path: String
    var tensor: Tensor
    var isTrainable: Bool
    var regularizer: (any Regularizer)?
    var constraint: (any Constraint)?
  }
  private let state: Mutex<State>
  let type: TensorType
  /// Before any operation on it: what a stored tensor starts as.
  convenience init(stored tensor: ModelTensor.Tensor, name: String, trainable: Bool) throws {
    try self.init(Tensor(try tensor.array()), name: name, trainable: trainable)
  }

  /// - Throws: `TensorError` for a symbolic value.
  public init(_ initial: Tensor, name: String = "variable", trainable: Bool = true) throws {
    let array = try initial.array()
    type = array.type
    // A handle of its own: tapes tell variables by it.
    state = Mutex(State(name: name, path: name, tensor: Tensor(array), isTrainable: trainable))
  }
  /// `Variable(0.5)`, `Variable([1, 2, 3])`: numbers as `Tensor.constant` takes them.
  public convenience init(_ initial: some TensorConvertible, dtype: DType? = nil, name: String = "variable", trainable: Bool = true) throws
  {
    try self.init(try Tensor.constant(initial, dtype: dtype), name: name, trainable: trainable)
  }

  public var name: String {
    get { state.withLock { $0.name } }
    set { state.withLock { $0.name = newValue } }
  }
  /// The name behind that of its layer, as Keras has it.
  var path: String {
    get { state.withLock { $0.path } }
    set { state.withLock { $0.path = newValue } }
  }
  /// Whether tapes watch it by themselves, and optimisers change it.
  public var isTrainable: Bool {
    get { state.withLock { $0.isTrainable } }
    set { state.withLock { $0.isTrainable = newValue } }
  }
  /// What is added to the loss for it.
  public var regularizer: (any Regularizer)? {
    get { state.withLock { $0.regularizer } }
    set { state.withLock { $0.regularizer = newValue } }
  }
  /// What it is brought to after each update.
  public var constraint: (any Constraint)? {
    get { state.withLock { $0.constraint } }
    set { state.withLock { $0.constraint = newValue } }
  }
  public var dtype: DType { type.dtype }
  public var shape: [Int] { type.shape.extents ?? [] }
  /// The number of elements.
  public var size: Int { type.shape.elementCount ?? 0 }

  /// The value now. Tapes that are recording take note.
  public var tensor: Tensor {
    let tensor = Trace.current?.read(self) ?? stored
    GradientTape.noteRead(of: self, tensor)
    return tensor
  }
  /// The value outside of any function that is being traced.
  var stored: Tensor { state.withLock { $0.tensor } }

  /// Gives it another value.
  /// - Throws: `TensorError` when dtype or shape differ.
  public func assign(_ value: some TensorValue) throws {
    let value = value.tensor
    guard value.dtype == dtype else {
      throw TensorError(.wrongDType, "assign: variable '\(name)' is \(type), found \(value.type)")
    }
    guard value.type.shape == type.shape else {
      throw TensorError(.shapeMismatch, "assign: variable '\(name)' is \(type), found \(value.type)")
    }
    if let trace = Trace.current {
      trace.assign(value, to: self)
    } else {
      let array = try value.array()
      state.withLock { $0.tensor = Tensor(array) }
    }
  }
  public func assign(_ value: Double) throws { try assign(try Tensor.full(shape, value, dtype: dtype)) }
  public func assignAdd(_ value: some TensorValue) throws { try assign(try tensor + value.tensor) }
  public func assignAdd(_ value: Double) throws { try assign(try tensor + value) }
  public func assignSub(_ value: some TensorValue) throws { try assign(try tensor - value.tensor) }
  public func assignSub(_ value: Double) throws { try assign(try tensor - value) }

  /// What `function` does after a run. The memory of the last value goes to `pool`, for the next one.
  func store(_ array: NDArray, _ pool: BufferPool) {
    var old = state.withLock { $0.tensor.exchange(array) }
    pool.takeBack(&old)
  }
}

extension Variable: CustomStringConvertible {
  public var description: String { "Variable('\(name)', \(stored))" }
}
