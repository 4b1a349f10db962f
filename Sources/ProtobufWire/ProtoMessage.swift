import ModelSupport

/// A protobuf message as a Swift struct. Its table says how each field is read and written.
public protocol ProtoMessage: Sendable {
  /// As the `.proto` names it: `TensorProto`, `TypeProto.Tensor`.
  static var messageName: String { get }
  static var table: FieldTable<Self> { get }
  /// Fields the table does not know, tags included, as they were read.
  var unknownFields: PackedValues { get set }
  /// Whether this is the entry of a `map` field: field 1 is the key, field 2 the value.
  static var isMapEntry: Bool { get }
  init()
}

extension ProtoMessage {
  public static var isMapEntry: Bool { false }
}

/// An enumeration with the names its values have in the `.proto`, for the text and JSON forms.
public protocol ProtoEnumeration: RawRepresentable, Sendable where RawValue == Int32 {
  static var names: [Int32: String] { get }
}

/// A field as the `.proto` declares it: what the text and JSON forms need to know beside the wire.
public struct FieldDescription: Sendable {
  public let number: UInt32
  public let name: String
  public let type: FieldType
  public let label: FieldLabel
  /// For a message: its own fields. Asked for when it is needed, as messages contain themselves.
  public let nested: NestedFields?
  /// For an enumeration: the names of its values.
  public let valueNames: [Int32: String]
}

/// The fields of a message inside another one.
public struct NestedFields: Sendable {
  public let isMapEntry: Bool
  public let fields: @Sendable () -> [FieldDescription]
  init<M: ProtoMessage>(_ message: M.Type) {
    isMapEntry = M.isMapEntry
    fields = { M.table.fields.map(\.described) }
  }
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
  case int32, int64, sint64, uint32, uint64, fixed32, fixed64, bool, float, double, string, bytes
  case enumeration(String)
  case message(String)

  /// The word of the `.proto`.
  public var name: String {
    switch self {
    case .int32: "int32"
    case .int64: "int64"
    case .sint64: "sint64"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .fixed32: "fixed32"
    case .fixed64: "fixed64"
    case .bool: "bool"
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
  let nested: NestedFields?
  let valueNames: [Int32: String]
  let read: @Sendable (inout Message, WireField, inout ProtoReader) throws -> Void
  let write: @Sendable (Message, inout ProtoEmitter) throws -> Void

  init(
    _ number: UInt32, _ name: String, _ type: FieldType, _ label: FieldLabel, nested: NestedFields? = nil,
    valueNames: [Int32: String] = [:],
    read: @escaping @Sendable (inout Message, WireField, inout ProtoReader) throws -> Void,
    write: @escaping @Sendable (Message, inout ProtoEmitter) throws -> Void
  ) {
    self.number = number
    self.name = name
    self.type = type
    self.label = label
    self.nested = nested
    self.valueNames = valueNames
    self.read = read
    self.write = write
  }

  public var described: FieldDescription {
    FieldDescription(number: number, name: name, type: type, label: label, nested: nested, valueNames: valueNames)
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
