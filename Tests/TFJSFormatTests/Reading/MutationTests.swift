import Foundation
import ModelSupport
import TFJSFormat
import Testing

/// A model with bytes of its document changed or cut off: read or refused, without a crash. The same seeds every time.
@Suite struct MutationTests {
  private struct Numbers {
    var state: UInt64
    init(seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(max(1, bound)))
    }
  }

  @Test func isReadOrRefused() throws {
    var readable = 0
    for seed in 0..<300 {
      var numbers = Numbers(seed: seed), bytes = Array(ModelDirectory.dense.utf8)
      if numbers.next(6) == 0 { bytes.removeLast(numbers.next(bytes.count)) }
      for _ in 0...numbers.next(4) where !bytes.isEmpty { bytes[numbers.next(bytes.count)] = UInt8(32 + numbers.next(95)) }
      let shard = [UInt8](repeating: 1, count: numbers.next(8) == 0 ? numbers.next(20) : 12)
      let directory = try ModelDirectory(String(decoding: bytes, as: UTF8.self), shards: ["weights.bin": shard])
      do {
        let model = try TFJSLayersReader.read(directory.path)
        for parameter in model.parameters { try parameter.tensor.source.forEachChunk { _ in } }
        readable += 1
      } catch is FormatError {} catch is UnsupportedError {} catch is StorageError {} catch {
        // What a graph can't be made of names itself, too.
        #expect(!"\(error)".isEmpty, "seed \(seed)")
      }
    }
    #expect(readable > 0)
  }

  /// A graph, and its shard: characters of the document changed, words and numbers put in place of values.
  @Test func graphsEndWell() throws {
    let source = MalformedTests.directory.appendingPathComponent("sound-graph").path
    let document = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source + "/model.json")))
    let values = ["-1", "0", "9223372036854775807", "null", "[]", "{}", "\"\"", "\"x:0\"", "\"y\"", "\"Const\"", "1e300"]
    let places = document.indices.filter { document[$0] == UInt8(ascii: ":") }
    var readable = 0, refused = 0
    for seed in 0..<300 {
      var numbers = Numbers(seed: seed), bytes = document
      if numbers.next(2) == 0 {
        let start = places[numbers.next(places.count)] + 1, word = values[numbers.next(values.count)]
        let end = bytes[start...].firstIndex { [UInt8(ascii: ","), UInt8(ascii: "}")].contains($0) } ?? bytes.endIndex
        bytes.replaceSubrange(start..<end, with: word.utf8)
      } else {
        for _ in 0...numbers.next(3) { bytes[numbers.next(bytes.count)] = UInt8(32 + numbers.next(95)) }
      }
      let shard = [UInt8](repeating: 1, count: numbers.next(8) == 0 ? numbers.next(20) : 12)
      let directory = try ModelDirectory(String(decoding: bytes, as: UTF8.self), shards: ["weights.bin": shard])
      do {
        try MalformedTests.read(directory.path)
        readable += 1
      } catch {
        #expect(!"\(error)".isEmpty, "seed \(seed)")
        refused += 1
      }
    }
    #expect(readable > 0 && refused > 15, "\(readable) read, \(refused) refused")
  }
}
