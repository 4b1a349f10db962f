import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import TensorFlowGraph

/// TensorFlow's own operators in TFLite files ("select TensorFlow operators"): custom operators named after them, with the node in the
/// options. Converters leave lists of tensors so unless told to lower them, and with them the loops of recurrent layers.
enum FlexRules {
  static let prefix = "Flex"

  /// The rule of an operator with such a name; `nil` for any other.
  static func rule(_ name: String) -> OperatorRule? {
    guard name.hasPrefix(prefix), name.count > prefix.count else { return nil }
    return .reads(custom: name) { n, g in
      let node = try EmbeddedNode(try n.embeddedNode())
      guard node.op == name.dropFirst(prefix.count) else {
        throw FormatError(.invalidValue, "\(name) holds a node of the op '\(node.op)'")
      }
      return try node.read(try n.allInputs(), in: &g)
    }
  }
}

extension OperatorReader {
  /// The serialised node: the second of two strings, the first one the op's name.
  fileprivate func embeddedNode() throws -> [UInt8] {
    let strings = try FlexBuffer.strings(try customBytes())
    guard strings.count == 2 else {
      throw FormatError(.invalidStructure, "expected the name and the node of \(type), found \(strings.count) strings")
    }
    return strings[1]
  }
}
