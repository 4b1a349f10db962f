import CChecksum
import ModelSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file of events as TensorBoard reads them: records of TensorFlow, each an `Event`.
final class EventFile {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>

  /// A new file in `directory`, which is made if it is not there.
  /// - Throws: `StorageError`.
  init(in directory: String) throws {
    try FileSystem.createDirectories(directory)
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, host.count - 1)
    let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let base = "\(directory)/events.out.tfevents.\(time(nil)).\(name).\(getpid())"
    var number = 0
    while FileSystem.kind("\(base).\(number).v2") != nil { number += 1 }
    path = "\(base).\(number).v2"
    guard let file = fopen(path, "w") else { throw StorageError(.cannotCreate, String(cString: strerror(errno)), path: path) }
    self.file = file
    try event(step: 0) { $0.text(3, "brain.Event:2") }
  }
  deinit { fclose(file) }

  /// Appends one event.
  func event(step: Int, _ build: (inout EventMessage) -> Void) throws {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var event = EventMessage()
    event.double(1, Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9)
    if step != 0 { event.integer(2, step) }
    build(&event)
    try record(event.bytes)
  }

  /// A record: its length, the length's checksum, itself, its own checksum.
  private func record(_ bytes: [UInt8]) throws {
    var framed: [UInt8] = []
    func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { framed.append(contentsOf: $0) } }
    append(UInt64(bytes.count))
    append(Self.maskedChecksum(framed))
    framed += bytes
    append(Self.maskedChecksum(bytes))
    guard fwrite(framed, 1, framed.count, file) == framed.count else { throw failure() }
  }
  func flush() throws { guard fflush(file) == 0 else { throw failure() } }
  private func failure() -> StorageError { StorageError(.ioFailed, String(cString: strerror(errno)), path: path) }

  /// CRC-32C, turned and moved so that a checksum of checksums is none.
  static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
    let crc = bytes.withUnsafeBytes { crc32c_extend(0, $0.baseAddress, $0.count) }
    return (crc >> 15 | crc << 17) &+ 0xa282_ead8
  }
}

extension EventFile {
  /// What a plugin of TensorBoard shows under a tag.
  private func summary(_ tag: String, plugin: String, content: [UInt8] = [], kind: Int, _ tensor: EventMessage.Elements, step: Int) throws {
    try event(step: step) { event in
      event.message(5) { summary in
        summary.message(1) { value in
          value.text(1, tag)
          value.tensor(8, tensor)
          value.message(9) { metadata in
            metadata.message(1) { data in
              data.text(1, plugin)
              if !content.isEmpty { data.data(2, content) }
            }
            if kind != 0 { metadata.integer(4, kind) }
          }
        }
      }
    }
  }
  func scalar(_ tag: String, _ value: Double, step: Int) throws {
    try summary(tag, plugin: "scalars", kind: 1, .float(Float(value)), step: step)
  }
  /// Rows of left edge, right edge and count.
  func histogram(_ tag: String, _ values: [Double], step: Int, buckets: Int = 30) throws {
    let values = values.filter(\.isFinite)
    var rows: [Double] = []
    if let low = values.min(), let high = values.max() {
      if low == high {
        // As TensorBoard writes what is all alike.
        for bucket in 1...buckets { rows += [low, high, bucket == buckets ? Double(values.count) : 0] }
      } else {
        let width = (high - low) / Double(buckets)
        var counts = [Double](repeating: 0, count: buckets)
        for value in values { counts[Swift.min(buckets - 1, Int((value - low) / width))] += 1 }
        for (index, count) in counts.enumerated() {
          rows += [low + Double(index) * width, index == buckets - 1 ? high : low + Double(index + 1) * width, count]
        }
      }
    }
    try summary(tag, plugin: "histograms", kind: 2, .doubles(rows, shape: [rows.count / 3, 3]), step: step)
  }
  /// Width, height and the pictures.
  func image(_ tag: String, _ picture: WeightPicture, step: Int) throws {
    let strings = [picture.width, picture.height].map { Array("\($0)".utf8) } + picture.files
    try summary(tag, plugin: "images", kind: 3, .strings(strings), step: step)
  }
  /// A model's configuration, drawn as a graph of layers.
  func kerasModel(_ json: String) throws {
    try summary("keras", plugin: "graph_keras_model", content: Array("1".utf8), kind: 0, .string(Array(json.utf8)), step: 0)
  }
  /// A `GraphDef`: nodes by name, kind, and the names of what they take.
  func graph(_ nodes: [(name: String, kind: String, inputs: [String])]) throws {
    var graph = EventMessage()
    for node in nodes {
      graph.message(1) { proto in
        proto.text(1, node.name)
        proto.text(2, node.kind)
        for input in node.inputs { proto.text(3, input) }
      }
    }
    graph.message(4) { $0.integer(1, 1882) }
    let bytes = graph.bytes
    try event(step: 0) { $0.data(4, bytes) }
  }
}
