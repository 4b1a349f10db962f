import Foundation
import HDF5Container
import ModelSupport
import ModelTensor
import Testing

/// Files that h5py made: `fixtures/hdf5/generate.py`.
@Suite struct HDF5FileTests {
  func open(_ name: String) throws -> HDF5File { try HDF5File(path: Fixtures.path("hdf5/\(name)")) }

  @Test(arguments: [
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
  ])
  func readsNumbersInBothOrders(_ dtype: String) throws {
    let root = try open("types.h5").root
    for order in ["little", "big"] {
      let tensor = try root.dataset("\(order)/\(dtype)").tensor
      #expect(tensor.dtype.rawValue == dtype)
      #expect(tensor.extents == [2, 3])
      let values = try tensor.array().doubles()
      #expect(values == [1, 4, 7, 10, 13, 16])
      #expect((tensor.source.extent != nil) == (order == "little" || dtype.hasSuffix("int8")))
    }
  }

  /// The library must never follow what was once found damaged.
  @Test(arguments: ["heap-free-space.h5", "heap-object.h5"]) func staysDamaged(_ name: String) throws {
    let root = try HDF5File(path: Fixtures.path("malformed/hdf5/\(name)")).root
    for _ in 0..<2 { #expect(throws: FormatError.self) { try root.group("layers/g").attribute("names") } }
  }

  @Test func readsOtherTypes() throws {
    let root = try open("types.h5").root
    #expect(try root.dataset("little/bool").tensor.array().integers() == [1, 0, 0, 1, 0, 0])
    #expect(try root.dataset("little/complex64").tensor.dtype == .complex64)
    let opaque = try root.dataset("opaque/bfloat16")
    #expect(try opaque.attribute("dtype")?.string == "bfloat16")
    #expect(try opaque.tensor(as: .bfloat16).array().doubles() == [1, 4, 7, 10, 13, 16])
    #expect(throws: FormatError.self) { try opaque.tensor }
    #expect(throws: FormatError.self) { try root.dataset("compound").tensor }
    let strings = try root.dataset("strings/variable").tensor.array().strings
    #expect(strings.map { String(decoding: $0, as: UTF8.self) } == ["a", "bc", "déf"])
    #expect(try root.dataset("strings/fixed").tensor.array().strings == [Array("one".utf8), Array("three".utf8)])
    #expect(try root.dataset("shapes/scalar").tensor.array().doubles() == [7.5])
    #expect(try root.dataset("shapes/scalar").tensor.extents == [])
    #expect(try root.dataset("shapes/empty").tensor.array().shape == [0, 4])
    #expect(try root.dataset("shapes/null").extents == nil)
  }

  @Test func readsAttributes() throws {
    let root = try open("attributes.h5").root
    #expect(try root.attribute("text")?.string == "grüße")
    #expect(try root.attribute("bytes")?.string == "tensorflow")
    #expect(try root.attribute("list")?.strings == ["conv1/kernel:0", "conv1/bias:0"])
    #expect(try root.attribute("texts")?.strings == ["x", "yz"])
    #expect(try root.attribute("nothing")?.array?.count == 0)
    #expect(try root.attribute("null")?.isEmpty == true)
    #expect(try root.attribute("int")?.integer == 42)
    #expect(try root.attribute("floats")?.array?.doubles() == [0.5, 1.5])
    #expect(try root.attribute("flag")?.integer == 1)
    #expect(try root.attribute("long")?.string?.count == 70_000)
    #expect(try root.attribute("absent") == nil)
    #expect(try root.attributeNames().count == 10)
  }

  @Test func readsEveryStorage() throws {
    let root = try open("stored.h5").root
    for name in ["gzip", "chunked"] {
      let tensor = try root.dataset(name).tensor
      #expect(tensor.source.extent == nil)
      let all = try tensor.array().doubles()
      #expect(all == (0..<all.count).map(Double.init))
      // A range that begins and ends inside rows.
      var part: [UInt8] = []
      try tensor.source.withBytes(in: 1001..<2005) { part = [UInt8]($0) }
      #expect(try part == Array(tensor.source.bytes()[1001..<2005]))
    }
    #expect(try root.dataset("compact").tensor.array().doubles() == [1, 2, 3])
    #expect(try root.dataset("unwritten").tensor.array().doubles() == [Double](repeating: 2.5, count: 10))
    #expect { try root.dataset("lzf") } throws: { hasCode(.invalidValue)($0) }
  }

  @Test func keepsCreationOrderWhereTheFileDoes() throws {
    #expect(try open("ordered.h5").root.memberNames() == ["z", "a", "m", "b10", "b2"])
    #expect(try open("types.h5").root.memberNames() == ["big", "compound", "little", "opaque", "shapes", "strings"])
  }

  @Test func readsBehindAUserBlock() throws {
    #expect(try open("userblock.h5").root.dataset("x").tensor.array().integers() == [0, 1, 2, 3, 4])
  }

  @Test func readsInPlaceInsideAnotherFile() throws {
    let inner = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("hdf5/types.h5")))
    let outer = TemporaryFile()
    try (Data(repeating: 7, count: 1234) + inner + Data(repeating: 9, count: 99)).write(to: URL(fileURLWithPath: outer.path))
    let mapped = try MappedFile(path: outer.path)
    for source: any ByteSource in [FileSlice(mapped, 1234..<(1234 + inner.count)), MemorySource([UInt8](inner))] {
      let tensor = try HDF5File(source: source, name: "inner").root.dataset("little/int32").tensor
      #expect(try tensor.array().integers() == [1, 4, 7, 10, 13, 16])
    }
  }

  @Test func refusesWhatLeadsOutside() throws {
    let root = try open("links.h5").root
    for name in ["soft", "external", "outside", "virtual"] {
      #expect("\(name)") { try root.member(name) } throws: { hasCode(.pathEscape)($0) }
    }
    #expect { try root.group("loop").forEachDataset { _, _ in } } throws: { hasCode(.cycle)($0) }
    #expect { try root.dataset("absent") } throws: { hasCode(.missingReference)($0) }
  }

  @Test func errorsNameFileAndPath() throws {
    do {
      _ = try open("types.h5").root.dataset("little/none")
      Issue.record("expected an error")
    } catch let error as FormatError {
      #expect(error.description.contains("types.h5"))
      #expect(error.description.contains("little/none"))
    }
  }
}
