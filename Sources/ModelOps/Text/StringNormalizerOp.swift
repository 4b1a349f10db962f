import ModelGraph
import ModelTensor

public enum CaseChange: String, Sendable, AttributeConvertible {
  case none, lower, upper
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Drops stop words and changes case. Input: strings of shape `[C]` or `[1, C]`. When every word is dropped, one
/// empty string is left.
///
/// `locale` is kept but does not change the result: case is mapped as Unicode says.
public struct StringNormalizerOp: PrimitiveOp {
  public static let name = "StringNormalizer"
  public static let family = OpFamily.text
  public var caseChange: CaseChange
  public var isCaseSensitive: Bool
  public var stopwords: [String]
  public var locale: String
  public init(
    caseChange: CaseChange = .none, isCaseSensitive: Bool = false, stopwords: [String] = [], locale: String = "en_US"
  ) {
    self.caseChange = caseChange
    self.isCaseSensitive = isCaseSensitive
    self.stopwords = stopwords
    self.locale = locale
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard let dims = x.shape.dims else { return [TensorType(.string, .unranked)] }
    guard dims.count == 1 || dims.count == 2 && broadcast(dims[0], 1) != nil else {
      throw GraphError(.shapeMismatch, "StringNormalizer of \(x)")
    }
    if stopwords.isEmpty, dims[dims.count - 1].value != 0 { return [TensorType(.string, x.shape)] }
    return [TensorType(.string, .ranked(dims.dropLast() + [.unknown]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    guard x.rank == 1 || x.rank == 2 && x.shape[0] == 1 else {
      throw ExecutionError(.shapeMismatch, "StringNormalizer of \(x.type)")
    }
    let stop = Set(isCaseSensitive ? stopwords : stopwords.map { $0.lowercased() })
    var words: [[UInt8]] = []
    for bytes in x.strings {
      let word = String(decoding: bytes, as: UTF8.self)
      if stop.contains(isCaseSensitive ? word : word.lowercased()) { continue }
      switch caseChange {
      case .none: words.append(bytes)
      case .lower: words.append(Array(word.lowercased().utf8))
      case .upper: words.append(Array(word.uppercased().utf8))
      }
    }
    if words.isEmpty { words = [[]] }
    return [NDArray(strings: words, x.shape.dropLast() + [words.count])]
  }
}
