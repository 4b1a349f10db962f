import ModelOps
import ModelSupport
import ProtobufWire
import TensorFlowGraph

extension FingerprintDef {
  /// The version of the rules by which TensorFlow hashes.
  private static let producer: Int32 = 4
  /// Hashes need all bytes at once. Loaders take a model without its fingerprint.
  private static let limit = 32 << 20

  /// The hashes of a model as TensorFlow makes them (`cc/saved_model/fingerprinting.cc`); `nil` for a graph that is too long.
  /// - Parameter index: the path of the checkpoint's index.
  init?(_ model: SavedModelProto, index: String) throws {
    guard var meta = model.metaGraphs.first, try model.encodedSize() <= Self.limit else { return nil }
    self.init()
    // Entries of maps have no order in the file; hashes are over sorted ones.
    meta.signatureDef = meta.signatureDef.map { entry in
      var entry = entry
      entry.value?.inputs.sort { ($0.key ?? "") < ($1.key ?? "") }
      entry.value?.outputs.sort { ($0.key ?? "") < ($1.key ?? "") }
      return entry
    }.sorted { ($0.key ?? "") < ($1.key ?? "") }
    meta.objectGraphDef?.concreteFunctions.sort { ($0.key ?? "") < ($1.key ?? "") }
    var sorted = model
    sorted.metaGraphs[0] = meta
    savedModelChecksum = farmHash64(try sorted.encoded())
    graphDefProgramHash = farmHash64(try Self.program(meta.graphDef ?? GraphDef()).encoded())
    signatureDefHash = try meta.signatureDef.reduce(0) { hash, entry in
      let name = fingerprintCat64(hash, farmHash64(Array((entry.key ?? "").utf8)))
      return fingerprintCat64(name, farmHash64(try (entry.value ?? SignatureDef()).encoded()))
    }
    savedObjectGraphHash = try Self.objects(meta.objectGraphDef ?? SavedObjectGraph())
    let file = try MappedFile(path: index)
    checkpointHash = farmHash64([UInt8](file.bytes))
    uuid = Self.uuid(savedModelChecksum ?? 0, checkpointHash ?? 0)
    var version = VersionDef()
    version.producer = Self.producer
    self.version = version
  }

  /// The graph without what differs between two that compute the same: the library, versions, strings, numbers of functions.
  private static func program(_ graph: GraphDef) -> GraphDef {
    var graph = graph
    for index in graph.node.indices {
      let op = graph.node[index].op
      for place in graph.node[index].attr.indices {
        let key = graph.node[index].attr[place].key
        if op == "PartitionedCall" || op == "StatefulPartitionedCall" {
          if key == "config_proto" { graph.node[index].attr[place].value = .string("") }
          if key == "f", let name = graph.node[index].attr[place].value?.function?.value.name, let number = suffix(name) {
            graph.node[index].attr[place].value = .function(String(name.dropLast(number.count)))
          }
        }
        if op == "Const", key == "value", graph.node[index].attr.first(where: { $0.key == "dtype" })?.value?.type?.rawValue == 7 {
          graph.node[index].attr[place].value = AttrValue()
        }
      }
    }
    graph.library = FunctionDefLibrary()
    graph.versions = VersionDef()
    return graph
  }

  /// Functions in the order of their numbers; one without a number does not count.
  private static func objects(_ graph: SavedObjectGraph) throws -> UInt64 {
    var numbered: [Int: SavedObjectGraph.ConcreteFunctionEntry] = [:]
    for entry in graph.concreteFunctions {
      if let number = suffix(entry.key ?? "").flatMap({ Int($0) }), numbered[number] == nil { numbered[number] = entry }
    }
    return try numbered.sorted { $0.key < $1.key }.reduce(0) { hash, item in
      let name = (item.value.key ?? "").dropLast(String(item.key).count)
      let named = fingerprintCat64(hash, farmHash64(Array(name.utf8)))
      return fingerprintCat64(named, farmHash64(try (item.value.value ?? SavedConcreteFunction()).encoded()))
    }
  }

  /// The number behind the last underscore of a function's name.
  private static func suffix(_ name: String) -> String? {
    guard let last = name.split(separator: "_", omittingEmptySubsequences: false).last, !last.isEmpty, Int(last) != nil,
      last.allSatisfy({ $0.isASCII && $0.isNumber })
    else { return nil }
    return String(last)
  }

  /// A UUID of version 8 made of the hashes: one model written twice is the same file.
  private static func uuid(_ high: UInt64, _ low: UInt64) -> String {
    let high = high & ~0xf000 | 0x8000, low = low & ~(3 << 62) | 2 << 62
    func hex(_ value: UInt64, _ digits: Int) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    let parts = [
      hex(high >> 32, 8), hex(high >> 16 & 0xffff, 4), hex(high & 0xffff, 4), hex(low >> 48, 4), hex(low & 0xffff_ffff_ffff, 12),
    ]
    return parts.joined(separator: "-")
  }
}
