import ModelSupport
import ModelTensor
import NumPyFormat
import Testing

/// Files that numpy made: `fixtures/numpy/generate.py`.
@Suite struct NumPyFileTests {
  static let dtypes = [
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
  ]

  @Test(arguments: dtypes) func readsEveryOrder(_ dtype: String) throws {
    let archive = try NumPyArchive(path: Fixtures.path("numpy/arrays.npz"))
    for key in ["z_\(dtype)", "big_\(dtype)", "a_fortran_\(dtype)"] {
      let tensor = try #require(try archive.tensor(key))
      #expect(tensor.dtype.rawValue == dtype)
      #expect(tensor.extents == [2, 3])
      let values = try tensor.array().doubles()
      #expect(values == (dtype == "bool" ? [0, 1, 0, 1, 0, 1] : [1, 4, 7, 10, 13, 16]), "\(key)")
    }
  }

  @Test func readsComplexNumbers() throws {
    let archive = try NumPyArchive(path: Fixtures.path("numpy/arrays.npz"))
    for dtype in ["complex64", "complex128"] {
      let plain = try #require(try archive.tensor("z_\(dtype)")).source.bytes()
      for key in ["big_\(dtype)", "a_fortran_\(dtype)"] {
        #expect(try archive.tensor(key)?.source.bytes() == plain)
      }
    }
  }

  @Test func readsStrings() throws {
    let archive = try NumPyArchive(path: Fixtures.path("numpy/arrays.npz"))
    func texts(_ key: String) throws -> [String] {
      try #require(try archive.tensor(key)).array().strings.map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(try texts("bytes") == ["a", "bcd", "", "x\0y"])
    #expect(try texts("text") == ["déf", "g", "", "h😀"])
    #expect(try texts("text_big") == ["ab", "c"])
    #expect(try texts("text_fortran") == ["a", "b", "c", "d", "e", "f"])
  }

  @Test func keepsOrderAndReadsShapes() throws {
    let archive = try NumPyArchive(path: Fixtures.path("numpy/arrays.npz"))
    #expect(archive.keys.prefix(3) == ["z_bool", "big_bool", "a_fortran_bool"])
    #expect(try archive.tensor("scalar")?.extents == [])
    #expect(try archive.tensor("scalar")?.array().doubles() == [7.5])
    #expect(try archive.tensor("empty")?.extents == [0, 4])
    #expect(try archive.tensor("absent") == nil)
    #expect(try archive.tensor("z_float32")?.source.extent != nil)
  }

  @Test func readsCompressedArchives() throws {
    let archive = try NumPyArchive(path: Fixtures.path("numpy/compressed.npz"))
    #expect(try archive.tensor("one")?.array().integers() == Array(0..<1000))
    #expect(try archive.tensor("two")?.array().doubles() == [0, 0, 0, 0, 0, 0])
  }

  @Test(arguments: ["version2.npy", "version3.npy"]) func readsLaterVersions(_ name: String) throws {
    #expect(try NumPyFile(path: Fixtures.path("numpy/\(name)")).tensor.array().doubles() == [1, 4, 7, 10, 13, 16])
  }

  @Test func refusesObjectsAndRecords() throws {
    let archive = try NumPyArchive(path: Fixtures.path("numpy/objects.npz"))
    #expect { try archive.tensor("o") } throws: { hasCode(.invalidValue)($0) }
    #expect { try archive.tensor("r") } throws: { hasCode(.invalidValue)($0) }
  }
}
