import ModelSupport

// Rows of single values. proto2 tells a field that is not there from one that is zero, so the
// properties are optionals.

extension Field {
  public typealias Path<Value> = WritableKeyPath<Message, Value> & Sendable

  public static func int64(_ number: UInt32, _ name: String, _ path: any Path<Int64?>) -> Field {
    Field(
      number, name, .int64, .optional,
      read: { $0[keyPath: path] = Int64(bitPattern: try $2.varint($1)) },
      write: { message, out in
        if let value = message[keyPath: path] { out.varint(number, UInt64(bitPattern: value)) }
      })
  }

  /// An `int64` whose sign is its lowest bit on the wire.
  public static func sint64(_ number: UInt32, _ name: String, _ path: any Path<Int64?>) -> Field {
    Field(
      number, name, .sint64, .optional,
      read: {
        let bits = try $2.varint($1)
        $0[keyPath: path] = Int64(bitPattern: bits >> 1) ^ -Int64(bits & 1)
      },
      write: { message, out in
        if let value = message[keyPath: path] { out.varint(number, UInt64(bitPattern: value << 1 ^ value >> 63)) }
      })
  }

  public static func int32(_ number: UInt32, _ name: String, _ path: any Path<Int32?>) -> Field {
    Field(
      number, name, .int32, .optional,
      read: { $0[keyPath: path] = Int32(truncatingIfNeeded: try $2.varint($1)) },
      write: { message, out in
        if let value = message[keyPath: path] { out.varint(number, UInt64(bitPattern: Int64(value))) }
      })
  }

  /// An enumeration whose values may be unknown: the struct holds the raw number.
  public static func enumeration<E: RawRepresentable & Sendable>(
    _ number: UInt32, _ name: String, _ type: String, _ path: any Path<E?>
  ) -> Field where E.RawValue == Int32 {
    Field(
      number, name, .enumeration(type), .optional,
      read: { $0[keyPath: path] = E(rawValue: Int32(truncatingIfNeeded: try $2.varint($1))) },
      write: { message, out in
        if let value = message[keyPath: path] { out.varint(number, UInt64(bitPattern: Int64(value.rawValue))) }
      })
  }

  /// The same with the names of the values.
  public static func enumeration<E: ProtoEnumeration>(
    _ number: UInt32, named name: String, _ type: String, _ path: any Path<E?>
  ) -> Field {
    Field(
      number, name, .enumeration(type), .optional, valueNames: E.names,
      read: { $0[keyPath: path] = E(rawValue: Int32(truncatingIfNeeded: try $2.varint($1))) },
      write: { message, out in
        if let value = message[keyPath: path] { out.varint(number, UInt64(bitPattern: Int64(value.rawValue))) }
      })
  }

  /// An `int32` field that holds the numbers of an enumeration.
  public static func int32<E: RawRepresentable & Sendable>(
    _ number: UInt32, _ name: String, as path: any Path<E?>
  ) -> Field where E.RawValue == Int32 {
    Field(
      number, name, .int32, .optional,
      read: { $0[keyPath: path] = E(rawValue: Int32(truncatingIfNeeded: try $2.varint($1))) },
      write: { message, out in
        if let value = message[keyPath: path] { out.varint(number, UInt64(bitPattern: Int64(value.rawValue))) }
      })
  }

  public static func uint64(_ number: UInt32, _ name: String, _ path: any Path<UInt64?>) -> Field {
    Field(
      number, name, .uint64, .optional, read: { $0[keyPath: path] = try $2.varint($1) },
      write: { message, out in if let value = message[keyPath: path] { out.varint(number, value) } })
  }

  public static func uint32(_ number: UInt32, _ name: String, _ path: any Path<UInt32?>) -> Field {
    Field(
      number, name, .uint32, .optional, read: { $0[keyPath: path] = UInt32(truncatingIfNeeded: try $2.varint($1)) },
      write: { message, out in if let value = message[keyPath: path] { out.varint(number, UInt64(value)) } })
  }

  public static func fixed32(_ number: UInt32, _ name: String, _ path: any Path<UInt32?>) -> Field {
    Field(
      number, name, .fixed32, .optional, read: { $0[keyPath: path] = try $2.float($1).bitPattern },
      write: { message, out in if let value = message[keyPath: path] { out.fixed32(number, value) } })
  }

  public static func fixed64(_ number: UInt32, _ name: String, _ path: any Path<UInt64?>) -> Field {
    Field(
      number, name, .fixed64, .optional, read: { $0[keyPath: path] = try $2.fixed64($1) },
      write: { message, out in if let value = message[keyPath: path] { out.fixed64(number, value) } })
  }

  public static func double(_ number: UInt32, _ name: String, _ path: any Path<Double?>) -> Field {
    Field(
      number, name, .double, .optional, read: { $0[keyPath: path] = Double(bitPattern: try $2.fixed64($1)) },
      write: { message, out in if let value = message[keyPath: path] { out.fixed64(number, value.bitPattern) } })
  }

  public static func bool(_ number: UInt32, _ name: String, _ path: any Path<Bool?>) -> Field {
    Field(
      number, name, .bool, .optional, read: { $0[keyPath: path] = try $2.varint($1) != 0 },
      write: { message, out in if let value = message[keyPath: path] { out.varint(number, value ? 1 : 0) } })
  }

  public static func float(_ number: UInt32, _ name: String, _ path: any Path<Float?>) -> Field {
    Field(
      number, name, .float, .optional,
      read: { $0[keyPath: path] = try $2.float($1) },
      write: { message, out in
        if let value = message[keyPath: path] { out.fixed32(number, value.bitPattern) }
      })
  }

  public static func string(_ number: UInt32, _ name: String, _ path: any Path<String?>) -> Field {
    Field(
      number, name, .string, .optional,
      read: { $0[keyPath: path] = try $2.string($1) },
      write: { message, out in if let value = message[keyPath: path] { out.string(number, value) } })
  }

  public static func bytes(_ number: UInt32, _ name: String, _ path: any Path<WireBytes?>) -> Field {
    Field(
      number, name, .bytes, .optional,
      read: { $0[keyPath: path] = $2.bytes(try $2.delimited($1)) },
      write: { message, out in if let value = message[keyPath: path] { try out.bytes(number, value.source) } })
  }

  /// A message; a second occurrence is merged into the first, as protobuf prescribes.
  public static func message<M: ProtoMessage>(_ number: UInt32, _ name: String, _ path: any Path<M?>) -> Field {
    Field(
      number, name, .message(M.messageName), .optional, nested: NestedFields(M.self),
      read: { message, field, reader in
        var value = message[keyPath: path] ?? M()
        try reader.read(into: &value, try reader.delimited(field))
        message[keyPath: path] = value
      },
      write: { message, out in if let value = message[keyPath: path] { try out.message(number, value) } })
  }

  public static func message<M: ProtoMessage>(
    _ number: UInt32, _ name: String, _ path: any Path<Indirect<M>?>
  ) -> Field {
    Field(
      number, name, .message(M.messageName), .optional, nested: NestedFields(M.self),
      read: { message, field, reader in
        var value = message[keyPath: path]?.value ?? M()
        try reader.read(into: &value, try reader.delimited(field))
        message[keyPath: path] = Indirect(value)
      },
      write: { message, out in if let value = message[keyPath: path] { try out.message(number, value.value) } })
  }
}
