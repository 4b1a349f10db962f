import ModelSupport

/// One field: the row that reads, writes and describes it.
public struct FlatField<Table>: Sendable {
  public typealias Path<Value> = WritableKeyPath<Table, Value> & Sendable

  public let slot: Int
  public let name: String
  /// The bytes the field takes inside its table.
  let inlineSize: Int
  /// A scalar of these bits is not written.
  let defaultBits: UInt64?
  let read: @Sendable (inout Table, FlatSlot, inout FlatReader) throws -> Void
  /// What the field holds; `nil` when it is absent. Scalars are always there.
  public let value: @Sendable (Table) -> FlatValue?
  var isUnion = false
}

/// All fields of a table.
public struct FlatFieldTable<Table: FlatTable>: Sendable {
  /// In the order of their slots.
  public let fields: [FlatField<Table>]
  private let bySlot: [FlatField<Table>?]
  private let unionTypes: Set<Int>

  public init(_ fields: [FlatField<Table>]) {
    self.fields = fields.sorted { $0.slot < $1.slot }
    var bySlot = [FlatField<Table>?](repeating: nil, count: (self.fields.last?.slot ?? -1) + 1)
    for field in fields { bySlot[field.slot] = field }
    self.bySlot = bySlot
    unionTypes = Set(fields.lazy.filter(\.isUnion).map { $0.slot - 1 })
  }

  /// - Parameter slot: At least 0.
  func row(_ slot: Int) -> FlatField<Table>? { slot < bySlot.count ? bySlot[slot] : nil }
  func isUnionType(_ slot: Int) -> Bool { unionTypes.contains(slot) }
}

/// What a field holds.
public enum FlatValue: Sendable {
  case scalar(any FlatScalar)
  case scalars(any FlatVector)
  case string(String)
  case strings([String])
  /// With the alignment of the first byte.
  case bytes(FlatBytes, alignment: Int)
  case table(any FlatTable)
  case tables([any FlatTable])
  case union(UInt8, any FlatTable)
}

/// A vector of scalars, whatever their type.
public protocol FlatVector: Sendable {
  var count: Int { get }
  /// The bytes of one element.
  var stride: Int { get }
  func append(to bytes: inout [UInt8])
  /// The elements from `range`, as text.
  func texts(_ range: Range<Int>) -> [String]
}

struct FlatScalars<V: FlatScalar>: FlatVector {
  let values: [V]
  var count: Int { values.count }
  var stride: Int { V.wireSize }
  func append(to bytes: inout [UInt8]) {
    for value in values { bytes.append(little: value.wire, V.wireSize) }
  }
  func texts(_ range: Range<Int>) -> [String] { values[range.clamped(to: values.indices)].map(\.description) }
}

extension [UInt8] {
  mutating func append(little bits: UInt64, _ size: Int) {
    for shift in 0..<size { append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift))) }
  }
  mutating func store(little bits: UInt64, _ size: Int, at position: Int) {
    for shift in 0..<size { self[position + shift] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift)) }
  }
}

extension FlatField {
  public static func scalar<V: FlatScalar>(_ slot: Int, _ name: String, _ path: any Path<V>, _ absent: V) -> FlatField {
    FlatField(
      slot: slot, name: name, inlineSize: V.wireSize, defaultBits: absent.wire,
      read: { $0[keyPath: path] = try $2.scalar($1.position, as: V.self) },
      value: { .scalar($0[keyPath: path]) })
  }

  /// A vector of scalars.
  public static func scalars<V: FlatScalar>(_ slot: Int, _ name: String, _ path: any Path<[V]?>) -> FlatField {
    FlatField(
      slot: slot, name: name, inlineSize: 4, defaultBits: nil,
      read: { $0[keyPath: path] = try $2.scalars($1.position, as: V.self) },
      value: { $0[keyPath: path].map { .scalars(FlatScalars(values: $0)) } })
  }

  /// A vector of bytes, which stays where it is.
  public static func bytes(_ slot: Int, _ name: String, _ path: any Path<FlatBytes?>, alignment: Int = 4) -> FlatField {
    FlatField(
      slot: slot, name: name, inlineSize: 4, defaultBits: nil,
      read: { $0[keyPath: path] = try $2.byteVector($1.position) },
      value: { $0[keyPath: path].map { .bytes($0, alignment: alignment) } })
  }

  public static func string(_ slot: Int, _ name: String, _ path: any Path<String?>) -> FlatField {
    FlatField(
      slot: slot, name: name, inlineSize: 4, defaultBits: nil,
      read: { $0[keyPath: path] = try $2.string($1.position) },
      value: { $0[keyPath: path].map { .string($0) } })
  }

  public static func strings(_ slot: Int, _ name: String, _ path: any Path<[String]?>) -> FlatField {
    FlatField(
      slot: slot, name: name, inlineSize: 4, defaultBits: nil,
      read: { message, field, reader in
        let (start, count) = try reader.vector(field.position, stride: 4)
        var values: [String] = []
        for index in 0..<count { values.append(try reader.string(start + 4 * index)) }
        message[keyPath: path] = values
      },
      value: { $0[keyPath: path].map { .strings($0) } })
  }

  public static func table<T: FlatTable>(_ slot: Int, _ name: String, _ path: any Path<T?>) -> FlatField {
    FlatField(
      slot: slot, name: name, inlineSize: 4, defaultBits: nil,
      read: { $0[keyPath: path] = try $2.table(at: try $2.target($1.position)) },
      value: { $0[keyPath: path].map { .table($0) } })
  }

  public static func tables<T: FlatTable>(_ slot: Int, _ name: String, _ path: any Path<[T]?>) -> FlatField {
    FlatField(
      slot: slot, name: name, inlineSize: 4, defaultBits: nil,
      read: { message, field, reader in
        let (start, count) = try reader.vector(field.position, stride: 4)
        var values: [T] = []
        for index in 0..<count {
          do { values.append(try reader.table(at: try reader.target(start + 4 * index))) } catch let error as FormatError {
            throw error.within("\(name)[\(index)]")
          }
        }
        message[keyPath: path] = values
      },
      value: { $0[keyPath: path].map { .tables($0) } })
  }

  /// A union: `slot` holds the table, the one before it its number.
  public static func union<U: FlatUnion>(_ slot: Int, _ name: String, _ path: any Path<U>) -> FlatField {
    FlatField(
      slot: slot, name: name, inlineSize: 4, defaultBits: nil,
      read: { message, field, reader in
        guard let place = try field.slots.position(slot - 1, reader) else { return }
        try field.slots.check(place, 1)
        let type = try reader.load(place, as: UInt8.self)
        guard type != 0 else { return }
        message[keyPath: path] = try U.read(type, at: try reader.target(field.position), &reader)
        if message[keyPath: path].content == nil { reader.countUnknown() }
      },
      value: { table in
        let union = table[keyPath: path]
        return union.content.map { .union(union.type, $0) }
      },
      isUnion: true)
  }
}
