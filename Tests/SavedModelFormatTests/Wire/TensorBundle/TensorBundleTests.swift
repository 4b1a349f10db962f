import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph
import Testing

@testable import SavedModelFormat

@Suite struct TensorBundleTests {
  private func tensors() -> [(String, Tensor)] {
    [
      ("w", Tensor(NDArray((0..<12).map { Float($0) / 3 }, [3, 4]))),
      ("step", Tensor(NDArray(scalar: Int64(7)))),
      ("words", Tensor(TensorType(.string, [2]), source: StringSource([Array("one".utf8), []]))),
      ("empty", Tensor(NDArray([Float](), [0, 5]))),
      ("flags", Tensor(NDArray([true, false, true], [3]))),
    ]
  }

  private func withBundle(_ body: (String) throws -> Void) throws {
    try Fixtures.withDirectory { directory in
      var writer = try TensorBundleWriter(prefix: directory + "/v")
      for (name, tensor) in tensors() { try writer.add(name, tensor) }
      try writer.finish()
      try body(directory + "/v")
    }
  }

  @Test func whatIsWrittenReads() throws {
    try withBundle { prefix in
      let bundle = try TensorBundle(prefix: prefix)
      #expect(bundle.names == ["empty", "flags", "step", "w", "words"])
      for (name, tensor) in tensors() {
        let found = try bundle.tensor(name)
        #expect(found.type == tensor.type)
        #expect(try bundle.type(name) == tensor.type)
        #expect(try found.source.bytes() == tensor.source.bytes())
      }
      #expect((try bundle.tensor("words").source as? StringSource)?.strings == [Array("one".utf8), []])
      #expect(code { _ = try bundle.tensor("none") } == .missingReference)
    }
  }

  @Test func checksumsAreCheckedWhenBytesAreAskedFor() throws {
    try withBundle { prefix in
      let path = prefix + ".data-00000-of-00001"
      var bytes = try Fixtures.bytes(path)
      bytes[5] ^= 1
      try Fixtures.write(bytes, to: path)
      let bundle = try TensorBundle(prefix: prefix), damaged = try bundle.tensor("w")
      #expect(damaged.source.extent == nil)
      #expect(code { _ = try damaged.array() } == .invalidValue)
      #expect(try bundle.tensor("step").array().integers() == [7])
    }
  }

  @Test func dataFilesThatAreShortOrGone() throws {
    try withBundle { prefix in
      let path = prefix + ".data-00000-of-00001", bytes = try Fixtures.bytes(path)
      try Fixtures.write(Array(bytes.prefix(20)), to: path)
      #expect(code { _ = try TensorBundle(prefix: prefix).tensor("step") } == .truncated)
      FileSystem.remove(path)
      #expect(code { _ = try TensorBundle(prefix: prefix).tensor("w") } == .missingReference)
    }
  }

