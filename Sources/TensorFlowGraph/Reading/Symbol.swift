import ModelGraph
import ModelTensor

/// What a reference stands for while a graph is read. State is never a value of the canonical graph: handles are followed to what
/// they are handles of.
enum Symbol {
  case value(ValueID)
  case variable(Variable)
  case table(LookupTable)
  /// The handle of a TensorArray; what is in it flows beside it.
  case array(TensorArray)
}

/// What a TensorArray was made for.
final class TensorArray: Sendable {
  let dtype: DType
  let elementShape: Shape
  /// Whether a write behind the end makes it longer.
  let grows: Bool
  init(dtype: DType, elementShape: Shape, grows: Bool) {
    self.dtype = dtype
    self.elementShape = elementShape
    self.grows = grows
  }
  /// Holds a place.
  static let none = TensorArray(dtype: .float32, elementShape: .unranked, grows: false)
}

/// A variable of the graph: one for each shared name.
final class Variable {
  let reference: VariableReference
  /// What the checkpoint holds, once it has been asked for.
  var parameter: ParameterID?
  let container: String
  init(_ reference: VariableReference, container: String) {
    self.reference = reference
    self.container = container
  }
}

/// A table from keys to values: one for each shared name.
final class LookupTable {
  let name: String
  /// The node that makes the handle; a checkpoint may hold what is in the table.
  let reference: VariableReference
  var types: (key: DType?, value: DType?) = (nil, nil)
  /// Of one value.
  var valueShape: [Int] = []
  /// Keys that stand for places with nothing in them.
  var blanks: [Tensor] = []
  /// What it is filled with, once that is known: keys `[n]`, values `[n, …valueShape]`.
  var content: (keys: Tensor, values: Tensor)?
  init(name: String, reference: VariableReference) {
    self.name = name
    self.reference = reference
  }
}

/// The values variables have at this point of a canonical graph, where they have been assigned.
final class VariableState {
  var current: [ObjectIdentifier: ValueID] = [:]
  /// In the order of first assignment.
  var assigned: [Variable] = []

  func assign(_ value: ValueID, to variable: Variable) {
    current[ObjectIdentifier(variable)] = value
    if !assigned.contains(where: { $0 === variable }) { assigned.append(variable) }
  }
}
