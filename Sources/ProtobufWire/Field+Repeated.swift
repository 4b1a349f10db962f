import ModelSupport

// Rows of repeated values. Scalars are accepted packed and unpacked whatever the `.proto` says, and
// written as it says.

extension Field {
  public static func int64s(_ number: UInt32, _ name: String, _ path: any Path<[Int64]>) -> Field {
    Field(
      number, name, .int64, .repeated,
      read: { message, field, reader in
        guard field.kind == .delimited else {
          message[keyPath: path].append(Int64(bitPattern: try reader.varint(field)))
          return
        }
        var values: [UInt64] = []
        try PackedValues.decodeVarints(
          UnsafeRawBufferPointer(rebasing: reader.bytes[field.payload]), limit: .max, into: &values)
        message[keyPath: path].append(contentsOf: values.lazy.map { Int64(bitPattern: $0) })
      },
      write: { message, out in
        for value in message[keyPath: path] { out.varint(number, UInt64(bitPattern: value)) }
      })
  }

  public static func floats(_ number: UInt32, _ name: String, _ path: any Path<[Float]>) -> Field {
    Field(
      number, name, .float, .repeated,
      read: { message, field, reader in
        guard field.kind == .delimited else {
          message[keyPath: path].append(try reader.float(field))
          return
        }
        let values = try PackedValues(WireBytes.held(reader, field)).fixed32()
        message[keyPath: path].append(contentsOf: values.lazy.map { Float(bitPattern: $0) })
      },
      write: { message, out in
        for value in message[keyPath: path] { out.fixed32(number, value.bitPattern) }
      })
  }

  /// Few packed integers, held at once: written packed, as proto3 does.
  public static func packedInt64s(
    _ number: UInt32, _ name: String, _ type: FieldType = .int64, _ path: any Path<[Int64]>
  ) -> Field {
    integers(number, name, type, path) {
      $0
    } to: {
      $0
    }
  }

  public static func packedBools(_ number: UInt32, _ name: String, _ path: any Path<[Bool]>) -> Field {
    integers(number, name, .bool, path) {
      $0 != 0
    } to: {
      $0 ? 1 : 0
    }
  }

  public static func packedEnumerations<E: ProtoEnumeration>(
    _ number: UInt32, _ name: String, _ type: String, _ path: any Path<[E]>
  ) -> Field {
    integers(number, name, .enumeration(type), path, valueNames: E.names) {
      E(rawValue: Int32(truncatingIfNeeded: $0))
    } to: {
      Int64($0.rawValue)
    }
  }

  private static func integers<Value>(
    _ number: UInt32, _ name: String, _ type: FieldType, _ path: any Path<[Value]>, valueNames: [Int32: String] = [:],
    _ from: @escaping @Sendable (Int64) -> Value?, to: @escaping @Sendable (Value) -> Int64
  ) -> Field {
    Field(
      number, name, type, .packed, valueNames: valueNames,
      read: { message, field, reader in
        guard field.kind == .delimited else {
          if let value = from(Int64(bitPattern: try reader.varint(field))) { message[keyPath: path].append(value) }
          return
        }
        var values: [UInt64] = []
        try PackedValues.decodeVarints(
          UnsafeRawBufferPointer(rebasing: reader.bytes[field.payload]), limit: .max, into: &values)
        message[keyPath: path].append(contentsOf: values.lazy.compactMap { from(Int64(bitPattern: $0)) })
      },
      write: { message, out in
        let values = message[keyPath: path]
        guard !values.isEmpty else { return }
        try out.bytes(number, PackedValues(varints: values.map { UInt64(bitPattern: to($0)) }).source)
      })
  }

  public static func packedFloats(_ number: UInt32, _ name: String, _ path: any Path<[Float]>) -> Field {
    let unpacked = floats(number, name, path)
    return Field(
      number, name, .float, .packed, read: unpacked.read,
      write: { message, out in
        let values = message[keyPath: path]
        guard !values.isEmpty else { return }
        try out.bytes(number, PackedValues(fixed32: values.map(\.bitPattern)).source)
      })
  }

  /// Packed numbers that may be many: they stay in the file until they are asked for.
  public static func packed(
    _ number: UInt32, _ name: String, _ type: FieldType, _ path: any Path<PackedValues>
  ) -> Field {
    Field(
      number, name, type, .packed,
      read: { message, field, reader in
        switch (field.kind, type) {
        case (.delimited, _): message[keyPath: path].append(reader.bytes(field.payload))
        case (.varint, .int32), (.varint, .int64), (.varint, .uint64), (.varint, .uint32), (.varint, .bool):
          message[keyPath: path].append(varint: field.value)
        case (.fixed32, .float):
          message[keyPath: path].append(fixed32: UInt32(truncatingIfNeeded: field.value))
        case (.fixed64, .double): message[keyPath: path].append(fixed64: field.value)
        default: throw reader.wrongKind(field, "packed \(type.name)")
        }
      },
      write: { message, out in
        let values = message[keyPath: path]
        if !values.isEmpty { try out.bytes(number, values.source) }
      })
  }

  public static func strings(_ number: UInt32, _ name: String, _ path: any Path<[String]>) -> Field {
    Field(
      number, name, .string, .repeated,
      read: { message, field, reader in message[keyPath: path].append(try reader.string(field)) },
      write: { message, out in for value in message[keyPath: path] { out.string(number, value) } })
  }

  public static func bytesList(_ number: UInt32, _ name: String, _ path: any Path<[WireBytes]>) -> Field {
    Field(
      number, name, .bytes, .repeated,
      read: { message, field, reader in
        try reader.count(at: field.whole.lowerBound)
        message[keyPath: path].append(reader.bytes(try reader.delimited(field)))
      },
      write: { message, out in for value in message[keyPath: path] { try out.bytes(number, value.source) } })
  }

  public static func messages<M: ProtoMessage>(_ number: UInt32, _ name: String, _ path: any Path<[M]>) -> Field {
    Field(
      number, name, .message(M.messageName), .repeated, nested: NestedFields(M.self),
      read: { message, field, reader in
        var value = M()
        do { try reader.read(into: &value, try reader.delimited(field)) } catch let error as FormatError {
          throw error.within("\(name)[\(message[keyPath: path].count)]")
        }
        message[keyPath: path].append(value)
      },
      write: { message, out in
        for (index, value) in message[keyPath: path].enumerated() {
          try within("\(name)[\(index)]") { try out.message(number, value) }
        }
      })
  }
}

extension WireBytes {
  /// The payload of a field as a source, without regard to its length.
  fileprivate static func held(_ reader: ProtoReader, _ field: WireField) -> any ByteSource {
    reader.bytes(field.payload).source
  }
}
