import Foundation
import Testing

/// Events as TensorBoard's files hold them, read field by field.
struct EventReader {
  struct Event {
    var tag = "", plugin = ""
    var step = 0
    /// Of numbers; strings as they are.
    var values: [Double] = [], strings: [[UInt8]] = []
  }
  private struct Damaged: Error {}

  /// Those of all files below `folder`, in order.
  static func events(in folder: String) throws -> [Event] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("tfevents") }.sorted()) ?? []
    return try names.flatMap { name -> [Event] in
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
      var events: [Event] = [], start = 0
      while start + 12 <= bytes.count {
        let count = (0..<8).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
        guard start + 16 + count <= bytes.count else { throw Damaged() }
        events += try self.events(Array(bytes[(start + 12)..<(start + 12 + count)]))
        start += 16 + count
      }
      return events
    }
  }

  private enum Field { case integer(UInt64), bytes([UInt8]) }
  private static func fields(_ bytes: [UInt8]) throws -> [(Int, Field)] {
    var result: [(Int, Field)] = [], place = 0
    func varint() throws -> UInt64 {
      var value: UInt64 = 0, shift: UInt64 = 0
      while true {
        guard place < bytes.count else { throw Damaged() }
        value |= UInt64(bytes[place] & 0x7F) << shift
        shift += 7
        place += 1
        if bytes[place - 1] < 0x80 { return value }
      }
    }
    while place < bytes.count {
      let key = try varint()
      let fixed = key & 7 == 1 ? 8 : key & 7 == 5 ? 4 : nil
      if key & 7 == 0 {
        result.append((Int(key >> 3), .integer(try varint())))
      } else {
        let count = try fixed ?? Int(varint())
        guard place + count <= bytes.count else { throw Damaged() }
        result.append((Int(key >> 3), .bytes(Array(bytes[place..<(place + count)]))))
        place += count
      }
    }
    return result
  }
  private static func all(_ bytes: [UInt8], _ number: Int) throws -> [[UInt8]] {
    try fields(bytes).compactMap { if $0 == number, case .bytes(let inner) = $1 { inner } else { nil } }
  }

  /// The values of one record's summary.
  private static func events(_ record: [UInt8]) throws -> [Event] {
    var step = 0
    for case (2, .integer(let value)) in try fields(record) { step = Int(value) }
    return try all(record, 5).flatMap { try all($0, 1) }.map { value in
      var event = Event(step: step)
      event.tag = String(decoding: try all(value, 1).first ?? [], as: UTF8.self)
      let data = try all(value, 9).flatMap { try all($0, 1) }.flatMap { try all($0, 1) }
      event.plugin = String(decoding: data.first ?? [], as: UTF8.self)
      let tensor = try #require(try all(value, 8).first)
      var kind = 0
      for case (1, .integer(let found)) in try fields(tensor) { kind = Int(found) }
      let content = try all(tensor, 4).first ?? []
      func numbers<T>(_: T.Type) -> [T] { content.withUnsafeBytes { raw in Array(raw.bindMemory(to: T.self)) } }
      if kind == 1 { event.values = numbers(Float.self).map(Double.init) }
      if kind == 2 { event.values = numbers(Double.self) }
      if kind == 7 { event.strings = try all(tensor, 8) }
      return event
    }
  }
}
