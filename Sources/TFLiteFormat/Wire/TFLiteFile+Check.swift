import FlatBufferWire
import ModelSupport

extension TFLiteFile {
  /// Throws unless every index leads somewhere and every range lies within the file.
  func check() throws {
    try checkVersion()
    guard !subgraphs.isEmpty else {
      throw FormatError(.invalidStructure, "expected one subgraph or more, found none", at: SourceLocation(path: ["subgraphs"]))
    }
    let externals = Set((model.externalBuffers ?? []).map(\.id))
    for (number, subgraph) in subgraphs.enumerated() {
      try within("subgraphs[\(number)]") { try check(subgraph, externals: externals) }
    }
    for (index, buffer) in (model.buffers ?? []).enumerated() where buffer.data == nil && buffer.offset > 1 {
      try within("buffers[\(index)]") { try check(offset: buffer.offset, size: buffer.size) }
    }
    for (index, entry) in (model.metadata ?? []).enumerated() {
      try within("metadata[\(index)]") { try check(entry.buffer, below: model.buffers?.count ?? 0, "buffer") }
    }
    for (index, signature) in (model.signatureDefs ?? []).enumerated() {
      try within("signature_defs[\(index)]") { try check(signature) }
    }
    for (index, external) in (model.externalBuffers ?? []).enumerated() {
      try within("external_buffers[\(index)]") { try check(external.group, below: model.externalBufferGroups?.count ?? 0, "group") }
    }
  }

  private func checkVersion() throws {
    guard model.version != Self.schemaVersion else { return }
    if (1..<Self.schemaVersion).contains(model.version) {
      throw UnsupportedError("\(path): schema version \(model.version) is too old; version \(Self.schemaVersion) is read")
    }
    throw FormatError(
      .invalidValue, "expected the schema version \(Self.schemaVersion), found \(model.version)", at: SourceLocation(path: ["version"]))
  }

  private func check(_ subgraph: TFLiteSubGraph, externals: Set<UInt32>) throws {
    let tensors = subgraph.tensors ?? []
    for (index, tensor) in tensors.enumerated() {
      try within("tensors[\(index)]") {
        if tensor.buffer != 0 { try check(tensor.buffer, below: model.buffers?.count ?? 0, "buffer") }
        guard tensor.externalBuffer == 0 || externals.contains(tensor.externalBuffer) else {
          throw FormatError(.missingReference, "expected an external buffer that is listed, found \(tensor.externalBuffer)")
        }
      }
    }
    try check(subgraph.inputs, below: tensors.count, "inputs")
    try check(subgraph.outputs, below: tensors.count, "outputs")
    for (index, op) in (subgraph.operators ?? []).enumerated() {
      try within("operators[\(index)]") {
        try check(op.opcodeIndex, below: model.operatorCodes?.count ?? 0, "opcode_index")
        try check(op.inputs, below: tensors.count, "inputs")
        try check(op.outputs, below: tensors.count, "outputs")
        try check(op.intermediates, below: tensors.count, "intermediates")
        if op.customOptions == nil, op.largeCustomOptionsOffset > 1 {
          try check(offset: op.largeCustomOptionsOffset, size: op.largeCustomOptionsSize)
        }
      }
    }
  }

  private func check(_ signature: SignatureDef) throws {
    try check(signature.subgraphIndex, below: subgraphs.count, "subgraph_index")
    let tensors = subgraphs[Int(signature.subgraphIndex)].tensors?.count ?? 0
    for entry in (signature.inputs ?? []) + (signature.outputs ?? []) {
      try within("'\(entry.name ?? "")'") { try check(entry.tensorIndex, below: tensors, "tensor_index") }
    }
  }

  /// Indices of tensors; -1 stands for one that is left out.
  private func check(_ indices: [Int32]?, below count: Int, _ name: String) throws {
    guard let wrong = indices?.first(where: { $0 < -1 || Int($0) >= count }) else { return }
    throw FormatError(
      .missingReference, "expected the index of one of \(count) tensors, found \(wrong)", at: SourceLocation(path: [name]))
  }

  private func check(_ index: UInt32, below count: Int, _ name: String) throws {
    guard Int(index) >= count else { return }
    throw FormatError(.missingReference, "expected an index below \(count), found \(index)", at: SourceLocation(path: [name]))
  }

  private func check(offset: UInt64, size: UInt64) throws {
    guard range(offset, size) == nil else { return }
    throw FormatError(.sizeMismatch, "expected \(size) bytes at byte \(offset), the file has \(source.byteCount)")
  }
}