  /// Writes an index over `data` with the given entries, parts under their own keys.
  private func bundle(
    _ directory: String, _ data: [UInt8], bigEndian: Bool = false, _ entries: [(key: [UInt8], entry: BundleEntryProto)]
  ) throws -> TensorBundle {
    try Fixtures.write(data, to: directory + "/p.data-00000-of-00001")
    var header = BundleHeaderProto()
    header.numShards = 1
    if bigEndian { header.endianness = .big }
    let rest = try entries.map { ($0.key, try $0.entry.encoded()) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
    try SortedTable.write([([], try header.encoded())] + rest, to: directory + "/p.index")
    return try TensorBundle(prefix: directory + "/p")
  }

  private func entry(_ extents: [Int], at offset: Int, _ size: Int, slices: [TensorSlice] = []) -> BundleEntryProto {
    var entry = BundleEntryProto()
    entry.dtype = DataType(.int16)
    entry.shape = TensorShapeProto(Shape(extents))
    entry.offset = Int64(offset)
    entry.size = Int64(size)
    entry.slices = slices.map { slice in
      var proto = TensorSliceProto()
      proto.extent = zip(slice.starts, slice.lengths).map { start, length in
        var extent = TensorSliceProto.Extent()
        extent.start = Int64(start)
        extent.length = length.map { Int64($0) }
        return extent
      }
      return proto
    }
    return entry
  }
  private let numbers: [UInt8] = (0..<6).flatMap { [UInt8($0), 0] }

  @Test func partsAreJoinedAlongAnyAxis() throws {
    try Fixtures.withDirectory { directory in
      let left = TensorSlice(starts: [0, 0], lengths: [nil, 1]), right = TensorSlice(starts: [0, 1], lengths: [nil, 2])
      let found = try bundle(
        directory, numbers,
        [
          (Array("w".utf8), entry([2, 3], at: 0, 0, slices: [left, right])), (left.key(of: "w"), entry([2, 1], at: 0, 4)),
          (right.key(of: "w"), entry([2, 2], at: 4, 8)),
        ])
      #expect(try found.tensor("w").array().integers() == [0, 2, 3, 1, 4, 5])
      #expect(try found.tensor("w", right).array().integers() == [2, 3, 4, 5])
      #expect(try found.tensor("w", TensorSlice(starts: [1, 0], lengths: [1, 2])).array().integers() == [1, 4])
      #expect(code { _ = try found.tensor("w", TensorSlice(starts: [1, 0], lengths: [2, 2])) } == .invalidValue)
    }
  }

  @Test func partsThatOverlapOrAreMissing() throws {
    try Fixtures.withDirectory { directory in
      let one = TensorSlice(starts: [0, 0], lengths: [1, nil]), other = TensorSlice(starts: [1, 0], lengths: [1, nil])
      func tensor(_ slices: [TensorSlice]) throws -> Tensor {
        try bundle(
          directory, numbers, [(Array("w".utf8), entry([2, 3], at: 0, 0, slices: slices)), (one.key(of: "w"), entry([1, 3], at: 0, 6))]
        ).tensor("w")
      }
      #expect(code { _ = try tensor([one, other]) } == .missingReference)
      #expect(code { _ = try tensor([one, one]) } == .sizeMismatch)
      #expect(code { _ = try tensor([one]) } == .sizeMismatch)
    }
  }

  @Test func hostileEntries() throws {
    try Fixtures.withDirectory { directory in
      func tensor(_ entry: BundleEntryProto) throws { _ = try bundle(directory, numbers, [(Array("w".utf8), entry)]).tensor("w") }
      #expect(code { try tensor(entry([6], at: 0, 12)) } == nil)
      #expect(code { try tensor(entry([6], at: 1, 12)) } == .truncated)
      #expect(code { try tensor(entry([6], at: -1, 12)) } == .invalidValue)
      #expect(code { try tensor(entry([5], at: 0, 12)) } == .sizeMismatch)
      #expect(code { try tensor(entry([6], at: .max, .max)) } == .truncated)
      #expect(code { try tensor(entry([1 << 40, 1 << 40], at: 0, 12)) } == .invalidValue)
      #expect(code { try tensor(entry([-6], at: 0, 12)) } == .invalidValue)
      var other = entry([6], at: 0, 12)
      other.shardID = 3
      #expect(code { try tensor(other) } == .missingReference)
    }
  }

  @Test func otherByteOrder() throws {
    try Fixtures.withDirectory { directory in
      let found = try bundle(directory, [0, 1, 1, 0, 255, 254], bigEndian: true, [(Array("w".utf8), entry([3], at: 0, 6))])
      #expect(try found.tensor("w").array().integers() == [1, 256, -2])
    }
  }

  @Test func seededDamage() throws {
    try withBundle { prefix in
      let index = try Fixtures.bytes(prefix + ".index"), data = try Fixtures.bytes(prefix + ".data-00000-of-00001")
      var state: UInt64 = 11
      func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(max(1, bound)))
      }
      for _ in 0..<400 {
        var damaged = index, bytes = data
        switch next(4) {
        case 0: damaged.removeSubrange(next(damaged.count)...)
        case 1: damaged.insert(UInt8(next(256)), at: next(damaged.count))
        case 2: bytes[next(bytes.count)] ^= UInt8(1 << next(8))
        default: damaged[next(damaged.count)] ^= UInt8(1 << next(8))
        }
        try Fixtures.write(damaged, to: prefix + ".index")
        try Fixtures.write(bytes, to: prefix + ".data-00000-of-00001")
        do {
          let bundle = try TensorBundle(prefix: prefix)
          for name in bundle.names { _ = try bundle.tensor(name).source.bytes() }
        } catch is FormatError {} catch is UnsupportedError {} catch is StorageError {}
      }
    }
  }
}
