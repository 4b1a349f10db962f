import ModelSupport

/// A FlatBuffers table as a Swift struct. Its field table says how each field is read, written and described.
public protocol FlatTable: Sendable, Hashable {
  /// As the schema names it: `SubGraph`, `Conv2DOptions`.
  static var tableName: String { get }
  static var table: FlatFieldTable<Self> { get }
  /// Slots that hold something the schema has no field for. FlatBuffers does not say what: they can be
  /// reported, not kept.
  var unknownFields: [Int] { get set }
  init()
}

/// One of several tables, told apart by a number beside it.
public protocol FlatUnion: Sendable, Hashable {
  /// The number of the table that is held; 0 for none.
  var type: UInt8 { get }
  var content: (any FlatTable)? { get }
  /// Reads the table of number `type` at `position`.
  static func read(_ type: UInt8, at position: Int, _ reader: inout FlatReader) throws -> Self
}

/// A value of fixed width.
public protocol FlatScalar: Sendable, Hashable, CustomStringConvertible {
  /// Its bytes in the file.
  static var wireSize: Int { get }
  init(wire: UInt64)
  /// Its bits, in the lowest bytes.
  var wire: UInt64 { get }
}

extension FlatScalar where Self: FixedWidthInteger {
  public static var wireSize: Int { MemoryLayout<Self>.size }
  public init(wire: UInt64) { self.init(truncatingIfNeeded: wire) }
  public var wire: UInt64 { UInt64(truncatingIfNeeded: self) & (.max >> UInt64(64 - Self.bitWidth)) }
}

extension Int8: FlatScalar {}
extension UInt8: FlatScalar {}
extension Int16: FlatScalar {}
extension UInt16: FlatScalar {}
extension Int32: FlatScalar {}
extension UInt32: FlatScalar {}
extension Int64: FlatScalar {}
extension UInt64: FlatScalar {}

extension Float: FlatScalar {
  public static var wireSize: Int { 4 }
  public init(wire: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: wire)) }
  public var wire: UInt64 { UInt64(bitPattern) }
}

extension Bool: FlatScalar {
  public static var wireSize: Int { 1 }
  public init(wire: UInt64) { self = wire & 0xFF != 0 }
  public var wire: UInt64 { self ? 1 : 0 }
}

/// An enumeration of the schema. Numbers that the schema does not name are kept.
public protocol FlatEnumeration: FlatScalar {
  associatedtype RawValue: FlatScalar & FixedWidthInteger
  var rawValue: RawValue { get }
  init(rawValue: RawValue)
  /// The schema's words, by raw value: they count from zero.
  static var names: [String] { get }
}

extension FlatEnumeration {
  public static var wireSize: Int { RawValue.wireSize }
  public init(wire: UInt64) { self.init(rawValue: RawValue(wire: wire)) }
  public var wire: UInt64 { rawValue.wire }
  /// The schema's word; `nil` for a number it does not name.
  public var knownName: String? {
    Int(exactly: rawValue).flatMap { Self.names.indices.contains($0) ? Self.names[$0] : nil }
  }
  /// The schema's word, else the number.
  public var name: String { knownName ?? String(describing: rawValue) }
  public var description: String { name }
  /// Every value that the schema names.
  public static var known: [Self] { names.indices.map { Self(wire: UInt64($0)) } }
}
