import ModelSupport

/// A protobuf message as a Swift struct. Its table says how each field is read and written.
public protocol ProtoMessage: Sendable {
  /// As the `.proto` names it: `TensorProto`, `TypeProto.Tensor`.
  static var messageName: String { get }
  static var table: FieldTable<Self> { get }
  /// Fields the table does not know, tags included, as they were read.
  var unknownFields: PackedValues { get set }
  init()
}

/// All fields of a message, in the order of their numbers, which is the order of writing.
public struct FieldTable<Message: ProtoMessage>: Sendable {
  public let fields: [Field<Message>]
  /// Position + 1 in `fields`, by number; 0 for none.
  private let index: [UInt8]

  public init(_ fields: [Field<Message>]) {
    let sorted = fields.sorted { $0.number < $1.number }
    self.fields = sorted
    var index = [UInt8](repeating: 0, count: Int(sorted.last?.number ?? 0) + 1)
    for (position, field) in sorted.enumerated() { index[Int(field.number)] = UInt8(position + 1) }
    self.index = index
  }

  func field(_ number: UInt32) -> Field<Message>? {
    guard number < index.count, index[Int(number)] > 0 else { return nil }
    return fields[Int(index[Int(number)]) - 1]
  }
}

/// How a field's value stands on the wire, as the `.proto` spells it.
public enum FieldType: Sendable, Hashable {
  case int32, int64, uint64, float, double, string, bytes
  case enumeration(String)
  case message(String)

  /// The word of the `.proto`.
  public var name: String {
    switch self {
    case .int32: "int32"
    case .int64: "int64"
    case .uint64: "uint64"
    case .float: "float"
    case .double: "double"
    case .string: "string"
    case .bytes: "bytes"
    case .enumeration(let name), .message(let name): name
    }
  }
}

public enum FieldLabel: String, Sendable { case optional, repeated, packed }

/// One field: the row that reads and writes it.
public struct Field<Message>: Sendable {
  public let number: UInt32
  public let name: String
  public let type: FieldType
  public let label: FieldLabel
  let read: @Sendable (inout Message, WireField, inout ProtoReader) throws -> Void
  let write: @Sendable (Message, inout ProtoEmitter) throws -> Void

  init(
    _ number: UInt32, _ name: String, _ type: FieldType, _ label: FieldLabel,
    read: @escaping @Sendable (inout Message, WireField, inout ProtoReader) throws -> Void,
    write: @escaping @Sendable (Message, inout ProtoEmitter) throws -> Void
  ) {
    self.number = number
    self.name = name
    self.type = type
    self.label = label
    self.read = read
    self.write = write
  }
}

/// A value held outside the struct that names it: for messages that contain themselves, and for
/// large ones that are rarely there.
@dynamicMemberLookup
public struct Indirect<Wrapped: Sendable>: Sendable {
  private final class Storage: Sendable {
    let value: Wrapped
    init(_ value: Wrapped) { self.value = value }
  }
  private var storage: Storage
  public init(_ value: Wrapped) { storage = Storage(value) }
  public var value: Wrapped {
    get { storage.value }
    set { storage = Storage(newValue) }
  }
  public subscript<T>(dynamicMember path: KeyPath<Wrapped, T>) -> T { storage.value[keyPath: path] }
}
